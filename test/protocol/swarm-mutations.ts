import { SeededRandom } from '../../src/platform/index.ts';

const SLOW = process.env['SLOW'] === '1';

/** How many mutations a parser is tried with. */
export const MUTATIONS = SLOW ? 200_000 : 3_000;

/** Damaged copies of some datagrams, the same ones for the same seed: bytes changed, cut, doubled, inserted, or random throughout. */
export function* mutations(
  seeds: readonly Uint8Array[],
  count: number,
  seed: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const random = new SeededRandom(seed);
  for (let i = 0; i < count; i++) {
    const from = seeds[random.below(seeds.length)]!;
    const way = random.below(8);
    if (way === 0) {
      yield random.bytes(random.below(1_400));
      continue;
    }
    let bytes = from.slice();
    for (let times = 1 + random.below(4); times > 0 && bytes.length > 0; times--) {
      const at = random.below(bytes.length);
      if (way < 4) bytes[at] = random.below(256);
      else if (way === 4) bytes = bytes.slice(0, at);
      else if (way === 5) bytes = Uint8Array.from([...bytes.slice(0, at), ...random.bytes(1), ...bytes.slice(at)]);
      else if (way === 6) bytes = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(at + 1)]);
      else bytes = Uint8Array.from([...bytes.slice(0, at), ...bytes.slice(random.below(at + 1))]);
    }
    yield bytes as Uint8Array<ArrayBuffer>;
  }
}
