import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { finalizeEvent, verifyEvent } from 'nostr-tools/pure';
import { toHex } from '../../src/bytes/index.ts';
import { nobleHashes, schnorrPublicKey } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import {
  ACTIONS,
  type Access,
  type Action,
  accessInBook,
  accessOfTerms,
  actionsOf,
  covers,
  type DeviceKey,
  earliestOf,
  eventOf,
  GRANT_CHAIN_MAX,
  GRANT_KIND,
  GRANT_SOURCES_MAX,
  type Grant,
  type GrantBook,
  type GrantTerms,
  grantOf,
  hangsOn,
  isLower,
  may,
  mayAt,
  mayIssue,
  narrowed,
  objectionToIssue,
  orderedTerms,
  ROLE_ACTIONS,
  ROLES,
  type Role,
  roleAt,
  type SignedGrant,
  type SourceId,
  sameAccess,
  sees,
  unsignedGrant,
  verifyGrant,
  writeEvent,
} from '../../src/protocol/index.ts';

const NOW = 1_795_000_000_000;
const runs = process.env['SLOW'] ? 20_000 : 1_000;
const key = (octet: number) => octet.toString(16).padStart(2, '0').repeat(32) as DeviceKey;
const source = (name: string) => name as SourceId;
const secret = new Uint8Array(32).fill(9);
const author = toHex(schnorrPublicKey(secret)) as DeviceKey;
const NODE = key(0x7e);
const everything: GrantTerms = {
  role: 'viewer',
  sources: 'all',
  rolesAt: [],
  actions: 'all',
  pastMs: null,
  notBefore: null,
  notAfter: null,
};

/** A grant as an event without a good signature: reading looks at none. */
function read(grant: Partial<Grant> & Pick<Grant, 'subject'>, by = NODE, change: object = {}): SignedGrant | null {
  const whole: Grant = { ...everything, node: NODE, generation: 1, by: null, ...grant };
  return grantOf({ ...unsignedGrant(whole, 1_795_000_000), id: key(1), pubkey: by, sig: '0'.repeat(128), ...change });
}

/** Few names, so that what one lowers the other knows of. */
const anySource = fc.oneof(fc.constantFrom('a', 'b', '10', '9'), fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,8}$/));
const anyRolesAt = fc.uniqueArray(
  fc
    .tuple(anySource, fc.constantFrom<Role>('viewer', 'operator', 'admin'))
    .map(([name, role]) => ({ source: source(name), role })),
  { selector: (each) => each.source, maxLength: GRANT_SOURCES_MAX },
);

const anyTerms: fc.Arbitrary<GrantTerms> = fc
  .record({
    role: fc.constantFrom<Role>('viewer', 'operator', 'admin'),
    sources: fc.option(fc.uniqueArray(anySource, { minLength: 1, maxLength: GRANT_SOURCES_MAX })),
    rolesAt: anyRolesAt,
    actions: fc.option(fc.subarray([...ACTIONS], { minLength: 1 })),
    pastMs: fc.option(fc.integer({ min: 1, max: 1e12 })),
    notBefore: fc.option(fc.nat(1e9)),
    life: fc.option(fc.integer({ min: 1, max: 1e9 })),
  })
  .map(({ role, sources, rolesAt, actions, pastMs, notBefore, life }) => {
    const some = actions?.filter((each) => ROLE_ACTIONS[role].includes(each));
    return {
      role,
      sources: sources ? (sources.sort() as SourceId[]) : ('all' as const),
      rolesAt: rolesAt
        .filter((each) => isLower(each.role, role) && (!sources || sources.includes(each.source)))
        .sort((a, b) => (a.source < b.source ? -1 : 1)),
      actions: some?.length && some.length < ROLE_ACTIONS[role].length ? some : ('all' as const),
      pastMs,
      notBefore,
      notAfter: life === null ? null : (notBefore ?? 0) + life,
    };
  });

