import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const unit = resolve(import.meta.dirname, '../../deploy/constitute-nvr.service');
const missing = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'systemd-analyze is not installed';

test('the unit leaves an exposure of at most 1.5 of 10', { skip: missing }, () => {
  const run = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=15', '--no-pager', unit], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], LANG: 'C', SYSTEMD_COLORS: '0' },
  });
  assert.equal(run.status, 0, `${run.stdout.split('\n').slice(-3).join(' ')} ${run.stderr}`);
});

test('the unit keeps its secrets to itself', () => {
  const text = readFileSync(unit, 'utf8');
  for (const line of [
    'UMask=0077',
    'StateDirectoryMode=0700',
    'NoNewPrivileges=yes',
    'LimitCORE=0',
    'MemorySwapMax=0',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
});
