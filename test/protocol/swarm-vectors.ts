import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromHex, utf8 } from '../../src/bytes/index.ts';
import type { SignedEvent } from '../../src/protocol/index.ts';

/** A datagram of the published vectors. */
export interface DatagramVector {
  name: string;
  why?: string;
  datagram?: string;
  datagramHex?: string;
  bytes?: number;
}

interface EventVector {
  name: string;
  secretKey: string;
  auxRand: string;
  serialized: string;
  event: SignedEvent;
  eventJson: string;
}

/** The parts of the ecosystem's vectors that are about events, records and datagrams. */
export interface SwarmVectors {
  bip340: { publicKey: string; message: string; signature: string; valid: boolean }[];
  keys: Record<'service' | 'owner' | 'gateway' | 'other', { secretKey: string; publicKey: string }>;
  derive: {
    zoneFromIdentity: { identityId: string; roomKeyB64: string; zone: string }[];
    zoneFromLabel: { label: string; seed: string; zone: string }[];
  };
  events: EventVector[];
  records: Record<string, EventVector>;
  recordChecks: {
    name: string;
    type: string;
    now: number;
    event: Record<string, unknown>;
    want: 'accept' | 'reject';
    why: string;
  }[];
  udp: { zones: string[]; messages: DatagramVector[]; accept: DatagramVector[]; reject: DatagramVector[] };
}

export const vectors = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../vectors/vectors-v1.json'), 'utf8'),
) as SwarmVectors;

/** The bytes of a vector's datagram. */
export function bytesOf({ datagram, datagramHex }: DatagramVector): Uint8Array<ArrayBuffer> {
  return datagramHex === undefined ? utf8(datagram!) : fromHex(datagramHex)!;
}
