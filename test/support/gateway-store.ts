import { contentOf, type GatewayQuestion, tagsOf, type WireEvent } from './gateway-wire.ts';

interface Kept {
  event: WireEvent;
  type: string;
  updatedAt: number;
  expiresAt: number | null;
}

const AHEAD_S = 600;

/** A gateway's records of one zone: kind 30078 only, the newest of each target. Signatures are the caller's affair. */
export class GatewayStore {
  readonly #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  /** Keeps a record where it is one, in time, and newer; `now` is epoch ms. */
  put(event: WireEvent, now: number): boolean {
    const found = keptOf(event, now);
    if (!found) return false;
    const { target, kept } = found;
    const before = this.#kept.get(target);
    const isOver = before !== undefined && before.expiresAt !== null && before.expiresAt < now;
    if (before && !isOver && (before.event.id === event.id || kept.updatedAt <= before.updatedAt)) return false;
    this.#kept.set(target, kept);
    return true;
  }

  /** What answers a question: one target, or all of the types asked for. */
  find({ types, identity_id, device_pk, dht_scope, dht_key }: GatewayQuestion): WireEvent[] {
    const wanted = types.length === 0 ? ['identity', 'device'] : types;
    const targets: Record<string, string | null> = {
      identity: identity_id,
      device: device_pk,
      dht: dht_scope !== null && dht_key !== null ? `${dht_scope}:${dht_key}` : null,
    };
    const hits: WireEvent[] = [];
    for (const [target, { type, event }] of this.#kept) {
      if (!wanted.includes(type)) continue;
      const exact = targets[type];
      if (exact === null || target === `${type} ${exact}`) hits.push(event);
    }
    return hits;
  }

  /** Keys of the devices known. */
  devices(): string[] {
    return [...this.#kept].filter(([, { type }]) => type === 'device').map(([target]) => target.slice(7));
  }
}

/** The target and time of a discovery record, or null where a gateway would not take it. */
function keptOf(event: WireEvent, now: number): { target: string; kept: Kept } | null {
  const { kind, created_at, pubkey } = event;
  if (kind !== 30_078 || !tagsOf(event, 't').includes('swarm_discovery')) return null;
  if (created_at === 0 || created_at > Math.floor(now / 1000) + AHEAD_S) return null;
  const type = tagsOf(event, 'type')[0] ?? '';
  const content = contentOf(event);
  if (!content) return null;
  const text = (name: string) => (typeof content[name] === 'string' ? (content[name] as string).trim() : '');
  const number = (name: string) => (typeof content[name] === 'number' ? (content[name] as number) : null);
  const expiresAt = number('expiresAt');
  if (expiresAt !== null && expiresAt < now) return null;
  const kept = { event, type, updatedAt: number('updatedAt') ?? created_at * 1000, expiresAt };
  if (type === 'device') return text('devicePk') === pubkey ? { target: `device ${pubkey}`, kept } : null;
  if (type === 'identity') {
    const { devicePks } = content;
    const lists = Array.isArray(devicePks) && devicePks.includes(pubkey);
    return text('identityId') !== '' && lists ? { target: `identity ${text('identityId')}`, kept } : null;
  }
  if (type !== 'dht' || text('scope') === '' || text('key') === '' || !('value' in content)) return null;
  if (text('authorPk') !== '' && text('authorPk') !== pubkey) return null;
  return { target: `dht ${text('scope')}:${text('key')}`, kept };
}
