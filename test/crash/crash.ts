// `node test/crash/crash.ts [--rounds N] [--seed N] [--json]`: kills a node that records two cameras N times and says what it cost.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crashRounds } from './rounds.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
const LOSS_MS_TARGET = 1200;

const root = mkdtempSync(join(tmpdir(), 'vault-crash-'));
try {
  const outcome = await crashRounds({
    rounds,
    seed,
    root,
    onRound: (round, lossMs) => {
      if (!values.json) console.log(`round ${round} of ${rounds}: ${Math.round(lossMs)} ms lost`);
    },
  });
  const losses = outcome.lossesMs.toSorted((a, b) => a - b);
  const at = (share: number) => losses[Math.min(losses.length - 1, Math.floor(losses.length * share))] ?? 0;
  const measures = [
    { name: 'crash.loss_max', value: at(1), unit: 'ms', target: LOSS_MS_TARGET, met: at(1) <= LOSS_MS_TARGET },
    { name: 'crash.loss_p50', value: at(0.5), unit: 'ms' },
    { name: 'crash.loss_p95', value: at(0.95), unit: 'ms' },
    { name: 'crash.kills', value: outcome.rounds, unit: 'kills' },
    { name: 'crash.acknowledged', value: outcome.acknowledged, unit: 'fragments' },
    { name: 'crash.recovered', value: outcome.recovered, unit: 'segments' },
    { name: 'crash.discarded', value: outcome.discarded, unit: 'files' },
    { name: 'crash.start_max', value: outcome.startMsMax, unit: 'ms' },
    {
      name: 'crash.findings',
      value: outcome.report.findingsTotal,
      unit: 'findings',
      target: 0,
      met: outcome.report.findingsTotal === 0,
    },
    {
      name: 'crash.plaintext',
      value: outcome.plaintext.length,
      unit: 'finds',
      target: 0,
      met: outcome.plaintext.length === 0,
    },
  ].map(({ name, value, unit, target, met }) => ({
    name,
    value: Math.round(value * 10) / 10,
    unit,
    baseline: null,
    ratio: null,
    target: target ?? null,
    met: met ?? null,
  }));
  for (const measure of measures) {
    console.log(values.json ? JSON.stringify(measure) : `${measure.name}: ${measure.value} ${measure.unit}`);
  }
  for (const finding of outcome.report.findings) console.error(`finding: ${JSON.stringify(finding)}`);
  for (const find of outcome.plaintext) console.error(`plaintext: ${find}`);
  if (measures.some(({ met }) => met === false)) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