test('a grant that is written is read as it was, and has one text only', () => {
  fc.assert(
    fc.property(anyTerms, fc.integer({ min: 1, max: 0xffff_ffff }), fc.boolean(), (terms, generation, isAsked) => {
      const grant: Grant = { ...terms, node: NODE, subject: key(2), generation, by: isAsked ? key(3) : null };
      const event = { ...unsignedGrant(grant, 5), id: key(1), pubkey: NODE, sig: '0'.repeat(128) };
      assert.deepEqual(grantOf(event), { ...grant, issuer: isAsked ? key(3) : NODE, createdAtS: 5, event });
      const loose = { ...event, content: JSON.stringify(JSON.parse(event.content), null, 1) };
      assert.equal(grantOf(loose), null);
    }),
    { numRuns: 200 },
  );
});

test('what is signed here holds by nostr-tools, and the other way round', () => {
  const grant: Grant = { ...everything, node: NODE, subject: key(2), generation: 1, by: null };
  const { created_at, kind, tags, content } = unsignedGrant(grant, 1_795_000_000);
  const theirs = JSON.parse(JSON.stringify(finalizeEvent({ created_at, kind, tags, content }, secret)));
  const taken = grantOf(eventOf(theirs)!)!;
  assert.equal(taken.issuer, author);
  assert.equal(verifyGrant(nobleHashes, taken), true);
  assert.equal(verifyEvent(JSON.parse(writeEvent(taken.event))), true);
  const forged = { ...taken, event: { ...taken.event, content: content.replace('viewer', 'owner') } };
  assert.equal(verifyGrant(nobleHashes, forged), false);
});

test('any changed byte of an event’s text is no event, no grant, or no good signature', () => {
  const grant: Grant = {
    ...everything,
    node: NODE,
    subject: key(2),
    generation: 7,
    by: null,
    sources: [source('front')],
  };
  const event = finalizeEvent({ ...unsignedGrant(grant, 5), tags: unsignedGrant(grant, 5).tags }, secret);
  const text = writeEvent(eventOf(JSON.parse(JSON.stringify(event)))!);
  const random = new SeededRandom(3);
  let verified = 0;
  for (let i = 0; i < 3 * runs; i++) {
    const at = random.below(text.length);
    const letter = String.fromCharCode(32 + random.below(95));
    const changed = i % 5 === 0 ? text.slice(0, at) : text.slice(0, at) + letter + text.slice(at + 1);
    if (changed === text) continue;
    const taken = parsed(changed);
    if (!taken) continue;
    // Checking is slow and always says no: enough of it proves the point.
    if (writeEvent(taken.event) === text || verified++ > 150) continue;
    assert.equal(verifyGrant(nobleHashes, taken), false, changed);
  }
  assert.ok(verified > 20);
});

function parsed(text: string): SignedGrant | null {
  try {
    const event = eventOf(JSON.parse(text));
    return event && grantOf(event);
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return null;
  }
}

test('whatever stands in an event, there is a grant or null', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.array(fc.array(fc.string(), { maxLength: 3 }), { maxLength: 3 }),
      (content, tags) => {
        const event = { id: key(1), pubkey: key(2), created_at: 1, kind: GRANT_KIND, tags, sig: '0'.repeat(128) };
        assert.equal(grantOf({ ...event, content: JSON.stringify(content) }), null);
        assert.equal(grantOf({ ...event, content: `${JSON.stringify(content)} ` }), null);
      },
    ),
    { numRuns: runs },
  );
});

