import type { CameraEventKind } from '../../protocol/index.ts';
import { TOKENS } from './world.ts';
import { el, elWith, type Markup } from './xml-writer.ts';

/** A topic of the device, with the items its messages carry. */
interface Topic {
  /** As cameras write it, in the `tns1` namespace of ONVIF. */
  path: string;
  kind: CameraEventKind;
  /** Fixed items of the source, and the one that holds the name of the rule or input. */
  source: readonly (readonly [name: string, value: string])[];
  named: { item: string; value: string } | null;
  /** The item of the data that says whether it goes on; of a moment it is `ObjectId`. */
  data: string;
  /** A state that clients are told at once (PropertyOperation Initialized); the others are moments. */
  property: boolean;
}

const PICTURE = [
  ['VideoSourceConfigurationToken', TOKENS.sourceConfiguration],
  ['VideoAnalyticsConfigurationToken', TOKENS.analytics],
] as const;

const TOPICS: Readonly<Record<string, Topic>> = {
  cell: {
    path: 'RuleEngine/CellMotionDetector/Motion',
    kind: 'motion',
    source: PICTURE,
    named: { item: 'Rule', value: 'motion_rule_1' },
    data: 'IsMotion',
    property: true,
  },
  alarm: {
    path: 'VideoSource/MotionAlarm',
    kind: 'motion',
    source: [['Source', TOKENS.source]],
    named: null,
    data: 'State',
    property: true,
  },
  tamper: {
    path: 'RuleEngine/TamperDetector/Tamper',
    kind: 'tamper',
    source: PICTURE,
    named: { item: 'Rule', value: 'tamper_rule_1' },
    data: 'IsTamper',
    property: true,
  },
  line: {
    path: 'RuleEngine/LineDetector/Crossed',
    kind: 'line',
    source: PICTURE,
    named: { item: 'Rule', value: 'line_rule_1' },
    data: 'ObjectId',
    property: false,
  },
  input: {
    path: 'Device/Trigger/DigitalInput',
    kind: 'input',
    source: [],
    named: { item: 'InputToken', value: 'digital_input_1' },
    data: 'LogicalState',
    property: true,
  },
};

/** States remembered beside those every client is told of; the oldest goes first. */
const STATES_MAX = 64;

/** One message on its way to subscribers. */
export interface DeviceMessage {
  topic: string;
  markup: Markup;
}

interface State {
  topic: Topic;
  name: string;
  active: boolean;
  at: number;
}

/** What the device tells of: its topics, the state of each, and who listens. */
export class DeviceEvents {
  readonly #now: () => number;
  readonly #topics: readonly Topic[];
  readonly #listeners = new Set<(message: DeviceMessage) => void>();
  readonly #states = new Map<string, State>();
  #objects = 0;

  constructor(now: () => number, motionTopics: readonly ('cell' | 'alarm')[]) {
    this.#now = now;
    this.#topics = Object.entries(TOPICS)
      .filter(([key, { kind }]) => kind !== 'motion' || motionTopics.some((each) => each === key))
      .map(([, topic]) => topic);
    for (const topic of this.#topics) if (topic.property) this.#remember(topic, topic.named?.value ?? '', false);
  }

  /** Tells everybody: a state that begins or ends, or a moment (`null`). */
  emit(kind: CameraEventKind, active: boolean | null, name?: string): void {
    for (const topic of this.#topics) {
      if (topic.kind !== kind) continue;
      const called = name ?? topic.named?.value ?? '';
      const state = active !== null && topic.property;
      if (state) this.#remember(topic, called, active);
      const markup = this.#message(topic, called, active, state ? 'Changed' : undefined, this.#now());
      for (const listener of [...this.#listeners]) listener({ topic: topic.path, markup });
    }
  }

  /** What is so now, for a new subscriber. */
  initial(): DeviceMessage[] {
    return [...this.#states.values()].map(({ topic, name, active, at }) => ({
      topic: topic.path,
      markup: this.#message(topic, name, active, 'Initialized', at),
    }));
  }

  listen(listener: (message: DeviceMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The tree of topics, for GetEventProperties. */
  topicSet(): Markup {
    const tree = new Map<string, Map<string, Topic[]>>();
    for (const topic of this.#topics) {
      const [first, second = ''] = topic.path.split('/') as [string, string?];
      const branch = tree.get(first) ?? new Map<string, Topic[]>();
      branch.set(second, [...(branch.get(second) ?? []), topic]);
      tree.set(first, branch);
    }
    const item = (name: string, type: string) => elWith('tt:SimpleItemDescription', { Name: name, Type: type });
    const leaf = (name: string, { source, named, data, property }: Topic) =>
      elWith(
        name,
        { 'wstop:topic': true },
        elWith(
          'tt:MessageDescription',
          { IsProperty: property },
          el(
            'tt:Source',
            source.map(([each]) => item(each, 'tt:ReferenceToken')),
            named && item(named.item, 'xs:string'),
          ),
          el('tt:Data', item(data, property ? 'xs:boolean' : 'xs:integer')),
        ),
      );
    return el(
      'wstop:TopicSet',
      [...tree].map(([first, branch]) =>
        el(
          `tns1:${first}`,
          [...branch].map(([second, topics]) => {
            const deep = topics.filter((each) => each.path.split('/').length > 2);
            const [flat] = topics.filter((each) => !deep.includes(each));
            if (flat) return leaf(second, flat);
            return el(
              second,
              deep.map((each) => leaf(each.path.split('/')[2]!, each)),
            );
          }),
        ),
      ),
    );
  }

  #remember(topic: Topic, name: string, active: boolean): void {
    this.#states.set(`${topic.path} ${name}`, { topic, name, active, at: this.#now() });
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= STATES_MAX) break;
      this.#states.delete(oldest);
    }
  }

  #message(
    topic: Topic,
    name: string,
    active: boolean | null,
    operation: 'Initialized' | 'Changed' | undefined,
    at: number,
  ): Markup {
    const item = (key: string, value: string | boolean) => elWith('tt:SimpleItem', { Name: key, Value: value });
    const source = [
      ...topic.source.map(([key, value]) => item(key, value)),
      ...(topic.named ? [item(topic.named.item, name)] : []),
    ];
    // A moment of a state's topic is told as its beginning; a line knows what crossed it.
    const data = topic.property ? item(topic.data, active ?? true) : item(topic.data, String(++this.#objects));
    return el(
      'wsnt:NotificationMessage',
      elWith(
        'wsnt:Topic',
        { Dialect: 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet' },
        `tns1:${topic.path}`,
      ),
      el(
        'wsnt:Message',
        elWith(
          'tt:Message',
          { UtcTime: new Date(at).toISOString(), PropertyOperation: operation },
          el('tt:Source', source),
          el('tt:Data', data, !topic.property && active !== null ? item('State', active) : null),
        ),
      ),
    );
  }
}
