import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authorize, type Concern, concernOf } from '../../src/commands/index.ts';
import {
  ACTIONS,
  type Access,
  type Action,
  COMMANDS,
  type CommandName,
  checkParams,
  type DeviceKey,
  RIGHTS,
  type Right,
  ROLE_ACTIONS,
  ROLES,
  type Role,
  type SourceId,
} from '../../src/protocol/index.ts';
import { deviceKey, FRONT, fakeNode, refuses, START_AT } from './fake-node.ts';

const names = Object.keys(COMMANDS) as CommandName[];
const self = deviceKey(0x55);
const YARD = 'yard' as SourceId;

/** Another device of each role, and one that is not paired. */
const others: Record<string, DeviceKey> = {
  viewer: deviceKey(0x11),
  operator: deviceKey(0x12),
  admin: deviceKey(0x13),
  owner: deviceKey(0x14),
  stranger: deviceKey(0x66),
};

function access(role: Role, more: Partial<Access> = {}): Access {
  return { role, sources: 'all', rolesAt: new Map(), actions: 'all', pastMs: null, endsAt: null, ...more };
}

const nothing: Concern = { source: null, startAt: null, isMissing: false, device: null, role: null, action: null };

/** Decides as a device with `mine`, beside one device of every role. */
function decide(
  command: CommandName,
  mine: Access | null,
  concern: Partial<Concern> = {},
  theirs: Partial<Access> = {},
) {
  const accessOf = (device: DeviceKey) => {
    if (device === self) return mine;
    const role = ROLES.find((each) => others[each] === device);
    return role ? access(role, theirs) : null;
  };
  const caller = { device: self, role: 'owner' as const, sessionId: 'ab' };
  return authorize({ caller, command, concern: { ...nothing, ...concern }, now: START_AT, accessOf });
}

/** The least by which each right can be told apart, written a second time: who may it be about. */
const ABOUT: Record<Right, readonly string[]> = {
  yes: ['self', 'viewer', 'operator', 'admin', 'owner', 'stranger'],
  lower: ['self', 'viewer', 'operator', 'stranger'],
  own: ['self'],
  no: [],
};

for (const name of names) {
  for (const role of ROLES) {
    test(`${name} as ${role}: each source, each device concerned, each role given away`, () => {
      const right = RIGHTS[name][role];
      const least = right === 'own' ? { device: self } : {};
      for (const [granted, sources] of [
        [true, 'all'],
        [true, new Set([FRONT])],
        [false, new Set([YARD])],
      ] as const) {
        const decision = decide(name, access(role, { sources }), { source: FRONT, ...least });
        const isAllowed = right !== 'no' && granted;
        assert.equal(decision.allowed, isAllowed, `source granted: ${granted}`);
        assert.equal(decision.role, role, 'the role of this moment, not that of the handshake');
        assert.equal(decision.at, START_AT);
        if (decision.allowed) continue;
        assert.notEqual(decision.reason, '');
        assert.equal(decision.hidden, right !== 'no', 'what is not granted does not exist');
      }
      for (const who of ['self', 'viewer', 'operator', 'admin', 'owner', 'stranger']) {
        const decision = decide(name, access(role), { device: who === 'self' ? self : others[who]! });
        assert.equal(decision.allowed, ABOUT[right].includes(who), `concerning ${who}`);
        if (!decision.allowed) assert.equal(decision.hidden, false);
      }
      for (const given of ROLES) {
        const isLow = given === 'viewer' || given === 'operator';
        const decision = decide(name, access(role), { role: given, device: others['viewer']! });
        assert.equal(decision.allowed, right === 'yes' || (right === 'lower' && isLow), `giving ${given}`);
        const toSelf = decide(name, access(role), { role: given, device: self });
        assert.equal(toSelf.allowed, right === 'yes', `giving itself ${given}`);
      }
    });

    for (const lower of ROLES.slice(0, ROLES.indexOf(role))) {
      test(`${name} as ${role} who is ${lower} at one source`, () => {
        const mine = access(role, { rolesAt: new Map([[FRONT, lower]]) });
        for (const concern of [{}, { action: 'export' }, { action: 'configure' }] as const) {
          const at = (source: SourceId | null, as: Access) => decide(name, as, { ...concern, source, device: self });
          const [there, plain] = [at(FRONT, mine), at(FRONT, access(lower))];
          assert.deepEqual([there.allowed, there.role], [plain.allowed, lower], 'there as one who is that everywhere');
          if (!there.allowed) assert.equal(there.hidden, false, 'it may know of the source');
          for (const source of [YARD, null]) {
            const [elsewhere, own] = [at(source, mine), at(source, access(role))];
            assert.deepEqual([elsewhere.allowed, elsewhere.role], [own.allowed, role], 'and nothing less elsewhere');
          }
        }
      });
    }

    test(`${name} as ${role} without one of the actions`, () => {
      const row = RIGHTS[name];
      for (const without of ACTIONS) {
        const actions = new Set<Action>(ROLE_ACTIONS[role].filter((each) => each !== without));
        if (row[role] !== 'own') {
          const decision = decide(name, access(role, { actions }));
          assert.equal(decision.allowed, row[role] !== 'no' && row.action !== without, without);
        }
        if (row.action === without && row[role] !== 'no') {
          const onSelf = decide(name, access(role, { actions }), { device: self });
          assert.equal(onSelf.allowed, true, 'what a device does to itself needs no action');
        }
      }
    });
  }

  test(`${name}: its row agrees with the roles’ actions, and roles grow`, () => {
    const row = RIGHTS[name];
    const order: Right[] = ['no', 'own', 'lower', 'yes'];
    for (const [i, role] of ROLES.entries()) {
      if (row.action && row[role] !== 'own' && row[role] !== 'no')
        assert.ok(ROLE_ACTIONS[role].includes(row.action), role);
      if (i > 0) assert.ok(order.indexOf(row[role]) >= order.indexOf(row[ROLES[i - 1]!]), role);
    }
  });
}

