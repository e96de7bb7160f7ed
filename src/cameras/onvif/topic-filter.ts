import type { XmlElement } from '../../protocol/index.ts';
import { all, first } from './element-reader.ts';

/** The dialect of paths joined by `|`. */
export const CONCRETE_SET = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet';
/** Longer filters are refused by too many cameras; then all topics are asked for. */
const FILTER_TOPICS_MAX = 24;
const FILTER_LENGTH_MAX = 1_500;
const NAME_LENGTH_MAX = 64;
const DEPTH_MAX = 8;

/** Which topics are wanted, and the namespaces by the prefixes it is written with. */
export interface TopicFilter {
  expression: string;
  prefixes: ReadonlyMap<string, string>;
}

/** The topics of `GetEventPropertiesResponse` that mean something to `wanted`, as a filter; null where none is offered. */
export function filterOf(properties: XmlElement, wanted: (path: string) => boolean): TopicFilter | null {
  const dialects = all(properties, 'TopicExpressionDialect').map(({ text }) => text.trim());
  const set = first(properties, 'TopicSet');
  if (!set || !dialects.includes(CONCRETE_SET)) return null;
  const prefixes = new Map<string, string>();
  const found: string[] = [];
  const walk = (element: XmlElement, path: string[], names: string[]) => {
    for (const child of element.children) {
      if (child.name === 'MessageDescription' || child.name.length > NAME_LENGTH_MAX || path.length === DEPTH_MAX)
        continue;
      if (found.length > FILTER_TOPICS_MAX) return;
      const prefix = [...child.prefixes].find(([each, name]) => each !== '' && name === child.namespace)?.[0];
      const named = child.namespace !== '' && prefix !== undefined;
      if (named) prefixes.set(prefix, child.namespace);
      const [here, plain] = [
        [...path, named ? `${prefix}:${child.name}` : child.name],
        [...names, child.name],
      ];
      if (wanted(plain.join('/'))) found.push(here.join('/'));
      walk(child, here, plain);
    }
  };
  walk(set, [], []);
  const expression = found.join('|');
  const fits = found.length > 0 && found.length <= FILTER_TOPICS_MAX && expression.length <= FILTER_LENGTH_MAX;
  const used = new Map([...prefixes].filter(([prefix]) => expression.includes(`${prefix}:`)));
  return fits ? { expression, prefixes: used } : null;
}