test('what contradicts itself is no grant', () => {
  const at = (name: string, role: string) => ({ source: source(name), role: role as Role });
  const operator = { subject: key(2), role: 'operator' } as const;
  /** An operator's grant with its roles written so. */
  const changed = (written: string) => {
    const rolesAt = [at('z', 'viewer')];
    const plain = unsignedGrant({ ...everything, ...operator, node: NODE, generation: 1, by: null, rolesAt }, 5);
    return read(operator, NODE, { content: plain.content.replace(/"rolesAt":\[.*?\]/, written) });
  };
  const wrong: [string, SignedGrant | null][] = [
    ['another kind', read({ subject: key(2) }, NODE, { kind: 27420 })],
    ['no node', read({ subject: key(2) }, NODE, { tags: [['p', key(2)]] })],
    [
      'a tag more',
      read({ subject: key(2) }, NODE, {
        tags: [
          ['p', key(2)],
          ['node', NODE],
          ['x', 'y'],
        ],
      }),
    ],
    [
      'a longer tag',
      read({ subject: key(2) }, NODE, {
        tags: [
          ['p', key(2), 'x'],
          ['node', NODE],
        ],
      }),
    ],
    ['the node as subject', read({ subject: NODE })],
    ['its own author as subject', read({ subject: key(3) }, key(3))],
    ['on the word of its subject', read({ subject: key(3), by: key(3) })],
    ['a device that names another', read({ subject: key(2), by: key(4) }, key(3))],
    ['the node on its own word', read({ subject: key(2), by: NODE })],
    ['generation 0', read({ subject: key(2), generation: 0 })],
    ['too high a generation', read({ subject: key(2), generation: 2 ** 32 })],
    ['half a generation', read({ subject: key(2), generation: 1.5 })],
    ['no source', read({ subject: key(2), sources: [] })],
    ['a source twice', read({ subject: key(2), sources: [source('a'), source('a')] })],
    ['sources out of order', read({ subject: key(2), sources: [source('b'), source('a')] })],
    ['a source that is none', read({ subject: key(2), sources: [source('../a')] })],
    ['65 sources', read({ subject: key(2), sources: Array.from({ length: 65 }, (_, i) => source(`s${i + 10}`)) })],
    ['an action the role has not', read({ subject: key(2), actions: ['grant'] })],
    ['an action twice', read({ subject: key(2), actions: ['live', 'live'] })],
    ['all actions, listed', read({ subject: key(2), actions: ['live', 'playback'] })],
    ['no action', read({ subject: key(2), actions: [] })],
    ['a window of nothing', read({ subject: key(2), pastMs: 0 })],
    ['an end before the beginning', read({ subject: key(2), notBefore: 5, notAfter: 5 })],
    ['an owner who ends', read({ subject: key(2), role: 'owner', notAfter: 5 })],
    ['an owner to come', read({ subject: key(2), role: 'owner', notBefore: 5 })],
    ['an owner of one camera', read({ subject: key(2), role: 'owner', sources: [source('a')] })],
    ['an owner of the last days', read({ subject: key(2), role: 'owner', pastMs: 5 })],
    ['an owner who is a viewer somewhere', read({ subject: key(2), role: 'owner', rolesAt: [at('a', 'viewer')] })],
    ['a role that is not lower', read({ subject: key(2), role: 'operator', rolesAt: [at('a', 'operator')] })],
    ['a role that is higher', read({ subject: key(2), rolesAt: [at('a', 'operator')] })],
    ['an unknown role at a source', read({ subject: key(2), role: 'admin', rolesAt: [at('a', 'guest')] })],
    ['a role at what is no source', read({ subject: key(2), role: 'admin', rolesAt: [at('A', 'viewer')] })],
    ['two roles at one source', read({ ...operator, rolesAt: [at('a', 'viewer'), at('a', 'viewer')] })],
    ['roles out of order', read({ ...operator, rolesAt: [at('b', 'viewer'), at('a', 'viewer')] })],
    ['a role outside its sources', read({ ...operator, sources: [source('a')], rolesAt: [at('b', 'viewer')] })],
    [
      'roles at 65 sources',
      read({ ...operator, rolesAt: Array.from({ length: 65 }, (_, i) => at(`s${i + 10}`, 'viewer')) }),
    ],
    ['roles as an object', changed('"rolesAt":{"a":"viewer"}')],
    ['an empty list of roles', changed('"rolesAt":[]')],
    ['a role with something beside it', changed('"rolesAt":[{"source":"a","role":"viewer","x":1}]')],
    ['the role before its source', changed('"rolesAt":[{"role":"viewer","source":"a"}]')],
    ['an unknown role', read({ subject: key(2), role: 'toString' as Role })],
  ];
  for (const [what, grant] of wrong) assert.equal(grant, null, what);
  assert.ok(changed('"rolesAt":[{"source":"a","role":"viewer"}]'), 'what is changed there is all that is wrong');
  assert.ok(read({ subject: key(2), role: 'owner' }));
});

