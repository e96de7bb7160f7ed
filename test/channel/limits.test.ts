import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { CommandBudget } from '../../src/channel/command-budget.ts';
import { CHANNEL_LIMITS } from '../../src/channel/index.ts';
import { connect, RemoteError } from '../../src/client/index.ts';
import {
  type AuditEntry,
  type CallHandler,
  type DeviceKey,
  encodeError,
  FRAME,
  parseResponse,
} from '../../src/protocol/index.ts';
import { rawPeer } from './raw-peer.ts';
import { createRig, type Rig, until } from './rig.ts';

const rigs: Rig[] = [];
const rigOf = async (...options: Parameters<typeof createRig>) => {
  const rig = await createRig(...options);
  rigs.push(rig);
  return rig;
};
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

const echo: CallHandler = async ({ params }) => params;
const A = 'a'.repeat(64) as DeviceKey;
const B = 'b'.repeat(64) as DeviceKey;

test('a budget lets a burst through, then its rate, and says exactly when the next one is on time', () => {
  const limits = { ...CHANNEL_LIMITS, commandsPerSecond: 10, commandsBurst: 5 };
  const budget = new CommandBudget(limits);
  for (let i = 0; i < 5; i++) assert.equal(budget.take(A, 's', 10, 1000), 0);
  const wait = budget.take(A, 's', 10, 1000);
  assert.equal(wait, 100);
  assert.equal(budget.take(A, 's', 10, 1000), 100, 'a refusal costs nothing');
  assert.equal(budget.take(A, 's', 10, 1000 + wait - 1), 1);
  assert.equal(budget.take(A, 's', 10, 1000 + wait), 0);
  assert.equal(budget.take(B, 's', 10, 1000), 0, 'each device has its own');
  let taken = 0;
  for (let ms = 1100; ms < 11_100; ms += 7) if (budget.take(A, 's', 10, ms) === 0) taken++;
  assert.ok(taken >= 99 && taken <= 101, `${taken} in ten seconds`);
});

test('bytes and the address count as well; whatever is over its limit refuses, and then none is charged', () => {
  const limits = {
    ...CHANNEL_LIMITS,
    requestBytesPerSecond: 1000,
    requestBytesBurst: 2000,
    sourceCommandsPerSecond: 1,
    sourceCommandsBurst: 4,
  };
  const budget = new CommandBudget(limits);
  assert.equal(budget.take(A, 's', 1500, 0), 0);
  assert.equal(budget.take(A, 's', 1500, 0), 1000, 'a thousand bytes too many');
  assert.equal(budget.take(A, 's', 500, 0), 0);
  assert.equal(budget.take(B, 's', 1, 0), 0);
  assert.equal(budget.take(B, 's', 1, 0), 0);
  assert.equal(budget.take(B, 's', 1, 0), 1000, 'four from this address');
  assert.equal(budget.take(B, 'elsewhere', 1, 0), 0);
});

test('what is remembered is bounded, and forgetting gives nobody a new budget while it has used its own', () => {
  const budget = new CommandBudget({ ...CHANNEL_LIMITS, budgetsMax: 8, commandsPerSecond: 1, commandsBurst: 2 });
  for (let i = 0; i < 1000; i++) {
    const device = i.toString(16).padStart(64, '0') as DeviceKey;
    budget.take(device, `192.0.2.${i}`, 10, i * 10_000);
    assert.ok(budget.size <= 16);
  }
  const late = 10_000_000;
  for (let i = 0; i < 2; i++) assert.equal(budget.take(A, 'x', 10, late), 0);
  for (let i = 0; i < 6; i++) budget.take(`${i}`.repeat(64) as DeviceKey, `${i}`, 10, late);
  assert.ok(budget.take(A, 'x', 10, late) > 0);
});

test('an error with a time to wait crosses the wire; an absurd one is not believed', () => {
  const read = (body: Uint8Array) => {
    const response = parseResponse(body, 1);
    assert.ok(response && 'error' in response);
    return response.error.retryMs;
  };
  assert.equal(read(encodeError(1, 'ERR_CHANNEL_RATE', 'exhausted', 12.2)), 13);
  assert.equal(read(encodeError(1, 'ERR_CHANNEL_RATE', 'exhausted')), undefined);
  assert.equal(read(encodeError(1, 'ERR_CHANNEL_RATE', 'exhausted', 1e12)), 86_400_000);
  for (const wrong of ['-1', '1.5', '1e99', '"5"', 'null', '{}']) {
    const text = `{"jsonrpc":"2.0","id":1,"error":{"code":-32006,"data":{"code":"ERR_X","retryMs":${wrong}}}}`;
    assert.equal(read(new TextEncoder().encode(text)), undefined, wrong);
  }
});

test('a device that asks too fast is told when to ask again, and is heard again then; others notice nothing', async () => {
  let answered = 0;
  const handle: CallHandler = async (call) => {
    answered++;
    return echo(call);
  };
  const rig = await rigOf(handle, { commandsPerSecond: 10, commandsBurst: 20 });
  const device = await rig.device(1);
  const first = await connect(rig.client, { pin: rig.pin, device });
  const second = await connect(rig.client, { pin: rig.pin, device });
  for (let i = 0; i < 20; i++) await (i % 2 ? first : second).call('echo.back', { i });
  const refusal = await first.call('echo.back', {}).catch((error: unknown) => error);
  assert.ok(refusal instanceof RemoteError);
  assert.deepEqual([refusal.code, refusal.kind, refusal.retryMs], ['ERR_CHANNEL_RATE', 'exhausted', 100]);
  await assert.rejects(
    second.call('echo.back', {}),
    { code: 'ERR_CHANNEL_RATE' },
    'another channel is no way around it',
  );
  assert.equal(answered, 20, 'what is refused reaches no handler');
  const other = await connect(rig.client, { pin: rig.pin, device: await rig.device(2) });
  assert.deepEqual(await other.call('echo.back', { fine: true }), { fine: true });
  await rig.clock.advance(refusal.retryMs!);
  assert.deepEqual(await first.call('echo.back', { i: 21 }), { i: 21 });
  const again = await connect(rig.client, { pin: rig.pin, device });
  await assert.rejects(again.call('echo.back', {}), { code: 'ERR_CHANNEL_RATE' }, 'nor is a new channel');
});