/** Who may what, written a second time and by hand: viewer, operator, admin, owner. `*` yes, `s` itself, `l` lower, `-` no. */
const TABLE = `
sources.list      ****
sources.states    ****
sources.settings  --**
sources.upsert    --**
sources.test      --**
sources.remove    --**
cameras.discover  --**
cameras.view      ****
cameras.time      ****
ptz.hold          -***
ptz.move          -***
ptz.stop          -***
ptz.goto          -***
ptz.recall        -***
ptz.presets       ****
ptz.save          -***
ptz.forget        -***
ptz.status        ****
imaging.get       --**
imaging.set       --**
snapshots.get     ****
segments.list     ****
segments.get      ****
range.read        ****
timeline.coverage ****
calendar.days     ****
gaps.list         ****
live.subscribe    ****
live.unsubscribe  ****
events.list       ****
events.watch      ****
status.get        ****
access.get        ****
devices.list      ss**
devices.invite    --l*
invitations.remove --**
devices.remove    ssl*
devices.rename    ssl*
grants.list       ss**
grants.put        --l*
grants.revoke     ssl*
grants.clock      ---*
pairing.code      --l*
pairing.cancel    --**
pairing.pending   --**
pairing.approve   --l*
pairing.reject    --l*
pairing.confirm   ---*
swarm.status      --**
audit.list        ---*
keys.rewrap       ---*
`;

test('the table is the one that was meant', () => {
  const letters: Record<Right, string> = { yes: '*', own: 's', lower: 'l', no: '-' };
  const rows = new Map(
    TABLE.trim()
      .split('\n')
      .map((line) => line.split(/\s+/) as [string, string]),
  );
  for (const name of names) {
    assert.equal(ROLES.map((role) => letters[RIGHTS[name][role]]).join(''), rows.get(name), name);
  }
});

test('an admin narrowed to some sources has no say about devices that have more', () => {
  const narrow = access('admin', { sources: new Set([FRONT]) });
  for (const name of ['devices.remove', 'devices.rename', 'grants.revoke', 'grants.put'] as const) {
    const about = { device: others['viewer']! };
    assert.equal(decide(name, narrow, about, { sources: new Set([FRONT]) }).allowed, true, name);
    assert.equal(decide(name, narrow, about, { sources: new Set([FRONT, YARD]) }).allowed, false, name);
    assert.equal(decide(name, narrow, about, { sources: 'all' }).allowed, false, name);
  }
});