test('terms are brought into order, or refused with a reason', () => {
  const ordered = orderedTerms({ ...everything, sources: [source('b'), source('a')], actions: ['playback', 'live'] });
  assert.deepEqual(ordered, { ...everything, sources: ['a', 'b'], actions: 'all' });
  assert.deepEqual(orderedTerms({ ...everything, role: 'operator', actions: ['ptz', 'live'] }), {
    ...everything,
    role: 'operator',
    actions: ['live', 'ptz'],
  });
  const lowered = [
    { source: source('9'), role: 'viewer' as const },
    { source: source('10'), role: 'operator' as const },
  ];
  assert.deepEqual(orderedTerms({ ...everything, role: 'admin', rolesAt: lowered }), {
    ...everything,
    role: 'admin',
    rolesAt: lowered.toReversed(),
  });
  assert.deepEqual(orderedTerms({ ...everything, role: 'operator', rolesAt: lowered }), { reason: 'roles' });
  assert.deepEqual(orderedTerms({ ...everything, actions: ['ptz'] }), { reason: 'actions' });
  assert.deepEqual(orderedTerms({ ...everything, sources: [] }), { reason: 'sources' });
  assert.deepEqual(orderedTerms({ ...everything, pastMs: 1.5 }), { reason: 'past' });
  assert.deepEqual(orderedTerms({ ...everything, role: 'owner', pastMs: 5 }), { reason: 'owner' });
});

test('the example of the document is a grant, and its signature holds', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/protocol/grants.md'), 'utf8');
  const text = /^\{"id".*\}$/m.exec(page)![0];
  const event = eventOf(JSON.parse(text))!;
  const grant = grantOf(event)!;
  assert.equal(verifyGrant(nobleHashes, grant), true);
  assert.equal(writeEvent(event), text);
  assert.deepEqual([grant.role, grant.sources, grant.generation], ['viewer', ['front', 'yard'], 3]);
  const keyOf = (octet: number) => toHex(schnorrPublicKey(new Uint8Array(32).fill(octet)));
  assert.deepEqual([grant.issuer, grant.subject, grant.node], [keyOf(1), keyOf(2), keyOf(7)]);
});

test('the tables of the documents are the one of the code', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/protocol/grants.md'), 'utf8');
  for (const action of ACTIONS) {
    const row = new RegExp(`^\\| \`${action}\` \\|.*$`, 'm').exec(page)![0];
    const cells = row.split('|').slice(3, 7);
    assert.deepEqual(
      cells.map((cell) => cell.trim() === 'yes'),
      ROLES.map((role) => ROLE_ACTIONS[role].includes(action)),
      action,
    );
  }
});

// ---- access

const anyAccess: fc.Arbitrary<Access> = fc
  .tuple(anyTerms, fc.constantFrom<Role>(...ROLES))
  .map(([terms, role]) => (role === 'owner' ? accessOfTerms({ ...everything, role }) : accessOfTerms({ ...terms })));

test('what is left after narrowing is covered by both, and narrowing twice changes nothing', () => {
  fc.assert(
    fc.property(anyAccess, anyAccess, (mine, giver) => {
      const left = narrowed(mine, giver);
      assert.ok(covers(mine, left));
      for (const each of left.sources === 'all' ? [] : left.sources) assert.ok(sees(giver, each));
      if (giver.role === 'admin' || giver.role === 'owner') assert.ok(covers(giver, left));
      assert.ok(sameAccess(narrowed(left, giver), left));
      assert.ok(earliestOf(left, NOW) >= Math.max(earliestOf(mine, NOW), earliestOf(giver, NOW)));
      assert.equal(sameAccess(mine, null), false);
    }),
    { numRuns: runs },
  );
});

/** What an access is at a source, written a second time: the role, and the actions; null where there is no such source. */
function standingAt({ role, sources, rolesAt, actions }: Access, name: string) {
  if (sources !== 'all' && !sources.has(source(name))) return null;
  const here = rolesAt.get(source(name)) ?? role;
  return {
    rank: ROLES.indexOf(here),
    may: ROLE_ACTIONS[here].filter((each) => actions === 'all' || actions.has(each)),
  };
}