test('bytes of requests are limited, and so is an address with many devices', async () => {
  const rig = await rigOf(echo, { requestBytesPerSecond: 1000, requestBytesBurst: 50_000 });
  const connection = await connect(rig.client, { pin: rig.pin, device: await rig.device(1) });
  await connection.call('echo.back', { text: 'x'.repeat(40_000) });
  await assert.rejects(connection.call('echo.back', { text: 'x'.repeat(40_000) }), { code: 'ERR_CHANNEL_RATE' });
  await connection.call('echo.back', { text: 'small' });
  const crowded = await rigOf(echo, { sourceCommandsPerSecond: 1, sourceCommandsBurst: 3 });
  for (let seed = 1; seed <= 4; seed++) {
    const each = await connect(crowded.client, { pin: crowded.pin, device: await crowded.device(seed) });
    const outcome = await each.call('echo.back', { seed }).then(
      () => 'answered',
      (error: RemoteError) => `${error.code} ${error.retryMs}`,
    );
    assert.equal(outcome, seed < 4 ? 'answered' : 'ERR_CHANNEL_RATE 1000');
  }
});

test('who goes on asking against all refusals loses the channel', async () => {
  const limits = { commandsPerSecond: 1, commandsBurst: 1, refusalsPerSecond: 1, refusalsBurst: 10 };
  const rig = await rigOf(echo, limits);
  const peer = await rawPeer(rig, await rig.device(1));
  peer.request(1, 'echo.back');
  await until(() => peer.frames.length === 1, 'the one that is allowed');
  for (let i = 1; i < 30; i++) peer.request(1 + 2 * i, 'echo.back');
  await peer.ended();
  const codes = peer.frames
    .filter(({ type }) => type === FRAME.response)
    .map((frame) => {
      const response = parseResponse(frame.body, frame.stream);
      return response && 'error' in response ? response.error.code : 'answered';
    });
  assert.equal(codes.filter((code) => code === 'answered').length, 1);
  assert.equal(codes.filter((code) => code === 'ERR_CHANNEL_RATE').length, 10);
});

test('one channel more than a device may have ends its quietest one', async () => {
  const rig = await rigOf(echo, { channelsPerDeviceMax: 3 });
  const device = await rig.device(1);
  const open = () => connect(rig.client, { pin: rig.pin, device });
  const [first, second, third] = [await open(), await open(), await open()];
  await rig.clock.advance(1000);
  for (const each of [first!, third!]) await each.call('echo.back', {});
  const fourth = await open();
  await second!.closed;
  await until(() => rig.server.status().open === 3, 'one was ended');
  for (const each of [first!, third!, fourth]) await each.call('echo.back', {});
});

test('when all places are taken, whoever has most gives one; nobody is locked out', async () => {
  const rig = await rigOf(echo, { channelsMax: 5 });
  const greedy = await rig.device(1);
  const greedyOnes = [];
  for (let i = 0; i < 4; i++) greedyOnes.push(await connect(rig.client, { pin: rig.pin, device: greedy }));
  const modest = await connect(rig.client, { pin: rig.pin, device: await rig.device(2) });
  const newcomers = [];
  for (let seed = 3; seed <= 5; seed++) {
    newcomers.push(await connect(rig.client, { pin: rig.pin, device: await rig.device(seed) }));
  }
  await until(() => rig.server.status().open === 5, 'three were ended');
  for (const each of [modest, ...newcomers]) await each.call('echo.back', {});
  assert.equal(rig.server.status().devices.length, 5);
});

test('who came, who was turned away and who went is noted, with the address', async () => {
  const rig = await rigOf(echo);
  const audited: AuditEntry[] = [];
  rig.deps.audit = { note: (entry) => audited.push(entry) };
  const device = await rig.device(1);
  const connection = await connect(rig.client, { pin: rig.pin, device });
  assert.deepEqual(await connection.call('echo.back', {}), {});
  connection.close();
  await until(() => audited.length === 2, 'coming and going');
  const stranger = await rig.device(2, false);
  await assert.rejects(connect(rig.client, { pin: rig.pin, device: stranger }));
  await until(() => audited.length === 3, 'the refusal');
  assert.deepEqual(
    audited.map(({ event, device: who, address }) => [event, who, address]),
    [
      ['connected', device.publicKey, '127.0.0.1'],
      ['disconnected', device.publicKey, '127.0.0.1'],
      ['connect-refused', stranger.publicKey, '127.0.0.1'],
    ],
  );
  assert.equal(audited[0]!.detail, audited[1]!.detail, 'both name the session');
  assert.equal(audited[2]!.detail, 'refused');
});

test('a command knows where its caller is', async () => {
  const addresses: (string | undefined)[] = [];
  const rig = await rigOf(async ({ caller }) => {
    addresses.push(caller.address);
    return {};
  });
  const connection = await connect(rig.client, { pin: rig.pin, device: await rig.device(1) });
  await connection.call('echo.back', {});
  assert.deepEqual(addresses, ['127.0.0.1']);
});
