import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { toHex } from '../../src/bytes/index.ts';
import { parseEpochKeyFile } from '../../src/protocol/index.ts';
import { until } from '../support/wait.ts';
import { assertContinuous, checkMovie } from './movie-check.ts';
import { freePort, NodeUnderTest, type Ran, type Running } from './node-process.ts';
import { freeUdpPort, V1Owner } from './v1-owner.ts';

// Who may do what at a running node, and who is there: everything through the command line, as people use it.

interface Segment {
  id: string;
  startAt: number;
  endAt: number;
}
interface Paired {
  device: string;
  role: string;
}
interface Pending {
  code: { approve: boolean; role: string; triesLeft?: number } | null;
  triesLeftToday: number;
  devices: { device: string; fingerprint: string; role: string; label: string }[];
  enrolments: { signer: string; fingerprint: string; identityId: string }[];
}
interface AuditEntry {
  index: number;
  event: string;
  device: string | null;
  source?: string;
  from?: number;
  to?: number;
  detail: string;
  address?: string;
}
interface SwarmView {
  enabled: boolean;
  peers: { address: string; kind: string; confirmed: boolean; proved: boolean; device: string | null }[];
  records: { device: string; type: string }[];
}

const ZONE = 'ZLoI5dHO2oBisXbfazo6';
const PICTURE = 'virtual: { size: 320x180 }';
const folder = mkdtempSync(join(tmpdir(), 'trust-'));
const hosted = join(folder, 'beside', 'hosted-service.json');
const [port, movedPort, otherPort] = [await freePort(), await freePort(), await freePort()];
const [udp, otherUdp] = [await freeUdpPort(), await freeUdpPort()];
const gateway = await V1Owner.behindGateway(ZONE, udp);

const configOf = (listen: number) => `listen: 127.0.0.1:${listen}
storage:
  segment: 2s
identity:
  label: Hall
  host_gateway: ${gateway.gatewayKey}
  enrol: { label: Household, code: "482913" }
swarm:
  listen: 127.0.0.1:${udp}
  zones: [{ key: ${ZONE}, name: Home }]
  peers:
    - node: 127.0.0.1:${otherUdp}
      disclose: full
    - gateway: 127.0.0.1:${gateway.port}
  hosted_service: ${hosted}
sources:
  front: { ${PICTURE} }
  yard: { ${PICTURE} }
`;
mkdirSync(join(folder, 'a'));
mkdirSync(join(folder, 'b'));
mkdirSync(join(folder, 'beside'));
const nvr = new NodeUnderTest(join(folder, 'a'), configOf(port));
const other = new NodeUnderTest(
  join(folder, 'b'),
  `listen: 127.0.0.1:${otherPort}
swarm:
  listen: 127.0.0.1:${otherUdp}
  zones: [{ key: ${ZONE}, name: Home }]
  peers: [{ node: "127.0.0.1:${udp}", disclose: full }]
sources:
  shed: { ${PICTURE}, enabled: false }
`,
);
const file = (name: string) => join(nvr.folder, name);

after(async () => {
  for (const each of [nvr, other]) if (each.node) await each.stop('SIGKILL');
  await gateway.stop();
  rmSync(folder, { recursive: true, force: true });
});

const comeWith = (user: string, code: string, label: string): Running =>
  nvr.begin(
    ['client', 'pair', '--address', `127.0.0.1:${port}`, '--code', code, '--label', label, '--name', 'hall', '--json'],
    user,
  );
const codeFor = async (role: string, ...more: string[]) =>
  (await nvr.json<{ code: string }>(['devices', 'code', '--role', role, ...more])).code;
/** Pairs by a fresh code that needs nobody's approval; gives the device's key. */
const pair = async (user: string, label: string, role: string): Promise<string> => {
  const ran = await comeWith(user, await codeFor(role), label).ended;
  assert.equal(ran.code, 0, ran.err);
  const paired = ran.json<Paired>();
  assert.equal(paired.role, role);
  return paired.device;
};
const pending = () => nvr.json<Pending>(['client', 'pending']);
const segmentsOf = async (source: string, user = 'owner') =>
  (
    await nvr.json<{ segments: Segment[] }>(
      ['client', 'segments', source, '--from', '-10m', '--oldest', '--limit', '500'],
      user,
    )
  ).segments;
