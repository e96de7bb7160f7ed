import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Bench, measure, percentile } from './measure.ts';
import { startNode, temporaryFolder } from './node-under-test.ts';
import { fillFolder, IDLE_SOURCE } from './recorded-folder.ts';

const REAL = 1_000;
const MANY = 1_000_000;
const SEEKS = 500;
const SEGMENT_MS = 2_000;

/**
 * From range.read to the first opened fragment at a random time, over an index of 1,000 segments and one of 1,000,000. The files of
 * 1,000 are there and are sought; the other rows lie in front of and behind them in the same stream.
 */
export const benchSeek: Bench = async (report, say) => {
  const folder = temporaryFolder();
  const startAt = await fillFolder(folder, { segments: REAL, segmentMs: SEGMENT_MS, fragmentBytes: 4_000 });
  const few = await seekTimes(folder, startAt, say);
  say(`writing ${MANY} rows into the index …`);
  addRows(join(folder, 'index.sqlite'));
  const many = await seekTimes(folder, startAt, say);
  const rows = countRows(join(folder, 'index.sqlite'));
  if (rows < MANY) throw new Error(`the index has ${rows} rows: it was rebuilt meanwhile`);
  const p99 = (samples: number[]) => percentile(samples, 0.99);
  report(measure('seek.p99.1000', p99(few), 'ms'));
  report(
    measure('seek.p99', p99(many), 'ms', {
      baseline: `the same with ${REAL} segments`,
      ratio: p99(many) / p99(few),
      atMost: 1.5,
    }),
  );
  report(
    measure('seek.p50', percentile(many, 0.5), 'ms', {
      baseline: `the same with ${REAL} segments`,
      ratio: percentile(many, 0.5) / percentile(few, 0.5),
    }),
  );
};

async function seekTimes(folder: string, startAt: number, say: (text: string) => void): Promise<number[]> {
  const node = await startNode(folder, IDLE_SOURCE);
  const client = await node.pair();
  say(`${SEEKS} seeks …`);
  const times: number[] = [];
  // The same times in both indexes, spread over all segments; a first hundred warms up.
  for (let i = -100; i < SEEKS; i++) {
    const at = startAt + (((i + 100) * 7_919) % (REAL - 2)) * SEGMENT_MS + 300;
    const started = performance.now();
    for await (const unit of client.readRange({ source: 'front' as never, stream: 'main', from: at, to: at + 200 })) {
      if (unit.kind !== 'fragment') continue;
      if (i >= 0) times.push(performance.now() - started);
      break;
    }
  }
  if (times.length !== SEEKS) throw new Error(`${times.length} of ${SEEKS} seeks found a picture`);
  client.connection.close();
  await node.stop();
  return times;
}

function countRows(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  const { rows } = database.prepare('SELECT COUNT(*) AS rows FROM segments').get() as { rows: number };
  database.close();
  return rows;
}

/** Copies one real row to a million more, half of them before the real ones and half behind. */
function addRows(path: string): void {
  const database = new DatabaseSync(path);
  const model = database.prepare('SELECT * FROM segments ORDER BY start_us LIMIT 1').get() as Record<
    string,
    number | Uint8Array
  >;
  const last = database.prepare('SELECT MAX(end_us) AS end FROM segments').get() as { end: number };
  const insert = database.prepare(
    `INSERT INTO segments (id, place, stream, seq, start_us, end_us, size, state, epoch, run, init, leaf)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const lengthUs = SEGMENT_MS * 1000;
  database.exec('BEGIN');
  for (let i = 0; i < MANY - REAL; i++) {
    const before = i % 2 === 0;
    const step = Math.floor(i / 2) + 1;
    const startUs = before ? (model['start_us'] as number) - step * lengthUs : last.end + (step - 1) * lengthUs;
    const id = Buffer.alloc(16);
    id.writeUInt32BE(i, 4);
    id.writeUInt32BE((i * 2_654_435_761) >>> 0, 0);
    insert.run(
      id,
      model['place']!,
      model['stream']!,
      10_000_000 + i,
      startUs,
      startUs + lengthUs,
      model['size']!,
      model['state']!,
      model['epoch']!,
      model['run']!,
      model['init'] ?? null,
      model['leaf']!,
    );
  }
  database.exec('COMMIT');
  database.close();
}
