import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ByteReader, concatBytes, fromBase64Url, toBase64Url, toHex, utf8 } from '../../src/bytes/index.ts';
import { nobleHashes } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import type { DeviceKey } from '../../src/protocol/ids.ts';
import { type InvitationCode, parseInvitation, printInvitation } from '../../src/protocol/invitation.ts';
import { decodeAddress, encodeAddress } from '../../src/protocol/invitation-address.ts';

const MUTATIONS = process.env['SLOW'] ? 100_000 : 5_000;
const file = join(import.meta.dirname, '../vectors/invitation.json');
const read = (text: string) => parseInvitation(nobleHashes, text);
const print = (invitation: InvitationCode, url?: string) => printInvitation(nobleHashes, invitation, url);

function invitationOf(seed: number, addresses: string[]): InvitationCode {
  const random = new SeededRandom(seed);
  return {
    id: random.bytes(16),
    nodeId: toHex(random.bytes(32)) as DeviceKey,
    channelKey: random.bytes(32),
    secret: random.bytes(16),
    expiresAt: 1_795_000_600_000,
    addresses,
  };
}

const sample = invitationOf(1, ['192.0.2.7:8456', '[2001:db8::7]:8456', 'nvr.example:443']);

const hostLabel = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const address = fc
  .tuple(
    fc.oneof(
      fc.ipV4(),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map(sixOf),
      fc.tuple(hostLabel, fc.stringMatching(/^[a-z]{1,10}$/)).map((labels) => labels.join('.')),
    ),
    fc.integer({ min: 1, max: 65_535 }),
  )
  .map(([host, port]) => `${host}:${port}`);

/** An IPv6 host in its one right spelling, by the URL parser of the platform. */
function sixOf(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! * 256 + bytes[i * 2 + 1]!).toString(16));
  // Zeros are what shortening is about: make them likely.
  for (let i = 0; i < 8; i++) if (bytes[i]! % 3 === 0) groups[i] = '0';
  return new URL(`http://[${groups.join(':')}]`).hostname;
}

test('what was printed is read back, from the whole text, the part behind # and the code alone', () => {
  const shape = fc.record({
    seed: fc.integer({ min: 0, max: 1000 }),
    addresses: fc.array(address, { minLength: 1, maxLength: 8 }),
    expiresS: fc.nat(0xffff_ffff),
  });
  fc.assert(
    fc.property(shape, ({ seed, addresses, expiresS }) => {
      const invitation = { ...invitationOf(seed, addresses), expiresAt: expiresS * 1000 };
      const url = print(invitation, 'https://viewer.example/app');
      for (const text of [
        url,
        url.slice(url.indexOf('#')),
        url.slice(url.indexOf('i=')),
        print(invitation),
        ` ${url}\n`,
      ]) {
        assert.deepEqual(read(text), invitation);
      }
    }),
    { numRuns: 200 },
  );
});

test('addresses have one spelling each', () => {
  const same = [
    '192.0.2.7:1',
    '[::]:80',
    '[::1]:65535',
    '[1::]:8456',
    '[2001:db8:0:1:1:1:1:1]:1',
    'a:1',
    'x--y.z9.de:1',
  ];
  for (const text of same) assert.equal(decodeAddress(new ByteReader(encodeAddress(text)!)), text);
  const other = {
    'NVR.Example:1': 'nvr.example:1',
    '[2001:DB8:0:0:0:0:0:1]:1': '[2001:db8::1]:1',
    '[1:0:0:2:0:0:0:3]:1': '[1:0:0:2::3]:1',
  };
  for (const [text, canonical] of Object.entries(other)) {
    assert.equal(decodeAddress(new ByteReader(encodeAddress(text)!)), canonical);
  }
  const wrong = [
    '',
    ':',
    ':1',
    'a',
    'a:',
    'a:0',
    'a:65536',
    'a:01',
    'a:-1',
    'a:1 ',
    '-a:1',
    'a-:1',
    'a..b:1',
    'a.:1',
    '.a:1',
    'a_b:1',
    'ü:1',
    '1.2.3:1',
    '1.2.3.256:1',
    '01.2.3.4:1',
    '1.2.3.4.5:1',
    'a.5:1',
    '::1:1',
    '[::1:1',
    '[1:2:3:4:5:6:7]:1',
    '[1:2:3:4:5:6:7:8:9]:1',
    '[::1::]:1',
    '[12345::]:1',
    '[:1]:1',
    '[fe80::1%eth0]:1',
    `${'a'.repeat(64)}:1`,
    `${'a.'.repeat(127)}aa:1`,
  ];
  for (const text of wrong) assert.equal(encodeAddress(text), null, text);
  fc.assert(fc.property(address, (text) => assert.equal(decodeAddress(new ByteReader(encodeAddress(text)!)), text)));
  fc.assert(fc.property(fc.string(), (text) => encodeAddress(text) === null || text.includes(':')));
});

