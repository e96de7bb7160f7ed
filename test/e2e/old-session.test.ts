import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { until } from '../support/wait.ts';
import { assertContinuous, checkMovie } from './movie-check.ts';
import { freePort, NodeUnderTest } from './node-process.ts';
import { OldClient } from './old-client.ts';

// The old session against a real node and its vault, spoken by a client that shares no code with it.

interface Segment {
  state: string;
  id: string;
  seq: number;
  startAt: number;
  endAt: number;
}
interface OldSegment {
  name: string;
  bytes: number;
  modified_unix: number;
}
interface AuditEntry {
  event: string;
  device: string | null;
  source?: string;
  detail: string;
  address?: string;
}

const IDENTITY_ID = 'id-b64urlExample012';
const [VIEWER, ADMIN] = ['11', '22'].map((byte) => byte.repeat(32)) as [string, string];
const folder = mkdtempSync(join(tmpdir(), 'old-session-'));
const port = await freePort();
const address = `127.0.0.1:${port}`;
const [identitySecret, serverSecret] = [randomBytes(32), randomBytes(32)];
const place = { address, identityId: IDENTITY_ID, identitySecret };
const head = `listen: ${address}
storage:
  segment: 2s
sources:
  front: { virtual: { size: 320x180 } }
`;
const v1 = (viewers: readonly string[]) => `v1:
  identity_id: ${IDENTITY_ID}
  devices:
${viewers.map((key) => `    - key: "${key}"\n`).join('')}    - key: "${ADMIN}"
      role: admin
`;
const nvr = new NodeUnderTest(folder, head);
const file = (name: string) => join(folder, name);