const fault = (ran: Ran) => (JSON.parse(ran.err.trim().split('\n').at(-1)!) as { error: Record<string, string> }).error;
/** A live picture that has begun to come. */
const watch = async (user: string, source: string): Promise<Running> => {
  const name = `${user}-live-${++watches}.mp4`;
  const running = nvr.begin(['client', 'live', source, '-o', name, '--json'], user);
  await until(`${user} watches`, () => {
    assert.equal(running.child.exitCode, null, `it ended: ${running.err()}`);
    return globSync(`${name}.part`, { cwd: nvr.folder }).some((part) => statSync(file(part)).size > 5_000);
  });
  return running;
};
let watches = 0;
const endOf = (running: Running) => running.ended.then((ran) => ({ ran, at: Date.now() }));
const devices = async () =>
  (
    await nvr.json<{ devices: { label: string; device: string; role: string; wrapKeyId: string | null }[] }>([
      'devices',
    ])
  ).devices;

describe('trust, through the command line', { concurrency: false }, () => {
  const keys = { desk: '', spare: '', guest: '', tablet: '', boss: '', node: '' };

  test('typed codes: the first device becomes owner, the next what the code says', async () => {
    await nvr.start();
    // Nobody is paired yet: whoever comes first is the owner, whatever the code says.
    const first = await comeWith('owner', await codeFor('viewer'), 'Desk').ended;
    assert.equal(first.code, 0, first.err);
    assert.equal(first.json<Paired>().role, 'owner');
    keys.desk = first.json<Paired>().device;
    keys.node = first.json<{ node: string }>().node;
    keys.spare = await pair('spare', 'Spare', 'owner');
    keys.boss = await pair('boss', 'Boss', 'admin');
  });

  test('a wrong code is refused and counted; the right one still pairs, once', async () => {
    const code = await codeFor('viewer');
    const wrong = `${(Number(code[0]) + 1) % 10}${code.slice(1)}`;
    const before = (await pending()).triesLeftToday;
    const guessed = await comeWith('guest', wrong, 'Guest').ended;
    assert.equal(guessed.code, 4, guessed.err);
    assert.equal(fault(guessed)['code'], 'ERR_CLIENT_CODE_WRONG');
    assert.equal((await pending()).triesLeftToday, before - 1);
    // Guessing is slowed down: for some seconds nobody is judged, and nothing is counted.
    let right: Ran | null = null;
    await until('the right code is taken', async () => {
      right = await comeWith('guest', code, 'Guest').ended;
      assert.ok(right.code === 0 || fault(right)['code'] === 'ERR_CLIENT_CODE_NOT_TAKEN', right.err);
      return right.code === 0;
    });
    keys.guest = right!.json<Paired>().device;
    assert.equal((await pending()).triesLeftToday, before - 1, 'a right code costs nothing');
    const second = await comeWith('late', code, 'Late').ended;
    assert.equal(second.code, 4, second.err);
    assert.deepEqual(globSync('late/**/*.json', { cwd: nvr.folder }), [], 'nothing was kept');
  });

  test('approval: both sides show one fingerprint, and it is that key that is let in', async () => {
    const code = await codeFor('viewer', '--approve');
    const joining = comeWith('tablet', code, 'Tablet');
    await until('the new device shows its fingerprint', () => /^device {2}.+$/m.test(joining.err()));
    const shown = /^device {2}(.+)$/m.exec(joining.err())![1]!;
    const late = await comeWith('late', code, 'Tablet').ended;
    assert.equal(late.code, 4, 'the code is used up by the one that waits');
    const seen = await pending();
    assert.deepEqual(
      seen.devices.map(({ fingerprint, label }) => [fingerprint, label]),
      [[shown, 'Tablet']],
    );
    const local = await nvr.json<Pending>(['devices', 'pending']);
    assert.equal(local.devices[0]!.fingerprint, shown);
    const miss = await nvr.run(['client', 'approve', '0000 0000', '--json']);
    assert.equal(miss.code, 3, miss.err);
    assert.equal(joining.child.exitCode, null, 'it waits on');
    await nvr.json(['client', 'approve', shown]);
    const joined = await joining.ended;
    assert.equal(joined.code, 0, joined.err);
    keys.tablet = joined.json<Paired>().device;
    assert.equal(keys.tablet, seen.devices[0]!.device);
    assert.equal(joined.json<Paired>().role, 'viewer');
  });

  test('a rejected device is told so, and nothing of it is kept', async () => {
    const joining = comeWith('stranger', await codeFor('viewer', '--approve'), 'Stranger');
    await until('it waits', () => /^device {2}.+$/m.test(joining.err()));
    const shown = /^device {2}(.+)$/m.exec(joining.err())![1]!;
    await nvr.json(['devices', 'reject', shown.slice(0, 9)]);
    const refused = await joining.ended;
    assert.equal(refused.code, 4, refused.err);
    assert.deepEqual((await pending()).devices, []);
    assert.deepEqual(globSync('stranger/**/*.json', { cwd: nvr.folder }), []);
    assert.deepEqual((await devices()).map(({ label }) => label).sort(), ['Boss', 'Desk', 'Guest', 'Spare', 'Tablet']);
  });

  test('a granted source is seen; another one does not exist', async () => {
    await until(
      'both are recorded',
      async () => {
        const both = await Promise.all([segmentsOf('front'), segmentsOf('yard')]);
        return both.every((segments) => segments.length >= 2);
      },
      30_000,
    );
    const granted = await nvr.json<{ sources: string[] }>([
      'client',
      'grant',
      'Guest',
      '--role',
      'viewer',
      '--source',
      'front',
    ]);
    assert.deepEqual(granted.sources, ['front']);
    const seen = await nvr.json<{ sources: { id: string }[]; states: { source: string }[] }>(
      ['client', 'sources'],
      'guest',
    );
    assert.deepEqual(
      seen.sources.map(({ id }) => id),
      ['front'],
    );
    assert.deepEqual(
      seen.states.map(({ source }) => source),
      ['front'],
    );
    const [hidden] = await segmentsOf('yard');
    const segment = (source: string) => (source === 'yard' ? hidden!.id : 'ab'.repeat(16));
    type Question = (source: string) => string[];
    const questions: Question[] = [
      (source) => ['segments', source],
      (source) => ['live', source, '--seconds', '1', '-o', 'none.mp4'],
      (source) => ['play', source, '--at', '-5s', '--seconds', '2', '-o', 'none.mp4'],
      (source) => ['get', source, segment(source), '-o', 'none.mp4'],
    ];
    /** What is answered about the source that is there and about one that never was: the same; gives its exit code. */
    const answered = async (question: Question) => {
      const [there, never] = await Promise.all(
        ['yard', 'yarn'].map(async (source) => {
          const ran = await nvr.run(['client', ...question(source), '--json'], 'guest');
          return { exit: ran.code, out: String(ran.out), ...fault(ran) };
        }),
      );
      assert.deepEqual(JSON.parse(JSON.stringify(there).replaceAll('yard', 'yarn')), never, question('yard').join(' '));
      return there!.exit;
    };
    const [segments, live, play, get] = questions as [Question, Question, Question, Question];
    assert.deepEqual([await answered(segments), await answered(live)], [3, 3]);
    const file = await nvr.run(['client', ...play('front'), '--json'], 'guest');
    assert.equal(file.code, 4, 'files are for operators');
    await nvr.json(['client', 'grant', 'Guest', '--role', 'operator', '--source', 'front']);
    assert.deepEqual([await answered(play), await answered(get)], [3, 3]);
    assert.deepEqual(globSync('none.mp4*', { cwd: nvr.folder }), []);
  });

  test('a viewer plays into a player and keeps no file', async () => {
    const [newest] = (await segmentsOf('front')).toReversed();
    await nvr.json(['client', 'grant', 'Guest', '--role', 'viewer', '--source', 'front']);
    const played = await nvr.run(['client', 'get', 'front', newest!.id, '-o', '-'], 'guest');
    assert.equal(played.code, 0, played.err);
    assert.equal(played.out.toString('latin1', 4, 8), 'ftyp');
    const kept = await nvr.run(['client', 'get', 'front', newest!.id, '-o', 'none.mp4'], 'guest');
    assert.equal(kept.code, 4, kept.err);
    // The same at one camera of two, for who is an operator at the other.
    const lowered = await nvr.json<{ rolesAt: unknown }>([
      'client',
      'grant',
      'Guest',
      '--role',
      'operator',
      '--at',
      'front=viewer',
    ]);
    assert.deepEqual(lowered.rolesAt, [{ source: 'front', role: 'viewer' }]);
    const there = await nvr.run(['client', 'get', 'front', newest!.id, '-o', 'none.mp4'], 'guest');
    assert.equal(there.code, 4, there.err);
    const [other] = (await segmentsOf('yard')).toReversed();
    const elsewhere = await nvr.run(['client', 'get', 'yard', other!.id, '-o', 'yard.mp4'], 'guest');
    assert.equal(elsewhere.code, 0, elsewhere.err);
  });

  test('a window hides what is older than it', async () => {
    const all = await segmentsOf('front');
    await nvr.json(['client', 'grant', 'Guest', '--role', 'operator', '--source', 'front', '--past', '3s']);
    const askedAt = Date.now();
    const seen = await segmentsOf('front', 'guest');
    assert.ok(
      seen.every(({ startAt }) => startAt >= askedAt - 3_000),
      'nothing began before the window',
    );
    assert.ok(seen.every(({ id }) => id !== all[0]!.id));
    const old = await nvr.run(['client', 'get', 'front', all[0]!.id, '-o', 'none.mp4', '--json'], 'guest');
    assert.equal(old.code, 3, old.err);
    const played = ['client', 'play', 'front', '--at', String(all[0]!.startAt), '--seconds', '1', '-o', 'none.mp4'];
    assert.equal((await nvr.run([...played, '--json'], 'guest')).code, 3);
  });

  test('an admin sets viewers and operators, never admins and owners', async () => {
    const refused = [
      ['Tablet', '--role', 'admin'],
      ['Tablet', '--role', 'owner'],
      ['Boss', '--role', 'owner'],
      ['Desk', '--role', 'viewer'],
    ];
    for (const args of refused) {
      const ran = await nvr.run(['client', 'grant', ...args, '--json'], 'boss');
      assert.equal(ran.code, 4, `${args.join(' ')}: ${ran.err}`);
    }
    assert.equal((await nvr.run(['client', 'revoke', 'Desk', '--json'], 'boss')).code, 4);
    const granted = await nvr.json<{ role: string; issuer: string }>(
      ['client', 'grant', 'Tablet', '--role', 'operator'],
      'boss',
    );
    assert.deepEqual([granted.role, granted.issuer], ['operator', keys.boss]);
  });

  test('a narrower grant, the end of one, a revocation and a removal end what runs', async (context) => {
    const status = (user: string) => nvr.run(['client', 'status', '--json'], user);
    const soon = (what: string, { ran, at }: Awaited<ReturnType<typeof endOf>>, since: number) => {
      assert.ok(at - since < 1_200, `it ended ${at - since} ms after the ${what}`);
      assert.notEqual(ran.code, 0);
      context.diagnostic(`ended ${at - since} ms after the ${what}`);
    };
    await nvr.json(['client', 'grant', 'Guest', '--role', 'viewer']);
    const [guest, tablet, boss] = await Promise.all([
      watch('guest', 'front'),
      watch('tablet', 'yard'),
      watch('boss', 'yard'),
    ]);
    const narrowed = Promise.all([endOf(boss), endOf(tablet)]);
    await nvr.json(['client', 'grant', 'Boss', '--role', 'admin', '--source', 'front']);
    const narrowedAt = Date.now();
    const [own, granted] = await narrowed;
    soon('change', own, narrowedAt);
    soon('change of what its grant hangs on', granted, narrowedAt);
    assert.equal(guest.child.exitCode, null, 'the other one goes on');

    const end = Date.now() + 2_500;
    const guestEnd = endOf(guest);
    await nvr.json(['client', 'grant', 'Guest', '--role', 'viewer', '--until', new Date(end).toISOString()]);
    const ended = await guestEnd;
    assert.ok(ended.at >= end - 50, `it ended ${end - ended.at} ms too early`);
    soon('end of its grant', ended, end);
    assert.equal((await status('guest')).code, 4);

    await nvr.json(['devices', 'grant', 'Guest', '--role', 'viewer']);
    await nvr.json(['devices', 'grant', 'Tablet', '--role', 'viewer']);
    const again = await Promise.all([watch('guest', 'front'), watch('tablet', 'front')]);
    const [guestAgain, tabletAgain] = again.map(endOf);
    await nvr.json(['devices', 'revoke', 'Tablet']);
    const revokedAt = Date.now();
    soon('revocation', await tabletAgain!, revokedAt);
    assert.equal((await status('tablet')).code, 4);
    assert.equal((await devices()).find(({ label }) => label === 'Tablet')?.role, null, 'paired, and without a role');
    assert.equal(again[0]!.child.exitCode, null, 'the other one goes on');
    await nvr.json(['devices', 'remove', 'Guest']);
    const removedAt = Date.now();
    soon('removal', await guestAgain!, removedAt);
    assert.equal((await status('guest')).code, 4);
  });

  const keyFiles = () =>
    globSync('segments/*/*/*.cnk', { cwd: nvr.data }).map((path) => {
      const parsed = parseEpochKeyFile(Uint8Array.from(readFileSync(join(nvr.data, path))));
      assert.ok(parsed.ok, path);
      const { stanzas } = parsed.value.file;
      return { path, recipients: stanzas.filter(({ type }) => type === 'xWing').map(({ keyId }) => toHex(keyId)) };
    });

  test('a removed owner has no copy of new keys, and none of old ones after rewrap; everything still opens', async () => {
    const known = await devices();
    const [desk, spare] = [keys.desk, keys.spare].map((key) => known.find(({ device }) => device === key)!.wrapKeyId!);
    await until('both owners hold the key of what is recorded', () =>
      keyFiles().some(({ recipients }) => recipients.includes(desk!) && recipients.includes(spare!)),
    );
    const before = new Set(keyFiles().map(({ path }) => path));
    await nvr.json(['devices', 'remove', 'Spare']);
    const fresh = () => keyFiles().filter(({ path }) => !before.has(path));
    await until('both cameras have a new epoch, with their next segment', () => fresh().length >= 2, 6_000);
    assert.deepEqual(new Set(fresh().flatMap(({ recipients }) => recipients)), new Set([desk]));
    assert.ok(
      keyFiles().some(({ recipients }) => recipients.includes(spare!)),
      'old ones are as they were',
    );

    const told = await nvr.json<{ rewritten: number; dropped: number; faults: string[] }>(['vault', 'rewrap']);
    assert.ok(told.rewritten > 0 && told.dropped > 0, JSON.stringify(told));
    assert.deepEqual(told.faults, []);
    for (const { path, recipients } of keyFiles()) assert.deepEqual(recipients, [desk], path);
    const again = await nvr.json<{ rewritten: number }>(['client', 'rewrap']);
    assert.equal(again.rewritten, 0, 'nothing is left to do');

    const segments = await segmentsOf('front');
    for (const { id } of [segments[0]!, segments.at(-1)!]) {
      await nvr.json(['client', 'get', 'front', id, '-o', `${id}.mp4`]);
      const movie = checkMovie(file(`${id}.mp4`));
      assert.deepEqual([movie.width, movie.height], [320, 180]);
      assertContinuous(movie);
    }
  });

  test('the operator adds and removes a camera of the running node, and sees grants and swarm', async () => {
    const url = 'rtsp://127.0.0.1:9/nothing';
    const added = await nvr.json(['source', 'add', 'gate', '--url', url, '--name', 'Gate', '--no-test']);
    assert.equal(added['created'], true);
    const { sources } = await nvr.json<{ sources: { id: string }[] }>(['client', 'sources']);
    assert.deepEqual(
      sources.map(({ id }) => id),
      ['front', 'gate', 'yard'],
    );
    assert.match(readFileSync(join(nvr.data, 'config.yaml'), 'utf8'), /gate:/);
    const twice = await nvr.run(['source', 'add', 'gate', '--url', url, '--no-test', '--json']);
    assert.equal(twice.code, 7, twice.err);
    await nvr.json(['source', 'remove', 'gate']);
    assert.doesNotMatch(readFileSync(join(nvr.data, 'config.yaml'), 'utf8'), /gate:/);
    const { grants } = await nvr.json<{ grants: { device: string; role: string }[] }>(['devices', 'grants']);
    assert.deepEqual(
      grants.map(({ device, role }) => [device, role]).sort(),
      [
        [keys.boss, 'admin'],
        [keys.desk, 'owner'],
      ].sort(),
    );
    const swarm = await nvr.json<SwarmView>(['swarm', '--once']);
    assert.equal(swarm.enabled, true);
    assert.deepEqual(swarm.peers.map(({ kind }) => kind).sort(), ['gateway', 'node']);
    const nobody = await nvr.run(['swarm', '--once', '--json', '--data', other.data]);
    assert.notEqual(nobody.code, 0);
    assert.match(fault(nobody)['next']!, /start/);
  });

  test('an identity of the first version takes the node in through a gateway, once somebody vouches for it', async () => {
    await until('the node asks', () => gateway.request(keys.node) !== null);
    const request = gateway.request(keys.node)!;
    assert.equal(request['identity'], 'Household');
    assert.equal(JSON.stringify(request).includes('482913'), false, 'the code itself is not told');
    gateway.approve(request, 'id-AAAAAAAAAAAAAAAA');
    let answered: Pending['enrolments'] = [];
    await until('the answer waits for a person', async () => {
      answered = (await pending()).enrolments;
      return answered.length > 0;
    });
    assert.equal(answered[0]!.signer, gateway.ownerKey);
    const health = async () =>
      (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as Record<string, unknown>;
    assert.equal((await health())['identityId'], '', 'nothing is believed before that');
    assert.equal((await nvr.run(['client', 'confirm', answered[0]!.fingerprint, '--json'], 'boss')).code, 4);
    await nvr.json(['client', 'confirm', answered[0]!.fingerprint]);
    assert.equal((await health())['identityId'], 'id-AAAAAAAAAAAAAAAA');
    assert.equal((await health())['hostGatewayPk'], gateway.gatewayKey);
  });

  test('a gateway on this machine lists the node as online', async () => {
    const manifest = JSON.parse(readFileSync(hosted, 'utf8')) as Record<string, unknown>;
    assert.equal(manifest['service'], 'nvr');
    assert.equal(manifest['servicePk'], keys.node);
    assert.equal(manifest['hostGatewayPk'], gateway.gatewayKey);
    assert.equal(manifest['deviceLabel'], 'Hall');
    // As a gateway does: the address in the file is asked, and what it answers is what it shows of the cameras.
    const answer = await fetch(String(manifest['healthUrl']), { signal: AbortSignal.timeout(3_000) });
    assert.equal(answer.status, 200);
    const health = (await answer.json()) as Record<string, unknown>;
    assert.equal(health['devicePk'], manifest['servicePk']);
    assert.equal(health['configuredSources'], 2);
    assert.deepEqual(health['sources'], ['front', 'yard']);
    assert.deepEqual(health['cameraDevices'], manifest['cameraDevices']);
    assert.equal(statSync(hosted).mode & 0o777, 0o644, "readable by the gateway's own user");
    await until('the gateway behind the network knows it too', () => gateway.knows(keys.node));
  });

  test('the audit log tells it all, on the disk as over the channel', async () => {
    await nvr.json(['client', 'play', 'front', '--at', '-6s', '--seconds', '3', '-o', 'played.mp4']);
    const over = await nvr.json<{ entries: AuditEntry[] }>(['client', 'audit', '--limit', '2000', '--oldest']);
    const { entries } = await nvr.json<{ entries: AuditEntry[] }>(['audit', '--limit', '2000', '--oldest']);
    assert.deepEqual(entries.slice(0, over.entries.length), over.entries);
    assert.equal(entries[0]!.event, 'started');
    const has = (what: string, wish: (entry: AuditEntry) => boolean) =>
      assert.ok(entries.some(wish), `${what}\n${entries.map((each) => JSON.stringify(each)).join('\n')}`);
    const { desk, spare, boss, guest, tablet, node } = keys;
    for (const key of [desk, spare, boss, guest, tablet]) {
      has(
        'who paired',
        ({ event, device, address }) => event === 'paired' && device === key && address === '127.0.0.1',
      );
      has(
        'who came',
        ({ event, device, address }) => event === 'connected' && device === key && address === '127.0.0.1',
      );
    }
    has('a guess', ({ event, device, detail }) => event === 'pair-refused' && device === null && /guess/.test(detail));
    has('who was turned away', ({ event, detail }) => event === 'pair-refused' && /rejected/.test(detail));
    has(
      'who let somebody in',
      ({ event, device, detail }) => event === 'changed' && device === desk && detail.startsWith('pairing.approve'),
    );
    has('a code', ({ event, device, detail }) => event === 'changed' && device === node && detail === 'pairing.code@1');
    has('live', ({ event, device, source }) => event === 'live-viewed' && device === guest && source === 'front');
    has(
      'live of another',
      ({ event, device, source }) => event === 'live-viewed' && device === tablet && source === 'yard',
    );
    has(
      'exported',
      ({ event, device, source, from, to }) =>
        event === 'exported' && device === desk && source === 'front' && to! > from!,
    );
    has('granted', ({ event, device, detail }) => event === 'granted' && device === boss && detail === tablet);
    has('revoked', ({ event, device, detail }) => event === 'revoked' && device === node && detail === tablet);
    has(
      'a camera',
      ({ event, device, source, detail }) =>
        event === 'changed' && device === node && source === 'gate' && detail.startsWith('sources.upsert@'),
    );
    has(
      'refused, and why',
      ({ event, device, detail, address }) =>
        event === 'command-refused' && device === boss && /^grants\.put@1: /.test(detail) && address === '127.0.0.1',
    );
    has(
      'refused at the door',
      ({ event, device, address }) => event === 'connect-refused' && device === tablet && address === '127.0.0.1',
    );
    const removals = [guest, spare].map((gone) =>
      entries.some(({ event, detail }) => event === 'revoked' && detail === gone),
    );
    assert.deepEqual(removals, [true, true], 'who was removed');
    assert.equal((await nvr.run(['client', 'audit', '--json'], 'boss')).code, 4, 'for owners only');
    assert.equal((await nvr.json<{ sound: boolean }>(['audit', 'verify'])).sound, true);
  });

  test('two nodes meet; who was moved is found through the other', async () => {
    await other.start();
    await until('they confirm each other', async () => {
      const { peers, records } = await nvr.json<SwarmView>(['swarm', '--once']);
      const met = peers.find(({ kind }) => kind === 'node');
      return met?.confirmed === true && met.proved && records.some(({ device }) => device === met.device);
    });
    const learned = await nvr.json<{ ways: { peers: { kind: string; port: number }[] } }>(['client', 'find']);
    assert.ok(learned.ways.peers.some(({ kind, port }) => kind === 'node' && port === otherUdp));
    await until('the other one knows it', async () => {
      const { records } = await other.json<SwarmView>(['swarm', '--once']);
      return records.some(({ device }) => device === keys.node);
    });

    assert.equal((await nvr.stop('SIGTERM')).code, 0);
    const alone = await nvr.run(['devices', 'grants', '--json']);
    assert.equal(alone.code, 6, alone.err);
    assert.equal(fault(alone)['code'], 'ERR_CLI_NOT_RUNNING');
    assert.match(fault(alone)['next']!, /start/);
    assert.equal((await nvr.json<{ sound: boolean }>(['audit', 'verify'])).sound, true);
    const report = await nvr.json<{ sound: boolean; opened: number }>(['vault', 'verify']);
    assert.ok(report.sound && report.opened > 0, JSON.stringify(report));

    const config = join(nvr.data, 'config.yaml');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace(`listen: 127.0.0.1:${port}\n`, `listen: 127.0.0.1:${movedPort}\n`),
    );
    await nvr.start();
    let found: Ran | null = null;
    await until('the other one has heard of it', async () => {
      found = await nvr.run(['client', 'status', '--json']);
      return found.code === 0;
    });
    assert.match(found!.err, /asking the swarm/);
    const { nodes } = await nvr.json<{ nodes: { addresses: string[] }[] }>(['client', 'nodes']);
    assert.deepEqual(nodes[0]!.addresses, [`127.0.0.1:${movedPort}`]);
    const direct = await nvr.run(['client', 'status', '--json']);
    assert.deepEqual([direct.code, direct.err], [0, ''], 'what was found is kept');
  });

  test('a node that was killed is worked on by its folder', async () => {
    await nvr.stop('SIGKILL');
    const removed = await nvr.json(['devices', 'remove', 'Boss']);
    assert.deepEqual([removed['device'], removed['removed']], [keys.boss, true]);
    assert.deepEqual((await devices()).map(({ label }) => label).sort(), ['Desk', 'Tablet']);
  });

  test('one changed byte of the audit log is found and named', async () => {
    const name = readdirSync(join(nvr.data, 'audit')).find((each) => each.endsWith('.cna'))!;
    const path = join(nvr.data, 'audit', name);
    const bytes = readFileSync(path);
    const at = Math.floor(bytes.length / 2);
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
    const bad = await nvr.run(['audit', 'verify']);
    assert.equal(bad.code, 9, bad.err);
    assert.match(String(bad.out), /^damage: (leaf-malformed|chain-broken|index-differs|root-differs) leaf \d+/m);
    assert.match(String(bad.out), /^DAMAGED$/m);
    bytes[at]! ^= 1;
    writeFileSync(path, bytes);
    assert.equal((await nvr.json<{ sound: boolean }>(['audit', 'verify'])).sound, true);
  });
});
