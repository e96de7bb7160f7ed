import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorize } from '../../src/commands/index.ts';
import { COMMANDS, type CommandName, type DeviceKey, ROLES, type Role } from '../../src/protocol/index.ts';
import { deviceKey, fakeNode, refuses, START_AT } from './fake-node.ts';

/**
 * Who may what, written a second time and by hand. Columns: viewer, operator, admin, owner. A letter is what the command
 * may concern: S the device itself, V another viewer, O another operator, A another admin, W another owner, N a device that
 * is not paired; for invitations the role given away. `*` is a command that concerns no device.
 */
const TABLE = `
sources.list      *  *  *      *
sources.states    *  *  *      *
segments.list     *  *  *      *
segments.get      *  *  *      *
range.read        *  *  *      *
live.subscribe    *  *  *      *
live.unsubscribe  *  *  *      *
status.get        *  *  *      *
devices.list      *  *  *      *
devices.invite    -  -  VO     VOAW
devices.remove    S  S  SVON   SVOAWN
devices.rename    S  S  SVON   SVOAWN
`;

const others: Record<string, DeviceKey> = {
  V: deviceKey(0x11),
  O: deviceKey(0x12),
  A: deviceKey(0x13),
  W: deviceKey(0x14),
};
const roleOfLetter: Record<string, Role> = { V: 'viewer', O: 'operator', A: 'admin', W: 'owner' };
const roles = new Map<DeviceKey, Role>(Object.keys(others).map((letter) => [others[letter]!, roleOfLetter[letter]!]));

const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.split(/\s+/));

test('the table of this test names every command', () => {
  assert.deepEqual(rows.map(([name]) => name).sort(), Object.keys(COMMANDS).sort());
});

for (const [name, ...cells] of rows) {
  for (const [column, allowed] of cells.entries()) {
    const role = ROLES[column]!;
    test(`${name} as ${role} is allowed for ${allowed} and nothing else`, () => {
      const self = deviceKey(0x55);
      const roleOf = (device: DeviceKey) => (device === self ? role : (roles.get(device) ?? null));
      const caller = { device: self, role: 'owner' as const, sessionId: 'ab' };
      const decide = (params: unknown) => authorize({ caller, command: name as CommandName, params, now: 7, roleOf });
      const cases: [string, unknown][] =
        name!.startsWith('devices.') && name !== 'devices.list' ? concerning(name!, self) : [['*', {}]];
      for (const [letter, params] of cases) {
        const decision = decide(params);
        assert.equal(decision.allowed, allowed!.includes(letter), `concerning ${letter}`);
        assert.equal(decision.at, 7);
        assert.equal(decision.role, role, 'the role of this moment, not that of the handshake');
        if (!decision.allowed) assert.notEqual(decision.reason, '');
      }
    });
  }
}

function concerning(name: string, self: DeviceKey): [string, unknown][] {
  if (name === 'devices.invite') return Object.entries(roleOfLetter).map(([letter, role]) => [letter, { role }]);
  const devices = Object.entries(others).map(([letter, device]): [string, unknown] => [letter, { device }]);
  return [['S', { device: self }], ...devices, ['N', { device: deviceKey(0x66) }]];
}

test('a device that is not paired may nothing, whatever its channel says of it', () => {
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    const caller = { device: deviceKey(9), role: 'owner' as const, sessionId: 'ab' };
    const decision = authorize({
      caller,
      command: name,
      params: COMMANDS[name].example.params,
      now: START_AT,
      roleOf: () => null,
    });
    assert.equal(decision.allowed, false, name);
  }
});

test('every command asks before it works', async () => {
  const node = fakeNode();
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    const { ended } = node.call(name, COMMANDS[name].example.params, { as: 0x77 });
    await refuses(ended, 'ERR_COMMANDS_DENIED', 'denied');
  }
  assert.equal(node.vault.openEver, 0);
  assert.equal(node.logged.length, Object.keys(COMMANDS).length, 'refusals are logged');
  assert.deepEqual(node.devices.invited, []);
});
