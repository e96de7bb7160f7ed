import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import type { NvrClient } from '../src/client/index.ts';
import { schnorrPublicKey, schnorrSign } from '../src/crypto/index.ts';
import { type FileHandle, type Files, SimulatedFiles, silentLog } from '../src/platform/index.ts';
import { createNodeClock, createNodeRandom, createNodeSuite } from '../src/platform/node/index.ts';
import type { SourceId, StreamId } from '../src/protocol/index.ts';
import { createVault } from '../src/vault/index.ts';
import { SyntheticStream } from '../test/vault/synthetic-stream.ts';
import { type Bench, measure, percentile } from './measure.ts';
import { startNode, temporaryFolder } from './node-under-test.ts';
import { fillFolder, IDLE_SOURCE } from './recorded-folder.ts';

const ROUNDS = 5;
const SEGMENTS = 6;

/**
 * Stored bytes through the channel, not opened, over plain node:http serving the same files from a process of its own; opening
 * beside it; and the vault's writer in memory over `openssl speed`.
 */
export const benchRetrieve: Bench = async (report, say) => {
  const folder = temporaryFolder();
  await fillFolder(folder, { segments: SEGMENTS, segmentMs: 60_000, fragmentBytes: 100_000 });
  const files = globSync(join(folder, 'segments/**/*.cnv'));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  say(`${files.length} segments, ${(bytes / 1e6).toFixed(0)} MB; ${ROUNDS} rounds, in turns …`);
  const node = await startNode(folder, IDLE_SOURCE);
  const client = await node.pair();
  const plain = await startPlainHttp(folder);

  const ours: number[] = [];
  const theirs: number[] = [];
  const opened: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const speeds = [
      bytes / (await seconds(async () => fetchPlain(plain.port, files))),
      bytes / (await seconds(() => fetchStored(client))),
      bytes / (await seconds(() => fetchOpened(client))),
    ] as const;
    if (round === 0) continue; // a warm-up
    theirs.push(speeds[0]);
    ours.push(speeds[1]);
    opened.push(speeds[2]);
  }
  const middle = (samples: number[]) => percentile(samples, 0.5) / 1e6;
  const baseline = 'plain node:http of the same files';
  const ratioOf = (samples: number[]) =>
    percentile(
      samples.map((speed, i) => speed / theirs[i]!),
      0.5,
    );
  report(measure('retrieve.throughput', middle(ours), 'MB/s', { baseline, ratio: ratioOf(ours), atLeast: 0.4 }));
  report(measure('retrieve.opened', middle(opened), 'MB/s', { baseline, ratio: ratioOf(opened) }));
  client.connection.close();
  plain.stop();
  await node.stop();
  await benchSeal(report);
};

async function fetchStored(client: NvrClient): Promise<void> {
  for await (const segment of client.segments({ source: 'front', from: 0, to: Date.now() })) {
    const stream = client.connection.open('segments.get', { segment: segment.id });
    let received = 0;
    for await (const unit of stream.units) received += unit.bytes.length;
    if (received !== segment.size) throw new Error(`received ${received} of ${segment.size} bytes`);
  }
}

async function fetchOpened(client: NvrClient): Promise<void> {
  for await (const segment of client.segments({ source: 'front', from: 0, to: Date.now() })) {
    for await (const unit of client.readSegment(await client.segment(segment.id))) void unit;
  }
}

/** A process that serves files as node:http does it plainly: a read stream piped into the answer. */
async function startPlainHttp(folder: string): Promise<{ port: number; stop(): void }> {
  const program = `
    import { createReadStream } from 'node:fs';
    import { createServer } from 'node:http';
    const server = createServer((request, response) => createReadStream(decodeURIComponent(request.url)).pipe(response));
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.on('exit', () => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(line.toString()), stop: () => child.kill() };
}

async function fetchPlain(port: number, files: readonly string[]): Promise<void> {
  for (const file of files) {
    await new Promise<void>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path: encodeURIComponent(file).replaceAll('%2F', '/') }, (response) => {
        let received = 0;
        response.on('data', (part: Buffer) => {
          received += part.length;
        });
        response.on('end', () => (received === statSync(file).size ? resolve() : reject(new Error('a short answer'))));
      }).on('error', reject);
    });
  }
}

/** The vault's whole writer (chunks, Merkle leaves, flushing, log, index) in front of a disk that takes segments and forgets them. */
async function benchSeal(report: Parameters<Bench>[0]): Promise<void> {
  const clock = createNodeClock();
  const random = createNodeRandom();
  const secret = random.bytes(32);
  const vault = createVault(
    {
      clock,
      random,
      log: silentLog,
      files: forgettingDisk(),
      suite: createNodeSuite(),
      keys: {
        kek: random.bytes(32),
        nodeId: schnorrPublicKey(secret),
        sign: (digest) => schnorrSign(secret, digest, random.bytes(32)),
        recipients: () => [],
      },
    },
    { root: '/vault', index: ':memory:', segmentMs: 60_000 },
  );
  await vault.start();
  const source = new SyntheticStream(random, { startUs: clock.nowUs(), pictureBytes: () => 100_000 });
  const place = { sourceId: 'front' as SourceId, stream: 'main' as const, streamId: '33'.repeat(16) as StreamId };
  const writer = vault.openStream(place);
  await writer.beginRun(source.run());
  const feed = async (count: number) => {
    const fragments = Array.from({ length: count }, () => source.next(0));
    const bytes = fragments.reduce((sum, fragment) => sum + fragment.bytes.length, 0);
    const spent = await seconds(async () => {
      for (const fragment of fragments) await writer.fragment(fragment);
    });
    return bytes / spent;
  };
  await feed(1_000); // a warm-up
  const speeds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) speeds.push(await feed(1_000));
  await writer.release();
  await vault.stop();
  const ours = percentile(speeds, 0.5);
  const theirs = opensslSpeed();
  const baseline = `openssl speed aes-256-gcm, 16 KiB (${(theirs / 1e6).toFixed(0)} MB/s)`;
  report(measure('seal.throughput', ours / 1e6, 'MB/s', { baseline, ratio: ours / theirs }));
}

/** A disk in memory that keeps everything but the bytes of segments. */
function forgettingDisk(): Files {
  const disk = new SimulatedFiles();
  const segment = (): FileHandle => {
    let size = 0;
    return {
      async write(bytes, position) {
        size = Math.max(size, position + bytes.length);
        return bytes.length;
      },
      read: async () => 0,
      sizeBytes: async () => size,
      truncate: async (sizeBytes) => {
        size = sizeBytes;
      },
      sync: async () => {},
      close: async () => {},
    };
  };
  return new Proxy<Files>(disk, {
    get(target, name) {
      if (name === 'create') {
        return async (path: string) => (path.endsWith('.cnv') ? segment() : target.create(path));
      }
      const member = target[name as keyof Files] as (...args: never[]) => unknown;
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** Bytes a second of `openssl speed` at 16 KiB. */
function opensslSpeed(): number {
  const printed = execFileSync(
    'openssl',
    ['speed', '-elapsed', '-evp', 'aes-256-gcm', '-bytes', '16384', '-seconds', '2'],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const figure = /^AES-256-GCM\s+([\d.]+)k/im.exec(printed);
  if (!figure) throw new Error('openssl speed printed no figure');
  return Number(figure[1]) * 1000;
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
