/** Chance for keys, nonces, ids and jitter alike; the real one is the system's CSPRNG, tests hand in a seeded one. */
export interface Random {
  /** `length` fresh bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}
