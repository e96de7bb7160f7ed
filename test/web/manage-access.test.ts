import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RIGHTS } from '../../src/protocol/commands/rights.ts';
import type { DeviceKey, Role, SourceId } from '../../web/src/engine/messages.ts';
import {
  actionsGivenBy,
  endedByTime,
  may,
  mayAddCameras,
  offersFor,
  type PageAccess,
  pageOffers,
  ROLE_ACTIONS,
  ROLES,
  rolesGivenAt,
  rolesGivenBy,
} from '../../web/src/model/access.ts';
import {
  formOfGrant,
  hangOn,
  localInput,
  rolesAtWithin,
  type TermsForm,
  termsFault,
  termsOf,
  widest,
  withRoleAt,
} from '../../web/src/pages/devices/terms.ts';

const as = (role: Role, narrowed: Partial<PageAccess> = {}): PageAccess => ({
  role,
  actions: ROLE_ACTIONS[role],
  sources: null,
  rolesAt: [],
  endsAt: null,
  ...narrowed,
});

// What each page offers stands against the node's own table of rights.
for (const role of ROLES) {
  const offers = pageOffers(as(role));
  for (const [offer, command] of [
    ['configure', 'sources.upsert'],
    ['configure', 'cameras.discover'],
    ['configure', 'imaging.set'],
    ['playback', 'gaps.list'],
    ['live', 'snapshots.get'],
    ['swarm', 'swarm.status'],
    ['audit', 'audit.list'],
    ['everyDevice', 'devices.list'],
  ] as const) {
    test(`${offer} is offered to ${role} as ${command} is allowed`, () => {
      assert.equal(offers[offer], RIGHTS[command][role] === 'yes');
    });
  }

  test(`inviting is offered to ${role} as the node allows it`, () => {
    assert.equal(offers.invite, RIGHTS['devices.invite'][role] !== 'no');
    const gives = { viewer: [], operator: [], admin: ['viewer', 'operator'], owner: ROLES }[role];
    assert.deepEqual(rolesGivenBy(as(role)), gives);
  });

  for (const other of [...ROLES, undefined]) {
    test(`what ${role} is offered for another device that is ${other ?? 'without rights'}`, () => {
      const lower = other !== 'admin' && other !== 'owner';
      const manages = role === 'owner' || (role === 'admin' && lower);
      assert.deepEqual(offersFor(as(role), { self: false, role: other }), {
        rename: manages,
        grant: manages,
        revoke: manages && other !== undefined,
        remove: manages,
      });
    });
  }

  test(`${role} may rename and remove itself and grants itself nothing`, () => {
    assert.deepEqual(offersFor(as(role), { self: true, role }), {
      rename: true,
      grant: false,
      revoke: false,
      remove: true,
    });
  });
}

test('a narrowed grant takes offers away, and what it lacks cannot be passed on', () => {
  const access = as('admin', { actions: ['live', 'grant'], sources: ['front' as SourceId] });
  assert.equal(may(access, 'configure'), false);
  assert.deepEqual(pageOffers(access), {
    configure: false,
    invite: true,
    everyDevice: true,
    swarm: true,
    audit: false,
    playback: false,
    live: true,
  });
  assert.deepEqual(actionsGivenBy(access, 'operator'), ['live']);
  assert.deepEqual(termsOf(widest(access, 'operator')), { role: 'operator', sources: ['front'], actions: ['live'] });
  const mute = as('owner', { actions: ['live'] });
  assert.equal(offersFor(mute, { self: false, role: 'viewer' }).remove, false);
});

