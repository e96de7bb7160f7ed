import { concatBytes } from '../../src/bytes/index.ts';
import { createNobleSuite, type SyncCryptoSuite } from '../../src/crypto/index.ts';
import { createIdentity, type Identity, type IdentityOptions, type ProvedDevice } from '../../src/identity/index.ts';
import {
  type Clock,
  type Files,
  type Log,
  SeededRandom,
  SimulatedClock,
  SimulatedFiles,
  silentLog,
} from '../../src/platform/index.ts';
import type { DeviceKey } from '../../src/protocol/index.ts';

/** A world with a disk, a clock and seeded chance, in which any number of programs share one data folder. */
export function world(options: { files?: Files; folder?: string; seed?: number } = {}) {
  const clock = new SimulatedClock();
  const random = new SeededRandom(options.seed ?? 7);
  const disk = new SimulatedFiles();
  const files = options.files ?? disk;
  const folder = options.folder ?? '/data';
  const logged: { level: string; fields: Record<string, unknown>; text: string }[] = [];
  const line = (level: string) => (fields: object, text: string) =>
    void logged.push({ level, fields: { ...fields }, text });
  const log: Log = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => log,
  };
  const suite = createNobleSuite((length) => random.bytes(length));

  /** Another program on the same folder, not started yet. */
  function program(more: Partial<IdentityOptions> = {}, ownClock: Clock = clock): Identity {
    return createIdentity({ clock: ownClock, random, log, files, suite }, { folder, ...more });
  }

  /** Lets time pass, and the disk answer in between: each 50 ms, in long times some hundred times. */
  async function pass(ms: number): Promise<void> {
    const step = Math.max(50, Math.min(1_000, Math.ceil(ms / 200)));
    for (let left = ms; left > 0; left -= step) {
      await clock.advance(Math.min(step, left));
      for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Lets time pass until a promise has settled. */
  async function until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    for (let i = 0; i < 2_000 && !settled; i++) await pass(50);
    return promise;
  }

  return { clock, random, disk, files, folder, logged, log, suite, program, pass, until };
}

export { silentLog };

/** A key of a device, told apart by one octet. */
export const deviceKey = (octet: number) => octet.toString(16).padStart(2, '0').repeat(32) as DeviceKey;

/** An X-Wing public key: ML-KEM-768, then X25519. */
export function wrapKeyOf(suite: SyncCryptoSuite): Uint8Array<ArrayBuffer> {
  return concatBytes(
    (suite.mlKem768.generate() as { publicKey: Uint8Array }).publicKey,
    (suite.x25519.generate() as { publicKey: Uint8Array }).publicKey,
  );
}

/** What a finished suite 3 handshake hands over. */
export function hello(octet: number, invitationId: string, more: Partial<ProvedDevice> = {}): ProvedDevice {
  return { device: deviceKey(octet), suite: 3, invitationId, label: `device ${octet}`, ...more };
}