test('every reason has its text', () => {
  const code = print(sample);
  const bytes = fromBase64Url(code)!;
  const checked = (body: Uint8Array) =>
    toBase64Url(
      concatBytes(body, nobleHashes.sha256(concatBytes(utf8('constitute invitation v1'), body)).subarray(0, 4)),
    );
  const body = bytes.subarray(0, bytes.length - 4);
  const withCount = (count: number) =>
    checked(concatBytes(body.subarray(0, 101), Uint8Array.of(count), body.subarray(102)));
  const only = (...address: number[]) => checked(concatBytes(body.subarray(0, 101), Uint8Array.of(1, ...address)));
  assert.deepEqual(read(only(4, 1, 2, 3, 4, 0, 80)), { ...sample, addresses: ['1.2.3.4:80'] });
  const table: [string, string][] = [
    ['size', 'A'.repeat(4097)],
    ['size', ''],
    ['size', toBase64Url(bytes.subarray(0, 105))],
    ['base64', 'https://viewer.example/'],
    ['base64', `${code}=`],
    ['base64', code.slice(0, -1) + (code.length % 4 === 0 ? '+' : 'B')],
    ['version', toBase64Url(concatBytes(Uint8Array.of(2), bytes.subarray(1)))],
    ['checksum', code.replace(/^.{30}/, (start) => `${start.slice(0, 29)}${start[29] === 'A' ? 'B' : 'A'}`)],
    ['addresses', withCount(0)],
    ['addresses', withCount(2)],
    ['addresses', withCount(4)],
    ['addresses', withCount(9)],
    ['addresses', only(4, 1, 2, 3, 4, 0, 0)],
    ['addresses', only(4, 1, 2, 3, 4, 0)],
    ['addresses', only(5, 1, 2, 3, 4, 0, 80)],
    ['addresses', only(1, 0, 0, 80)],
    ['addresses', only(1, 1, 65, 0, 80)],
    ['addresses', only(1, 3, 97, 46, 49, 0, 80)],
    ['addresses', only(1, 255, 97, 0, 80)],
    ['addresses', only()],
  ];
  for (const [reason, text] of table) assert.equal(read(text), reason, text.slice(0, 60));
});

test('any changed character and any cut is refused', () => {
  const code = print(sample);
  const bytes = toHex(fromBase64Url(code)!);
  for (let at = 0; at < code.length; at++) {
    for (const other of ['A', '7', '-', '~']) {
      if (code[at] === other) continue;
      assert.equal(
        typeof read(code.slice(0, at) + other + code.slice(at + 1)),
        'string',
        `character ${at} as ${other}`,
      );
    }
    assert.equal(typeof read(code.slice(0, at)), 'string', `cut at ${at}`);
  }
  assert.equal(bytes.slice(0, 2), '01');
});

test('seeded mutations end in a reason or in an invitation that prints again', () => {
  const random = new SeededRandom(51);
  const start = fromBase64Url(print(sample))!;
  let read1 = 0;
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = start.slice();
    for (let k = 0; k <= random.below(4); k++) bytes[random.below(bytes.length)] = random.below(256);
    let body = bytes.subarray(0, bytes.length - 4 - (random.below(4) === 0 ? random.below(40) : 0));
    if (random.below(4) === 0) body = concatBytes(body, random.bytes(random.below(40)));
    // With a right checksum, so that what lies behind it is reached.
    const sum = nobleHashes.sha256(concatBytes(utf8('constitute invitation v1'), body)).subarray(0, 4);
    const result = read(toBase64Url(concatBytes(body, sum)));
    if (typeof result === 'string') continue;
    read1++;
    assert.deepEqual(read(print(result)), result);
  }
  assert.ok(read1 > MUTATIONS / 10, 'some mutations only change fields');
  fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => typeof read(text) === 'string'));
});

interface Vector {
  name: string;
  text: string;
  id: string;
  nodeId: string;
  channelKey: string;
  secret: string;
  expiresS: number;
  addresses: string[];
}

const CASES: [string, InvitationCode][] = [
  ['IPv4, IPv6 and a name', sample],
  ['one address', invitationOf(2, ['10.0.0.5:8456'])],
  [
    'eight addresses',
    invitationOf(
      3,
      Array.from({ length: 8 }, (_, i) => `[fd00::${i + 1}]:${8456 + i}`),
    ),
  ],
];

test('our published invitations read as they say, and print to the same text', () => {
  if (process.env['UPDATE_VECTORS']) {
    const vectors = CASES.map(([name, invitation]): Vector => {
      const { id, nodeId, channelKey, secret, expiresAt, addresses } = invitation;
      const hex = { id: toHex(id), nodeId, channelKey: toHex(channelKey), secret: toHex(secret) };
      return {
        name,
        text: print(invitation, 'https://viewer.example/'),
        ...hex,
        expiresS: expiresAt / 1000,
        addresses: [...addresses],
      };
    });
    const refused = [
      { why: 'wrong checksum', text: print(sample).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) },
      { why: 'version 2', text: toBase64Url(concatBytes(Uint8Array.of(2), fromBase64Url(print(sample))!.subarray(1))) },
      { why: 'cut', text: print(sample).slice(0, -8) },
    ];
    writeFileSync(
      file,
      `${JSON.stringify({ about: 'docs/protocol/pairing.md section 1', vectors, refused }, null, 1)}\n`,
    );
  }
  const { vectors, refused } = JSON.parse(readFileSync(file, 'utf8')) as {
    vectors: Vector[];
    refused: { why: string; text: string }[];
  };
  assert.deepEqual(
    vectors.map(({ name }) => name),
    CASES.map(([name]) => name),
  );
  for (const vector of vectors) {
    const found = read(vector.text);
    assert.ok(typeof found !== 'string', vector.name);
    assert.equal(toHex(found.id), vector.id);
    assert.equal(found.nodeId, vector.nodeId);
    assert.equal(toHex(found.channelKey), vector.channelKey);
    assert.equal(toHex(found.secret), vector.secret);
    assert.equal(found.expiresAt, vector.expiresS * 1000);
    assert.deepEqual(found.addresses, vector.addresses);
    assert.equal(print(found, 'https://viewer.example/'), vector.text);
  }
  for (const { why, text } of refused) assert.equal(typeof read(text), 'string', why);
});