/** Places where one of two accesses is wider than the other: of those either names, and one that neither names. */
function widerAt(part: Access, whole: Access): string[] {
  const named = [part, whole].flatMap(({ sources, rolesAt }) => [
    ...rolesAt.keys(),
    ...(sources === 'all' ? [] : sources),
  ]);
  return [...named, 'elsewhere-neither-names'].filter((name) => {
    const [mine, theirs] = [standingAt(part, name), standingAt(whole, name)];
    if (!mine) return false;
    return !theirs || mine.rank > theirs.rank || mine.may.some((each) => !theirs.may.includes(each));
  });
}

test('whatever somebody may grant is nowhere wider than he is himself, at no source, then or later', () => {
  let issued = 0;
  fc.assert(
    fc.property(anyTerms, anyTerms, anyTerms, fc.boolean(), (mine, wish, later, isWide) => {
      const giver = { ...mine, role: 'admin' as const, ...(isWide ? { sources: 'all' as const } : {}) };
      const ordered = orderedTerms({ ...giver, actions: 'all' }) as GrantTerms;
      const of = book([1, 'node', ordered], [2, 1, wish]);
      const refused = objectionToIssue(of, { issuer: key(1), subject: null, terms: wish }, NOW);
      const own = accessOfTerms(ordered);
      const held = accessInBook(of, key(1), NOW);
      if (held && mayIssue(held, wish.role)) {
        const wider = widerAt(accessOfTerms(wish), own);
        assert.equal(refused, wider.length > 0 ? 'beyond' : null, wider.join());
        issued += Number(refused === null);
      }
      // Whatever was granted once, as the giver stands at this moment.
      for (const now of [ordered, orderedTerms({ ...later, role: 'admin', actions: 'all' }) as GrantTerms]) {
        const chain = book([1, 'node', now], [2, 1, wish]);
        const left = accessInBook(chain, key(2), NOW);
        if (left) assert.deepEqual(widerAt(left, accessOfTerms(now)), []);
        if (left) assert.deepEqual(widerAt(left, accessOfTerms(wish)), []);
      }
    }),
    { numRuns: runs },
  );
  assert.ok(issued > runs / 50, `only ${issued} wishes were granted`);
});

test('a role at a source is told by every question that is about the source', () => {
  const access = accessOfTerms({
    ...everything,
    role: 'admin',
    sources: [source('a'), source('b'), source('c')],
    rolesAt: [
      { source: source('a'), role: 'viewer' },
      { source: source('b'), role: 'operator' },
    ],
    actions: ['live', 'ptz', 'configure'],
  });
  const at = (name: string) => [roleAt(access, source(name)), [...actionsOf(access, source(name))]];
  assert.deepEqual(at('a'), ['viewer', ['live']]);
  assert.deepEqual(at('b'), ['operator', ['live', 'ptz']]);
  assert.deepEqual(at('c'), ['admin', ['live', 'ptz', 'configure']]);
  assert.deepEqual(at('d')[1], [], 'what it may not know of');
  assert.equal(may(access, 'configure'), true);
  assert.equal(mayAt(access, 'configure', source('b')), false);
  const other = { ...access, rolesAt: new Map([...access.rolesAt, [source('a'), 'operator' as const]]) };
  assert.equal(sameAccess(access, other), false);
  assert.equal(sameAccess(access, { ...access, rolesAt: new Map([...access.rolesAt].reverse()) }), true);
  assert.equal(sameAccess(access, { ...access, rolesAt: new Map() }), false);
});

test('each role has what the one before has', () => {
  for (const [i, role] of ROLES.entries()) {
    const actions = actionsOf(accessOfTerms({ ...everything, role }));
    assert.deepEqual([...actions], ROLE_ACTIONS[role]);
    for (const each of i > 0 ? ROLE_ACTIONS[ROLES[i - 1]!] : []) assert.ok(actions.has(each), `${role} ${each}`);
  }
});

