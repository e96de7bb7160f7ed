import { cpus } from 'node:os';
import { benchCameras } from './cameras.ts';
import { benchIngest } from './ingest.ts';
import { benchLive } from './live.ts';
import type { Bench, Measure } from './measure.ts';
import { benchRetrieve } from './retrieve.ts';
import { benchSeek } from './seek.ts';
import { benchSwarm } from './swarm.ts';
import { benchTimeline } from './timeline.ts';
import { benchViewer } from './viewer.ts';

const BENCHES: Record<string, Bench> = {
  ingest: benchIngest,
  retrieve: benchRetrieve,
  seek: benchSeek,
  live: benchLive,
  swarm: benchSwarm,
  cameras: benchCameras,
  viewer: benchViewer,
  timeline: benchTimeline,
};

const words = process.argv.slice(2);
const json = words.includes('--json');
const names = words.filter((word) => !word.startsWith('--'));
if (names.length === 0 || names.some((name) => name !== 'all' && !(name in BENCHES))) {
  process.stderr.write(`expected: npm run bench -- ${Object.keys(BENCHES).join('|')}|all [--json]\n`);
  process.exit(2);
}

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);
say(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`);
for (const name of names.includes('all') ? Object.keys(BENCHES) : names) {
  say(`${name} …`);
  await BENCHES[name]!(print, say);
}

function print(measure: Measure): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(measure)}\n`);
    return;
  }
  const ratio = measure.ratio === null ? '' : `   ${measure.ratio} x ${measure.baseline}`;
  const target = measure.target === null ? '' : `   target ${measure.target} ${measure.met ? 'met' : 'NOT met'}`;
  process.stdout.write(
    `${measure.name.padEnd(22)} ${`${measure.value} ${measure.unit}`.padEnd(16)}${ratio}${target}\n`,
  );
}
