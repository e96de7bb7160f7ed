import assert from 'node:assert/strict';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CAPTURE_TIME_UUID } from '../../src/virtual-camera/index.ts';
import { findPlaintext } from '../support/plaintext-search.ts';
import { until } from '../support/wait.ts';
import { assertClock, assertContinuous, checkMovie } from './movie-check.ts';
import { freePort, isAlive, NodeUnderTest } from './node-process.ts';

interface Segment {
  id: string;
  seq: number;
  startAt: number;
  endAt: number;
  state: string;
}
interface Movie {
  files: { path: string; startAt: number; endAt: number; durationMs: number }[];
  gaps: { startAt: number; endAt: number }[];
}

const folder = mkdtempSync(join(tmpdir(), 'spine-'));
const nvr = new NodeUnderTest(
  folder,
  `# our own words stay\nlisten: 127.0.0.1:${await freePort()}\nstorage:\n  segment: 2s # short, for the test\n`,
);
const file = (name: string) => join(folder, name);

after(async () => {
  if (nvr.node) await nvr.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const segmentsOf = async (...more: string[]) =>
  (await nvr.json<{ segments: Segment[] }>(['client', 'segments', 'front', '--from', '-10m', '--oldest', ...more]))
    .segments;

describe('the whole path, through the command line', { concurrency: false }, () => {
  let invitation = '';

  test('start makes keys, adds a virtual camera, and tells node, address, recording and an invitation', async () => {
    const { text } = await nvr.start();
    assert.match(text, /^node {9}([0-9a-f]{4} ){7}[0-9a-f]{4}$/m);
    assert.match(text, /^listening {4}127\.0\.0\.1:\d+$/m);
    assert.match(text, /^ {2}front \(Virtual camera\): main$/m);
    assert.match(text, /█▀▀|▄▄▄▄▄/, 'a QR code');
    invitation = /client pair '([^']+)'/.exec(text)![1]!;
    const config = readFileSync(join(nvr.data, 'config.yaml'), 'utf8');
    assert.match(config, /# our own words stay/);
    assert.match(config, /segment: 2s # short, for the test/);
    assert.match(config, /front:\n {4}name: Virtual camera\n {4}virtual: true/);
    assert.ok(statSync(join(nvr.data, 'config.example.yaml')).size > 1000, 'a documented example beside it');
    assert.equal(statSync(join(nvr.data, 'secrets')).mode & 0o777, 0o700);
  });

  test('the first device pairs and becomes owner; its keys are its own business', async () => {
    const paired = await nvr.json(['client', 'pair', invitation, '--label', 'Desk', '--name', 'home']);
    assert.equal(paired['role'], 'owner');
    const kept = globSync('owner/constitute-nvr/nodes/*.json', { cwd: folder });
    assert.equal(kept.length, 1);
    assert.equal(statSync(join(folder, kept[0]!)).mode & 0o777, 0o600);
    assert.equal(statSync(file('owner/constitute-nvr/nodes')).mode & 0o777, 0o700);
    const { nodes } = await nvr.json<{ nodes: { name: string }[] }>(['client', 'nodes']);
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ['home'],
    );
  });

  test('a used invitation is refused, a mistyped one too', async () => {
    const used = await nvr.run(['client', 'pair', invitation, '--name', 'again'], 'stranger');
    assert.equal(used.code, 4, used.err);
    assert.match(used.err, /next: /);
    const typo = await nvr.run(['client', 'pair', `${invitation.slice(0, -1)}`], 'stranger');
    assert.equal(typo.code, 2, typo.err);
    assert.equal(globSync('stranger/**/*.json', { cwd: folder }).length, 0, 'nothing was kept');
  });

  test('health, metrics and the viewer are served, everything else is 404 without a body', async () => {
    const address = /listening {4}(\S+)/.exec(nvr.node!.out())![1]!;
    const health = await fetch(`http://${address}/health`);
    const body = (await health.json()) as Record<string, unknown>;
    assert.equal(body['ok'], true);
    assert.deepEqual(body['sources'], ['front']);
    assert.match(await (await fetch(`http://${address}/metrics`)).text(), /^nvr_stream_running\{source="front"/m);
    const page = await fetch(`http://${address}/`);
    assert.match(await page.text(), /<div id="app">/);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    for (const path of ['/session', '/session/v2', '/health/x', '/metrics/x']) {
      const other = await fetch(`http://${address}${path}`);
      assert.deepEqual([other.status, await other.text()], [404, '']);
    }
  });

  test('segments appear, one after the other', async () => {
    await until('three segments are stored', async () => (await segmentsOf()).length >= 3, 40_000);
    const segments = await segmentsOf();
    for (const [i, segment] of segments.slice(0, -1).entries()) {
      const next = segments[i + 1]!;
      assert.equal(next.seq, segment.seq + 1);
      assert.ok(Math.abs(next.startAt - segment.endAt) <= 1, 'segments of a run tile');
      assert.ok(Math.abs(segment.endAt - segment.startAt - 2_000) < 2_100, `${segment.endAt - segment.startAt} ms`);
    }
    const table = await nvr.run(['client', 'segments', 'front', '--limit', '2']);
    assert.equal(String(table.out).trim().split('\n').length, 3, 'a head and two rows');
  });

  test('sources and status tell how it goes', async () => {
    const { sources, states } = await nvr.json<{
      sources: { id: string; streams: { tracks: { width: number }[] }[] }[];
      states: { state: string }[];
    }>(['client', 'sources']);
    assert.equal(sources[0]!.id, 'front');
    assert.equal(sources[0]!.streams[0]!.tracks[0]!.width, 1280);
    assert.equal(states[0]!.state, 'running');
    const status = await nvr.json<{ recorders: { running: number }; storage: { state: string } }>(['client', 'status']);
    assert.equal(status.recorders.running, 1);
    assert.equal(status.storage.state, 'ok');
  });

  test('get fetches one segment, by id, by its beginning, or by number', async () => {
    const [segment] = await segmentsOf();
    const { files } = await nvr.json<Movie>(['client', 'get', 'front', segment!.id, '-o', 'a.mp4']);
    const movie = checkMovie(file('a.mp4'));
    assert.deepEqual([movie.width, movie.height], [1280, 720]);
    assert.ok(Math.abs(movie.durationS * 1000 - (segment!.endAt - segment!.startAt)) < 100, `${movie.durationS} s`);
    assert.equal(files[0]!.startAt, segment!.startAt);
    assertContinuous(movie);
    assertClock(movie, 500);
    const again = ['-o', 'again.mp4', '--force'];
    for (const name of [segment!.id.slice(0, 8), String(segment!.seq)]) {
      await nvr.json(['client', 'get', 'front', name, ...again]);
      assert.deepEqual(readFileSync(file('again.mp4')), readFileSync(file('a.mp4')), name);
    }
    const piped = await nvr.run(['client', 'get', 'front', segment!.id, '-o', '-']);
    assert.deepEqual(piped.out, readFileSync(file('a.mp4')), 'standard output takes the same bytes');
  });

  test('play is continuous across segments and exact to the keyframe', async () => {
    const [first, second] = (await segmentsOf()) as [Segment, Segment];
    const at = second.startAt - 1_500;
    const args = ['client', 'play', 'front', '--at', String(at), '--seconds', '4', '-o', 'b.mp4'];
    const { files, gaps } = await nvr.json<Movie>(args);
    assert.equal(files.length, 1);
    assert.deepEqual(gaps, []);
    const movie = checkMovie(file('b.mp4'));
    assert.ok(
      movie.startAt <= at && movie.startAt > at - 2_001,
      `a keyframe every 2 s: ${at - movie.startAt} ms before`,
    );
    assert.ok(movie.startAt >= first.startAt);
    assert.ok(Math.abs(movie.startAt + movie.durationS * 1000 - (at + 4_000)) < 250, 'it ends with the fragment');
    assertContinuous(movie);
    assertClock(movie, 500);
  });

  test('live shows the picture of this moment', async () => {
    await nvr.json(['client', 'live', 'front', '--seconds', '3', '-o', 'c.mp4']);
    const movie = checkMovie(file('c.mp4'));
    assert.ok(Math.abs(movie.durationS - 3) < 0.25, `${movie.durationS} s`);
    assertContinuous(movie);
    assertClock(movie, 500);
    assert.ok(Date.now() - movie.startAt < 9_000, 'it began with the newest keyframe');
  });

  test('Ctrl-C ends a live picture with a whole file, and a transfer without one', async () => {
    const live = nvr.begin(['client', 'live', 'front', '-o', 'd.mp4', '--json']);
    await until('the picture comes', () =>
      globSync('d.mp4.part', { cwd: folder }).some((name) => statSync(file(name)).size > 50_000),
    );
    live.child.kill('SIGINT');
    assert.equal((await live.ended).code, 0);
    assertContinuous(checkMovie(file('d.mp4')));
    const limited = nvr.begin(['client', 'live', 'front', '--seconds', '60', '-o', 'e.mp4']);
    await until('the transfer goes on', () => globSync('e.mp4.part', { cwd: folder }).length > 0);
    limited.child.kill('SIGINT');
    assert.equal((await limited.ended).code, 130);
    assert.deepEqual(globSync('e.mp4*', { cwd: folder }), []);
  });

  test('errors say what to do next, and their kinds have exit codes of their own', async () => {
    const cases: [string[], number, string][] = [
      [['client', 'get', 'front', 'ffffffffffff', '-o', 'x.mp4'], 3, 'ERR_CLI_NOT_FOUND'],
      [['client', 'play', 'front', '--at', 'noon', '--seconds', '3', '-o', 'x.mp4'], 2, 'ERR_CLI_TIME'],
      [['client', 'play', 'front', '--at', '-30d', '--seconds', '3', '-o', 'x.mp4'], 3, 'ERR_CLI_NOTHING_RECORDED'],
      [['client', 'get', 'front', '1', '-o', 'a.mp4'], 7, 'ERR_CLI_FILE_EXISTS'],
      [['client', 'live', 'nobody', '--seconds', '1', '-o', 'x.mp4'], 3, ''],
      [['client', 'status', '--node', 'other'], 3, 'ERR_CLI_NOT_FOUND'],
    ];
    for (const [args, code, name] of cases) {
      const ran = await nvr.run([...args, '--json']);
      assert.equal(ran.code, code, `${args.join(' ')}: ${ran.err}`);
      const { error } = JSON.parse(ran.err) as { error: { code: string; next: string } };
      if (name) assert.equal(error.code, name);
      assert.ok(error.next.length > 0);
    }
    assert.deepEqual(globSync('x.mp4*', { cwd: folder }), []);
    const unpaired = await nvr.run(['client', 'status'], 'stranger');
    assert.equal(unpaired.code, 3);
    assert.match(unpaired.err, /devices invite/);
  });

  test('a removed device is cut off within a second, and refused from then on', async () => {
    const { invitation: text } = await nvr.json<{ invitation: string }>(['devices', 'invite', '--role', 'viewer']);
    const guest = await nvr.json(['client', 'pair', text, '--label', 'Guest'], 'guest');
    assert.equal(guest['role'], 'viewer');
    const watching = nvr.begin(['client', 'live', 'front', '-o', 'guest.mp4'], 'guest');
    await until('the guest watches', () => globSync('guest.mp4.part', { cwd: folder }).length > 0);
    const endedAt = watching.ended.then(() => performance.now());
    const removed = await nvr.json(['devices', 'remove', 'Guest']);
    const removedAt = performance.now();
    assert.equal(removed['removed'], true);
    assert.ok((await endedAt) - removedAt < 1_000, `cut off after ${Math.round((await endedAt) - removedAt)} ms`);
    assert.notEqual((await watching.ended).code, 0);
    assert.equal((await nvr.run(['client', 'status'], 'guest')).code, 4);
    const { devices } = await nvr.json<{ devices: { label: string }[] }>(['devices', 'list']);
    assert.deepEqual(
      devices.map(({ label }) => label),
      ['Desk'],
    );
  });

  test('a second node on the same folder is refused', async () => {
    const second = await nvr.run(['start']);
    assert.equal(second.code, 7, second.err);
    assert.match(second.err, /ERR_DAEMON_FOLDER_IN_USE/);
  });

  test('Ctrl-C stops everything in order; nothing is left running', async () => {
    const children = nvr.descendants();
    assert.ok(children.length >= 2, `the camera and its encoder: ${children.length}`);
    const { code, err } = await nvr.stop('SIGINT');
    assert.equal(code, 0, err);
    assert.match(err, /stopped\n$/);
    assert.deepEqual(children.filter(isAlive), []);
  });

  test('the second start is up in under 3 s, and prints no invitation', async () => {
    const { text, ms } = await nvr.start();
    assert.ok(ms < 3_000, `${Math.round(ms)} ms`);
    assert.match(text, /^devices {6}1 paired$/m);
    assert.doesNotMatch(text, /client pair/);
  });

  test('after kill -9 nothing is left running, and the next start records on', async () => {
    await until('it records', async () => {
      const { states } = await nvr.json<{ states: { state: string }[] }>(['client', 'sources']);
      return states[0]!.state === 'running';
    });
    // Killed a second or more into a segment: what is younger than the sync may be gone whole.
    const before = (await segmentsOf()).length;
    await until('a segment was closed', async () => (await segmentsOf()).length > before);
    const live = await nvr.json<Movie>(['client', 'live', 'front', '--seconds', '3', '-o', 'f.mp4']);
    const children = nvr.descendants();
    await nvr.stop('SIGKILL');
    const killedAt = Date.now();
    await until('the children are gone', () => !children.some(isAlive), 5_000);
    await nvr.start();
    await until('something new is stored', async () => (await segmentsOf()).at(-1)!.startAt > killedAt, 40_000);
    const segments = await segmentsOf();
    const recovered = segments.find(({ state }) => state === 'recovered');
    assert.ok(recovered, 'the segment that was open is kept');
    assert.ok(recovered.endAt >= live.files[0]!.endAt - 1_500, 'what was seen a moment before is in it');
    assert.equal(new Set(segments.map(({ seq }) => seq)).size, segments.length);
    const at = String(recovered.endAt - 1_000);
    const { gaps } = await nvr.json<Movie>(['client', 'play', 'front', '--at', at, '--to', 'now', '-o', 'g.mp4']);
    assert.equal(gaps.length, 1);
    assert.ok(gaps[0]!.startAt <= killedAt && gaps[0]!.endAt > killedAt, 'the gap is where the kill was');
    checkMovie(file('g.mp4'));
  });

  test('what lies on the disk verifies, and holds no picture in the clear', async () => {
    assert.equal((await nvr.stop('SIGTERM')).code, 0);
    const report = await nvr.json<{ sound: boolean; segments: number; opened: number }>(['vault', 'verify']);
    assert.equal(report.sound, true, JSON.stringify(report));
    assert.ok(report.segments >= 4 && report.opened > 0);
    // Every picture of the virtual camera carries the mark, as what was fetched shows.
    assert.ok(readFileSync(file('a.mp4')).includes(Buffer.from(CAPTURE_TIME_UUID)));
    assert.deepEqual(findPlaintext(nvr.data, [CAPTURE_TIME_UUID]), []);
  });
});