// ---- chains

/** A book of grants: subject, issuer, terms. */
function book(...entries: [number, number | 'node', Partial<GrantTerms>][]): GrantBook {
  const grants = new Map<DeviceKey, SignedGrant>();
  for (const [subject, issuer, terms] of entries) {
    const by = issuer === 'node' ? null : key(issuer);
    const grant = read({ ...terms, subject: key(subject), by });
    assert.ok(grant, `${subject}`);
    grants.set(key(subject), grant);
  }
  return { node: NODE, of: (device) => grants.get(device) };
}
const roleIn = (of: GrantBook, device: number, now = NOW) => accessInBook(of, key(device), now)?.role ?? null;

test('a grant is worth what its giver could give at this moment', () => {
  const owner = { role: 'owner' } as const;
  const admin = { role: 'admin' } as const;
  assert.equal(roleIn(book([1, 'node', owner], [2, 1, admin], [3, 2, {}]), 3), 'viewer');
  assert.equal(roleIn(book([2, 1, admin], [3, 2, {}]), 3), null, 'the top is missing');
  assert.equal(roleIn(book([1, 'node', {}], [2, 1, {}]), 2), null, 'viewers give nothing');
  assert.equal(roleIn(book([1, 'node', admin], [2, 1, admin]), 2), null, 'admins make no admins');
  assert.equal(roleIn(book([1, 'node', admin], [2, 1, owner]), 2), null, 'admins make no owners');
  assert.equal(roleIn(book([1, 'node', { role: 'admin', actions: ['live', 'configure'] }], [2, 1, {}]), 2), null);
  const lapsing = book([1, 'node', { role: 'admin', notBefore: NOW - 5, notAfter: NOW + 5 }], [2, 1, {}]);
  for (const [now, role] of [
    [NOW - 6, null],
    [NOW - 5, 'viewer'],
    [NOW + 4, 'viewer'],
    [NOW + 5, null],
  ] as const) {
    assert.equal(roleIn(lapsing, 2, now), role);
  }
  const narrow = book(
    [1, 'node', { role: 'admin', sources: [source('a'), source('b')], pastMs: 50 }],
    [2, 1, { sources: [source('b'), source('c')], pastMs: 70, notAfter: NOW + 9 }],
  );
  const left = accessInBook(narrow, key(2), NOW)!;
  assert.deepEqual([...left.sources], ['b']);
  assert.deepEqual([left.pastMs, left.endsAt], [50, NOW + 9]);
});

test('a circle of grants gives nothing, and a way too long gives nothing', () => {
  const owner = { role: 'owner' } as const;
  assert.equal(roleIn(book([1, 2, owner], [2, 1, owner]), 1), null);
  const chain = Array.from({ length: GRANT_CHAIN_MAX + 1 }, (_, i): [number, number | 'node', Partial<GrantTerms>] => [
    i + 1,
    i === 0 ? 'node' : i,
    owner,
  ]);
  assert.equal(roleIn(book(...chain), GRANT_CHAIN_MAX), 'owner');
  assert.equal(roleIn(book(...chain), GRANT_CHAIN_MAX + 1), null);
  const whole = book(...chain.slice(0, GRANT_CHAIN_MAX));
  const issue = (issuer: number) =>
    objectionToIssue(whole, { issuer: key(issuer), subject: key(99), terms: everything }, NOW);
  assert.equal(issue(GRANT_CHAIN_MAX - 1), null);
  assert.equal(issue(GRANT_CHAIN_MAX), 'circle', 'what would be worth nothing is not issued');
});

