import { type CameraEventKind, TIME_AT_MAX, type XmlElement } from '../../protocol/index.ts';
import { dateOf } from './camera-date.ts';
import { all, first, labelOf } from './element-reader.ts';
import { eventTopicOf } from './event-topics.ts';

/** Most messages of one answer that are read; 64 are asked for. */
export const NOTIFICATIONS_MAX = 256;
const TOPIC_LENGTH_MAX = 256;
const ITEMS_MAX = 16;
const ITEM_LENGTH_MAX = 128;

/** What one message of a camera says, as far as it is one of our kinds. */
export interface Notification {
  kind: CameraEventKind;
  name: string | null;
  /** Null: a moment. */
  active: boolean | null;
  /** The camera's own time, epoch ms. */
  cameraAt: number | null;
  /** It was so when the subscription began, or when all states were asked for. */
  initial: boolean;
  /** Topic and source: what has this state. */
  about: string;
  /** Equal for the same message delivered again. */
  same: string;
}

/** The messages of a `PullMessagesResponse` that are understood, in order, and how many were passed over. Total. */
export function notificationsOf(response: XmlElement): { notifications: Notification[]; passedOver: number } {
  const messages = all(response, 'NotificationMessage');
  const read = messages.slice(0, NOTIFICATIONS_MAX).map(notificationOf);
  const notifications = read.filter((each) => each !== null);
  return { notifications, passedOver: messages.length - notifications.length };
}

function notificationOf(element: XmlElement): Notification | null {
  const topic = topicOf(first(element, 'Topic')?.text ?? '');
  const meaning = topic === null ? null : eventTopicOf(topic);
  const message = first(element, 'Message', 'Message') ?? first(element, 'Message');
  if (!meaning || !message) return null;
  const source = [...itemsOf(message, 'Source'), ...itemsOf(message, 'Key')];
  const data = itemsOf(message, 'Data');
  const operation = (message.attributes.get('PropertyOperation') ?? '').toLowerCase();
  const active = activeOf(data, meaning.states, operation);
  if (active === undefined) return null;
  const initial = operation === 'initialized';
  // That a line was crossed before we listened is no news.
  if (active === null && initial) return null;
  const told = dateOf(message.attributes.get('UtcTime') ?? '');
  const cameraAt = told !== null && told <= TIME_AT_MAX ? told : null;
  const about = [topic, ...source.map((item) => item.join('='))].join(' ');
  const rest = data.map((item) => item.join('=')).join(' ');
  return {
    kind: meaning.kind,
    name: nameOf(meaning.name, [...source, ...data]),
    active,
    cameraAt,
    initial,
    about,
    same: `${about} ${cameraAt} ${rest}`,
  };
}

/** `tns1:RuleEngine/tnsx:Some/Thing` without prefixes; null where it is no topic. */
function topicOf(text: string): string | null {
  const topic = text.trim();
  if (topic.length > TOPIC_LENGTH_MAX || !/^[\w.-]+(?::[\w.-]+)?(?:\/[\w.-]+(?::[\w.-]+)?)*\/?$/.test(topic))
    return null;
  return topic
    .replace(/\/$/, '')
    .split('/')
    .map((part) => part.slice(part.indexOf(':') + 1))
    .join('/');
}

type Item = [name: string, value: string];

/** Names in lower case. Elements of more than a simple value (pictures, outlines) are not looked at. */
function itemsOf(message: XmlElement, part: 'Source' | 'Key' | 'Data'): Item[] {
  const items = all(first(message, part), 'SimpleItem').slice(0, ITEMS_MAX);
  return items.flatMap(({ attributes }): Item[] => {
    const [name, value] = [attributes.get('Name'), attributes.get('Value')];
    if (name === undefined || value === undefined) return [];
    return [[name.slice(0, ITEM_LENGTH_MAX).toLowerCase(), value.slice(0, ITEM_LENGTH_MAX)]];
  });
}

/** The state, null for a moment, undefined where the message does not say what it should. */
function activeOf(data: readonly Item[], states: readonly string[], operation: string): boolean | null | undefined {
  if (states.length === 0) return operation === 'deleted' ? undefined : null;
  if (operation === 'deleted') return false;
  const named = states.flatMap((state) => data.filter(([name]) => name === state));
  if (named.length === 0) {
    // Some make's own name for the one thing the message says.
    const [only, ...more] = data.map(([, value]) => switchOf(value)).filter((value) => value !== null);
    return more.length === 0 ? only : undefined;
  }
  const values = named.map(([, value]) => switchOf(value));
  // Where a message has several (people, vehicles, pets in one), any of them is motion.
  return values.includes(true) ? true : values.includes(false) ? false : undefined;
}

function switchOf(value: string): boolean | null {
  const word = value.trim().toLowerCase();
  if (word === 'true' || word === '1' || word === 'active' || word === 'on') return true;
  return word === 'false' || word === '0' || word === 'inactive' || word === 'off' ? false : null;
}

function nameOf(wish: readonly string[] | { is: string }, items: readonly Item[]): string | null {
  if ('is' in wish) return wish.is;
  for (const name of wish) {
    const label = labelOf(items.find(([each]) => each === name)?.[1]);
    if (label !== null) return label;
  }
  return null;
}