test('a recording from before the window does not exist; one that began in it does', () => {
  const mine = access('viewer', { pastMs: 60_000 });
  for (const [startAt, isAllowed] of [
    [START_AT - 60_001, false],
    [START_AT - 60_000, true],
    [START_AT, true],
  ] as const) {
    const decision = decide('segments.get', mine, { source: FRONT, startAt });
    assert.equal(decision.allowed, isAllowed);
    if (!decision.allowed) assert.equal(decision.hidden, true);
  }
});

test('to export wants the action beside playback', () => {
  for (const name of ['range.read', 'segments.get'] as const) {
    for (const role of ROLES) {
      const decision = decide(name, access(role), { action: 'export' });
      assert.equal(decision.allowed, role !== 'viewer', `${name} ${role}`);
    }
    assert.equal(
      decide(name, access('operator', { actions: new Set(['playback']) }), { action: 'export' }).allowed,
      false,
    );
  }
});

test('to take a camera from somebody and to set its clock want the action configure beside', () => {
  for (const [name, params] of [
    ['ptz.hold', { source: FRONT, take: true }],
    ['cameras.time', { source: FRONT, set: 'clock' }],
    ['cameras.time', { source: FRONT, set: { server: 'pool.example' } }],
  ] as const) {
    const asked = checkParams(name, params);
    assert.ok('params' in asked);
    const concern = concernOf({ find: () => null }, asked.params);
    for (const role of ROLES) {
      const isHigh = role === 'admin' || role === 'owner';
      assert.equal(decide(name, access(role), concern).allowed, isHigh, `${name} ${role}`);
      const narrow = access(role, { actions: new Set(['live', 'ptz']) });
      assert.equal(decide(name, narrow, concern).allowed, false);
    }
    const plain = checkParams(name, { source: FRONT });
    assert.ok('params' in plain);
    assert.equal(decide(name, access('operator'), concernOf({ find: () => null }, plain.params)).allowed, true);
  }
});

test('a caller of the old session may what that session has words for, by its configured role, and nothing once its key is paired', () => {
  const words = new Set<string>(['sources.list', 'sources.states', 'segments.list', 'segments.get']);
  const admins = new Set<string>(['cameras.discover', 'sources.upsert', 'sources.remove']);
  for (const name of names) {
    for (const role of ROLES) {
      const caller = { device: self, role, sessionId: 'ab', via: 'v1' as const };
      const ask = (mine: Access | null) =>
        authorize({ caller, command: name, concern: nothing, now: START_AT, accessOf: () => mine });
      const high = role === 'admin' || role === 'owner';
      assert.equal(ask(null).allowed, words.has(name) || (high && admins.has(name)), `${name} as ${role}`);
      assert.equal(ask(access('owner')).allowed, false, 'a paired device is not let down to the old session');
      const exporting = { ...nothing, action: 'export' as const };
      const wish = authorize({ caller, command: name, concern: exporting, now: START_AT, accessOf: () => null });
      assert.equal(wish.allowed, false);
    }
  }
});

test('a device without access may nothing, whatever its channel says of it', () => {
  for (const name of names) assert.equal(decide(name, null).allowed, false, name);
});

test('every command asks before it works', async () => {
  const node = fakeNode();
  for (const name of names) {
    const { ended } = node.call(name, COMMANDS[name].example.params, { as: 0x77 });
    await refuses(ended, 'ERR_COMMANDS_DENIED', 'denied');
  }
  assert.equal(node.vault.openEver, 0);
  assert.equal(node.logged.length, names.length, 'refusals are logged');
  assert.deepEqual(
    node.audited.map(({ event }) => event),
    names.map(() => 'command-refused'),
    'and told in the audit log',
  );
  assert.deepEqual([node.devices.invited, node.devices.asked, node.put], [[], [], []]);
});