test('who may issue what to whom', () => {
  const of = book(
    [1, 'node', { role: 'owner' }],
    [2, 1, { role: 'owner' }],
    [3, 1, { role: 'admin' }],
    [4, 1, { role: 'admin', sources: [source('a')] }],
    [5, 3, { role: 'operator' }],
    [6, 1, {}],
  );
  const issue = (issuer: number, subject: number | null, terms: Partial<GrantTerms> = {}) =>
    objectionToIssue(
      of,
      { issuer: key(issuer), subject: subject === null ? null : key(subject), terms: { ...everything, ...terms } },
      NOW,
    );
  assert.equal(issue(1, 2), null, 'an owner lowers another owner');
  assert.equal(issue(2, 1), 'circle', 'but not the one its own right comes from');
  assert.equal(issue(1, 1), 'circle', 'nor itself');
  assert.equal(issue(3, 6), null);
  assert.equal(issue(3, 9, { role: 'operator' }), null);
  for (const role of ['admin', 'owner'] as const) assert.equal(issue(3, 9, { role }), 'role');
  assert.equal(issue(3, 4), 'role', 'an admin replaces no admin’s grant');
  assert.equal(issue(3, 1), 'role', 'nor an owner’s');
  assert.equal(issue(4, 9), 'beyond');
  assert.equal(issue(4, 9, { sources: [source('a')] }), null);
  assert.equal(issue(4, 9, { sources: [source('a'), source('b')] }), 'beyond');
  assert.equal(issue(4, 6, { sources: [source('a')] }), 'beyond', 'nor takes away what it has not');
  assert.equal(issue(4, null, { sources: [source('a')] }), null);
  assert.equal(issue(5, 9), 'role', 'operators issue nothing');
  assert.equal(issue(9, 6), 'issuer', 'strangers issue nothing');
  assert.equal(objectionToIssue(of, { issuer: NODE, subject: key(1), terms: everything }, NOW), null);
  assert.equal(hangsOn(of, key(5), key(1)), true);
  assert.equal(hangsOn(of, key(5), key(2)), false);
});

test('who is less at a camera gives no more there, and takes nothing away from who is more', () => {
  const viewerAtA = [{ source: source('a'), role: 'viewer' as const }];
  const of = book(
    [1, 'node', { role: 'owner' }],
    [2, 1, { role: 'admin', rolesAt: viewerAtA }],
    [3, 1, { role: 'operator' }],
    [4, 1, { role: 'operator', rolesAt: viewerAtA }],
  );
  const issue = (subject: number | null, terms: Partial<GrantTerms> = {}) =>
    objectionToIssue(
      of,
      { issuer: key(2), subject: subject === null ? null : key(subject), terms: { ...everything, ...terms } },
      NOW,
    );
  assert.equal(issue(null), null, 'a viewer everywhere is no more than it is');
  assert.equal(issue(null, { role: 'operator' }), 'beyond');
  assert.equal(issue(null, { role: 'operator', rolesAt: viewerAtA }), null);
  assert.equal(issue(null, { role: 'operator', sources: [source('b')] }), null);
  assert.equal(issue(null, { role: 'operator', sources: [source('a')], actions: ['live'] }), 'beyond', 'by its role');
  assert.equal(issue(3), 'beyond', 'an operator there is more than it is');
  assert.equal(issue(4), null);
  // What was granted before it was lowered goes down with it, and comes back with it.
  const lowered = book([1, 'node', { role: 'admin', rolesAt: viewerAtA }], [2, 1, { role: 'operator' }]);
  const left = accessInBook(lowered, key(2), NOW)!;
  assert.deepEqual([left.role, [...left.rolesAt]], ['operator', [['a', 'viewer']]]);
  const none = book([1, 'node', { role: 'admin', rolesAt: viewerAtA }], [2, 1, {}]);
  assert.equal(accessInBook(none, key(2), NOW)!.rolesAt.size, 0, 'a viewer is that everywhere');
});

test('an admin with fewer actions gives no more than it has', () => {
  const some: Action[] = ['live', 'grant'];
  const giver = accessOfTerms({ ...everything, role: 'admin', actions: some });
  assert.equal(mayIssue(giver, 'viewer'), true);
  const of = book([1, 'node', { role: 'admin', actions: some }]);
  const issue = (terms: Partial<GrantTerms>) =>
    objectionToIssue(of, { issuer: key(1), subject: key(9), terms: { ...everything, ...terms } }, NOW);
  assert.equal(issue({}), 'beyond', 'playback is not its own');
  assert.equal(issue({ actions: ['live'] }), null);
});
