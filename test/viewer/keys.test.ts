import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Viewer, ViewerWorld } from './support.ts';

/** What a script in the page finds in the database of pairings. */
interface Found {
  guard: { algorithm: string; extractable: boolean; exported: string };
  nodes: { open: boolean; sealedBytes: number; channelNative: boolean; channelExtractable: boolean }[];
  /** What came out where a record was opened under another node's name. */
  moved: string;
}

describe('keys in the browser', () => {
  let world: ViewerWorld;
  let viewer: Viewer;

  before(async () => {
    world = await ViewerWorld.start({ cameras: 1 });
    viewer = await world.paired({ name: 'Keeper' });
  });
  after(() => world?.stop());

  test('lie sealed under a key that no script can read, each bound to its node', async () => {
    const found = await viewer.page.evaluate(look);
    assert.deepEqual(found.guard, { algorithm: 'AES-GCM', extractable: false, exported: 'InvalidAccessError' });
    assert.equal(found.nodes.length, 1);
    const [node] = found.nodes;
    assert.equal(node!.open, false, 'nothing lies beside the sealed ones');
    assert.equal(node!.sealedBytes, 96 + 16);
    if (node!.channelNative) assert.equal(node!.channelExtractable, false);
    assert.equal(found.moved, 'OperationError');
    viewer.assertQuiet();
  });

  test('nothing of an invitation or a key is kept anywhere else', async () => {
    const kept = await viewer.page.evaluate(() =>
      JSON.stringify({ ...localStorage, ...sessionStorage, href: location.href }),
    );
    assert.doesNotMatch(kept, /[#&?]i=|[0-9a-f]{64}.{0,40}secret|secretKey|wrapSeed|fileKey/i);
    const cookies = await viewer.context.cookies();
    assert.deepEqual(cookies, []);
  });
});

/** Runs in the page. */
async function look(): Promise<Found> {
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => 'taken',
      (error: Error) => error.name,
    );
  interface Kept {
    sealed: { nonce: Uint8Array<ArrayBuffer>; bytes: ArrayBuffer } | null;
    open: unknown;
    channelPair: { secret: CryptoKey } | null;
  }
  const database = await settled(indexedDB.open('constitute-nvr'));
  const guard = await settled<CryptoKey>(database.transaction('keys').objectStore('keys').get('guard'));
  const nodes = await settled<Kept[]>(database.transaction('nodes').objectStore('nodes').getAll());
  const additionalData = new TextEncoder().encode(`device secrets ${'0'.repeat(64)}`);
  const { nonce, bytes } = nodes[0]!.sealed!;
  const moved = await failure(crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce, additionalData }, guard, bytes));
  database.close();
  return {
    guard: {
      algorithm: guard.algorithm.name,
      extractable: guard.extractable,
      exported: await failure(crypto.subtle.exportKey('raw', guard)),
    },
    nodes: nodes.map(({ sealed, open, channelPair }) => ({
      open: open !== null,
      sealedBytes: sealed?.bytes.byteLength ?? 0,
      channelNative: channelPair !== null,
      channelExtractable: channelPair?.secret.extractable ?? false,
    })),
    moved,
  };
}