after(async () => {
  if (nvr.node) await nvr.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const connect = async (device: string): Promise<OldClient> => {
  const client = await OldClient.connect(place, device);
  assert.ok(typeof client !== 'string', `refused: ${client}`);
  return client;
};
/** The old session knows closed segments only. */
const segmentsOf = async () =>
  (
    await nvr.json<{ segments: Segment[] }>(['client', 'segments', 'front', '--from', '-10m', '--oldest'])
  ).segments.filter(({ state }) => state !== 'open');
/** Asks for a WebSocket at a path; gives what the node says before it closes. */
function upgradeAt(path: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      const lines = [
        `GET ${path} HTTP/1.1`,
        `Host: ${address}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    });
    let said = '';
    socket.on('data', (bytes) => (said += String(bytes)));
    socket.on('error', fail);
    socket.on('close', () => done(said));
  });
}

describe('the old session on a real node', { concurrency: false }, () => {
  let paired = '';
  let segments: OldSegment[] = [];

  test('is not there unless it is configured', async () => {
    const { text } = await nvr.start();
    const invitation = /client pair '([^']+)'/.exec(text)![1]!;
    paired = (await nvr.json<{ device: string }>(['client', 'pair', invitation, '--label', 'Desk']))['device'];
    const plain = await fetch(`http://${address}/session`);
    assert.deepEqual([plain.status, await plain.text()], [404, '']);
    const nowhere = await upgradeAt('/nowhere');
    assert.equal(await upgradeAt('/session'), nowhere, 'like a path that never was');
    assert.doesNotMatch(nowhere, /101/);
    await assert.rejects(OldClient.connect(place, VIEWER), /did not open/);
    const { warnings } = await nvr.json<{ warnings: string[] }>(['client', 'status']);
    assert.deepEqual(warnings, []);
    assert.doesNotMatch(nvr.node!.err(), /old session/);
    assert.equal((await nvr.stop('SIGTERM')).code, 0);
  });

  test('without its secrets the node does not start', async () => {
    writeFileSync(join(nvr.data, 'config.yaml'), head + v1([VIEWER, paired]));
    const missing = await nvr.run(['start']);
    assert.equal(missing.code, 2, missing.err);
    assert.match(missing.err, /v1\.identity_secret_file/);
    assert.match(missing.err, /v1\.server_secret_file/);
    for (const [name, secret] of [
      ['v1-identity-secret', identitySecret],
      ['v1-server-secret', serverSecret],
    ] as const) {
      writeFileSync(join(nvr.data, 'secrets', name), `${secret.toString('hex')}\n`, { mode: 0o600 });
    }
  });

  test('it is warned of loudly, in the log and in the status', async () => {
    await nvr.start();
    const warned = nvr
      .node!.err()
      .split('\n')
      .filter((line) => line.includes('old session'));
    assert.equal((JSON.parse(warned[0]!) as { level: number }).level, 40, 'a warning');
    const { warnings } = await nvr.json<{ warnings: string[] }>(['client', 'status']);
    assert.match(warnings.join('\n'), /the old session \(version 1\) is open/);
    for (const secret of [identitySecret, serverSecret]) {
      const hex = secret.toString('hex');
      assert.ok(!nvr.node!.err().includes(hex) && !nvr.node!.out().includes(hex));
    }
  });

  test('a paired device cannot go down to it, and strangers are told nothing more', async () => {
    const refusal = '{"error":"hello refused","ok":false}';
    assert.equal(await OldClient.connect(place, paired), refusal, 'though its key is in the list');
    assert.equal(await OldClient.connect(place, '33'.repeat(32)), refusal);
    assert.equal(await OldClient.connect({ ...place, identitySecret: randomBytes(32) }, VIEWER), refusal);
    assert.equal(await OldClient.connect({ ...place, identityId: 'id-AAAAAAAAAAAAAAAA' }, VIEWER), refusal);
  });

  test('sources, their states and their segments are listed', async () => {
    await until('two segments are stored', async () => (await segmentsOf()).length >= 2, 20_000);
    const old = await connect(VIEWER);
    assert.deepEqual(await old.ask({ cmd: 'list_sources' }), { ok: true, cmd: 'list_sources', sources: ['front'] });
    const { states } = (await old.ask({ cmd: 'list_source_states' })) as { states: Record<string, unknown>[] };
    assert.deepEqual(
      states.map(({ sourceId, state }) => [sourceId, state]),
      [['front', 'running']],
    );
    const known = await segmentsOf();
    const told = await old.ask({ cmd: 'list_segments', sourceId: 'front', limit: 500 });
    segments = (told as unknown as { segments: OldSegment[] }).segments;
    // Newest first; one more may have been closed meanwhile.
    for (const [i, { id, endAt }] of known.toReversed().entries()) {
      const { name, modified_unix } = segments[i + segments.length - known.length]!;
      assert.ok(name.endsWith(`-${id}.mp4`), name);
      assert.equal(modified_unix, Math.floor(endAt / 1000));
    }
    assert.deepEqual((await old.ask({ cmd: 'list_segments', sourceId: 'never', limit: 5 }))['segments'], []);
    old.close();
  });

  test('a segment plays, and is the one the command line gets', async () => {
    const old = await connect(VIEWER);
    const { name } = segments.at(-1)!;
    writeFileSync(file('old.mp4'), await old.segment('front', name));
    const id = /-([0-9a-f]{32})\.mp4$/.exec(name)![1]!;
    await nvr.json(['client', 'get', 'front', id, '-o', 'new.mp4']);
    const [before, now] = [checkMovie(file('old.mp4')), checkMovie(file('new.mp4'))];
    assertContinuous(before);
    assert.deepEqual([before.width, before.height], [320, 180]);
    assert.deepEqual([before.frames, before.durationS, before.numbers], [now.frames, now.durationS, now.numbers]);
    for (const [source, asked] of [
      ['front', name.replace(/^\d{8}/, '20200101')],
      ['yard', name],
      ['front', '../../secrets/node-key'],
      ['front', `${'0'.repeat(32)}.mp4`],
    ]) {
      const reply = await old.ask({ cmd: 'get_segment', sourceId: source, name: asked });
      assert.deepEqual([reply['ok'], reply['error']], [false, 'not found'], `${source} ${asked}`);
    }
    old.close();
  });

  test('a viewer changes nothing; an admin adds a camera, whose password comes back to nobody', async () => {
    const source = {
      sourceId: 'gate',
      name: 'Gate',
      onvifHost: '127.0.0.1',
      rtspUrl: 'rtsp://127.0.0.1:9/nothing',
      username: 'camera',
      password: 'only-the-camera-knows',
    };
    const sourcesNow = async () => {
      const { sources } = await nvr.json<{ sources: { id: string }[] }>(['client', 'sources']);
      return sources.map(({ id }) => id);
    };
    const viewer = await connect(VIEWER);
    for (const wish of [
      { cmd: 'upsert_source', source },
      { cmd: 'remove_source', sourceId: 'front' },
    ]) {
      const reply = await viewer.ask(wish);
      assert.deepEqual([reply['ok'], reply['error']], [false, 'not allowed']);
    }
    assert.deepEqual(await sourcesNow(), ['front']);
    const admin = await connect(ADMIN);
    const added = await admin.ask({ cmd: 'upsert_source', source });
    assert.equal(added['ok'], true, JSON.stringify(added));
    assert.doesNotMatch(JSON.stringify(added), /only-the-camera-knows/);
    assert.deepEqual(await sourcesNow(), ['front', 'gate']);
    assert.deepEqual((await viewer.ask({ cmd: 'list_sources' }))['sources'], ['front', 'gate']);
    assert.equal((await admin.ask({ cmd: 'remove_source', sourceId: 'gate' }))['removed'], true);
    assert.deepEqual(await sourcesNow(), ['front']);
    assert.doesNotMatch(nvr.node!.err(), /only-the-camera-knows/);
    viewer.close();
    admin.close();
  });

  test('whoever is taken out of the configuration is shown out', async () => {
    const viewer = await connect(VIEWER);
    await viewer.ask({ cmd: 'list_sources' });
    const config = join(nvr.data, 'config.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace(`    - key: "${VIEWER}"\n`, ''));
    nvr.node!.child.kill('SIGHUP');
    await until('the session is closed', () => viewer.ended, 4_000);
    assert.equal(typeof (await OldClient.connect(place, VIEWER)), 'string');
    (await connect(ADMIN)).close();
  });

  test('the audit log knows who came this way, and what they did', async () => {
    const { entries } = await nvr.json<{ entries: AuditEntry[] }>(['client', 'audit', '--limit', '500', '--oldest']);
    const old = entries.filter(({ device }) => device === VIEWER || device === ADMIN);
    const kinds = (device: string) => [
      ...new Set(old.filter((entry) => entry.device === device).map(({ event }) => event)),
    ];
    assert.deepEqual(kinds(VIEWER).sort(), ['command-refused', 'connected', 'disconnected', 'played']);
    assert.deepEqual(kinds(ADMIN).sort(), ['changed', 'connected', 'disconnected']);
    assert.ok(old.every(({ address: from }) => from === '127.0.0.1'));
    assert.ok(old.some(({ event, detail }) => event === 'connected' && detail === 'session v1'));
    const refused = entries.filter(({ event, detail }) => event === 'connect-refused' && detail.includes('session v1'));
    assert.ok(
      refused.some(({ detail }) => detail === 'session v1: device'),
      JSON.stringify(refused),
    );
    assert.equal((await nvr.stop('SIGTERM')).code, 0);
    assert.equal((await nvr.json<{ sound: boolean }>(['audit', 'verify'])).sound, true);
  });
});