test('a lower role at one camera is part of the terms while they name the camera, and none above it is offered', () => {
  const [YARD, NURSERY] = ['yard' as SourceId, 'nursery' as SourceId];
  const operator: TermsForm = { ...VIEWER, role: 'operator', sources: [FRONT, YARD] };
  const lowered = withRoleAt(operator, YARD, 'viewer');
  assert.deepEqual(termsOf(lowered).rolesAt, [{ source: YARD, role: 'viewer' }]);
  assert.equal(termsOf({ ...lowered, sources: [FRONT] }).rolesAt, undefined);
  assert.deepEqual(withRoleAt(lowered, YARD, 'operator'), operator);
  assert.deepEqual(rolesAtWithin(as('owner'), 'admin', lowered.rolesAt), lowered.rolesAt);
  assert.deepEqual(rolesAtWithin(as('owner'), 'viewer', lowered.rolesAt), [], 'no role is lower than that');

  const admin = as('admin', { rolesAt: [{ source: NURSERY, role: 'viewer' }] });
  assert.deepEqual(rolesGivenAt(admin, 'operator', NURSERY), ['viewer']);
  assert.deepEqual(rolesGivenAt(admin, 'operator', FRONT), ['operator', 'viewer']);
  assert.deepEqual(rolesGivenAt(as('owner'), 'admin', FRONT), ['admin', 'operator', 'viewer']);
  assert.deepEqual(termsOf(widest(admin, 'operator')), {
    role: 'operator',
    rolesAt: [{ source: NURSERY, role: 'viewer' }],
  });
  assert.deepEqual(termsOf(widest(admin, 'viewer')), { role: 'viewer' });
});

test('cameras are added by those who may know of all of them', () => {
  assert.equal(mayAddCameras(as('admin')), true);
  assert.equal(mayAddCameras(as('admin', { sources: ['front' as SourceId] })), false);
  assert.equal(mayAddCameras(as('operator')), false);
});

test('a right that ended by time is told from one that was taken away', () => {
  const until = (endsAt: number | null) => as('viewer', { endsAt });
  assert.equal(endedByTime(until(1_000_000), 1_000_400), true);
  assert.equal(endedByTime(until(1_000_000), 995_000), true, 'clocks differ');
  assert.equal(endedByTime(until(1_000_000), 900_000), false, 'turned away before its time');
  assert.equal(endedByTime(until(null), 1_000_000), false);
  assert.equal(endedByTime(null, 1_000_000), false);
});

test('without a link nothing is offered', () => {
  assert.ok(Object.values(pageOffers(null)).every((each) => each === false));
});

const FRONT = 'front' as SourceId;
const NOW = Date.UTC(2026, 10, 21, 12);
const VIEWER: TermsForm = { role: 'viewer', sources: null, rolesAt: [], actions: null, pastDays: null, endsAt: '' };

for (const [what, change, fault] of [
  ['everything of the role', {}, null],
  ['no camera', { sources: [] }, 'noSource'],
  ['no action', { actions: [] }, 'noAction'],
  ['no days', { pastDays: 0 }, 'past'],
  ['an empty number of days', { pastDays: Number.NaN }, 'past'],
  ['an end that is over', { endsAt: localInput(NOW - 60_000) }, 'ends'],
  ['an end to come', { endsAt: localInput(NOW + 120_000) }, null],
  ['a narrowed owner', { role: 'owner', rolesAt: [{ source: FRONT, role: 'viewer' }] }, 'owner'],
  ['an owner of days', { role: 'owner', pastDays: 3 }, 'owner'],
] as [string, Partial<TermsForm>, string | null][]) {
  test(`terms with ${what} are ${fault ?? 'in order'}`, () => {
    assert.equal(termsFault({ ...VIEWER, ...change }, NOW), fault);
  });
}

test('terms survive the form', () => {
  const notAfter = NOW - (NOW % 60_000) + 86_400_000;
  const grant = {
    device: 'd' as DeviceKey,
    role: 'operator' as const,
    sources: [FRONT],
    rolesAt: [{ source: FRONT, role: 'viewer' as const }],
    actions: ['live' as const, 'ptz' as const],
    pastMs: 604_800_000,
    notAfter,
    generation: 3,
    issuer: 'o',
    createdAt: NOW,
    state: 'in-force' as const,
  };
  const { role, sources, rolesAt, actions, pastMs } = grant;
  assert.deepEqual(termsOf(formOfGrant(grant as never)), { role, sources, rolesAt, actions, pastMs, notAfter });
  assert.deepEqual(termsOf({ ...VIEWER, role: 'owner' }), { role: 'owner' });
});

test('what hangs on a device is found over every step, and rings end', () => {
  const grant = (device: string, issuer: string) => ({ device: device as DeviceKey, issuer: issuer as DeviceKey });
  const grants = [grant('a', 'node'), grant('b', 'a'), grant('c', 'b'), grant('d', 'node'), grant('a', 'c')];
  assert.deepEqual(hangOn('a' as DeviceKey, grants).sort(), ['b', 'c']);
  assert.deepEqual(hangOn('d' as DeviceKey, grants), []);
});
