import type { ClientDeps } from '../../../src/client/index.ts';
import { type CryptoSuite, createNobleSuite, createWebSuite } from '../../../src/crypto/index.ts';
import { socketAddress } from './socket-address.ts';

/** What the browser gives, in the shapes the client library asks for. */
export interface BrowserPlatform extends ClientDeps {
  suite: CryptoSuite;
  /** Null on plain http: then nothing native is there. */
  subtle: SubtleCrypto | null;
}

/** Asks the browser once what it has. */
export async function browserPlatform(): Promise<BrowserPlatform> {
  const bytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  // In an insecure context `subtle` is missing, whatever the types say.
  const subtle = (crypto.subtle as SubtleCrypto | undefined) ?? null;
  return {
    now: () => Date.now(),
    random: { bytes },
    suite: subtle
      ? await createWebSuite({ subtle, getRandomValues: (array) => crypto.getRandomValues(array) })
      : createNobleSuite(bytes),
    subtle,
    openSocket: (url, subprotocol) =>
      new WebSocket(socketAddress(url, location.protocol), subprotocol) as unknown as ReturnType<
        ClientDeps['openSocket']
      >,
    after(ms, task) {
      const timer = setTimeout(task, ms);
      return () => clearTimeout(timer);
    },
  };
}
