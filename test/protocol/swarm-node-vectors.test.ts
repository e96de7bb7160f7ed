import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { concatBytes, fromHex, toHex } from '../../src/bytes/index.ts';
import { schnorrPublicKey, schnorrSign, schnorrVerify } from '../../src/crypto/index.ts';
import { createNodeSuite } from '../../src/platform/node/index.ts';
import {
  cookieOf,
  type DeviceKey,
  datagramCode,
  deviceRecordEvent,
  encodeCookie,
  encodeFind,
  encodeHello,
  encodeNodeDatagram,
  encodeProve,
  encodeWelcome,
  findTag,
  foundCode,
  packEvent,
  proveDigest,
  REQUEST_WANTS,
  sessionKeys,
  signEvent,
  stampCheck,
  unpackEvent,
  verifyEvent,
  welcomeDigest,
  zoneSecret,
  zoneTag,
} from '../../src/protocol/index.ts';

const { hashes } = createNodeSuite();
const path = resolve(import.meta.dirname, '../vectors/swarm.json');
const hexOf = (byte: number, length: number) => toHex(new Uint8Array(length).fill(byte));
const bytes = (hex: string) => fromHex(hex)!;

/** Everything random of one conversation; auxiliary bytes of all signatures are zeros. */
const GIVEN = {
  zones: ['ZLoI5dHO2oBisXbfazo6', 'vLZnKG-0ezZ1tyh24Kww'],
  answererZones: ['vLZnKG-0ezZ1tyh24Kww'],
  askerSecretKey: hexOf(0x11, 32),
  answererSecretKey: hexOf(0x22, 32),
  askerAddress: '192.0.2.7:4050',
  cookieSecret: hexOf(0x33, 32),
  nonce: hexOf(0x44, 16),
  answerNonce: hexOf(0x55, 16),
  pingId: hexOf(0x66, 8),
  channelKey: hexOf(0x77, 32),
  updatedAt: 1_795_000_000_123,
};

/** One whole conversation: each value follows from `GIVEN`. */
function conversation(): Record<string, unknown> {
  const aux = new Uint8Array(32);
  const [askerKey, answererKey] = [bytes(GIVEN.askerSecretKey), bytes(GIVEN.answererSecretKey)];
  const [asker, answerer] = [schnorrPublicKey(askerKey), schnorrPublicKey(answererKey)];
  const [nonce, answerNonce] = [bytes(GIVEN.nonce), bytes(GIVEN.answerNonce)];
  const secrets = GIVEN.zones.map((zone) => zoneSecret(hashes, zone));
  const cookie = cookieOf(hashes, bytes(GIVEN.cookieSecret), GIVEN.askerAddress, nonce);
  const tags = secrets.map((secret) => zoneTag(hashes, secret, { nonce, cookie, author: asker }));
  const expected = answerer;
  const digest = proveDigest(hashes, { nonce, cookie, expected, tags });
  const signature = schnorrSign(askerKey, digest, aux);
  assert.ok(schnorrVerify(asker, digest, signature));
  const shared = 0b10;
  const transcript = { nonce, cookie, answerNonce, asker, answerer };
  const answerDigest = welcomeDigest(hashes, transcript, shared);
  const keys = sessionKeys(hashes, [secrets[1]!], transcript);
  const welcome = encodeWelcome({
    nonce,
    answerNonce,
    author: answerer,
    signature: schnorrSign(answererKey, answerDigest, aux),
    shared,
  });
  stampCheck(welcome, datagramCode(hashes, keys.fromAnswerer, welcome));
  const coded = (kind: 'record' | 'request' | 'ping' | 'pong' | 'bye', body: Uint8Array, key: Uint8Array, hops = 0) => {
    const datagram = encodeNodeDatagram(kind, body, { hops });
    stampCheck(datagram, datagramCode(hashes, key, datagram));
    return toHex(datagram);
  };
  const event = signEvent(
    hashes,
    askerKey,
    deviceRecordEvent(
      {
        device: toHex(asker) as DeviceKey,
        identityId: 'id-b64urlExample012',
        label: 'Garage',
        role: 'native',
        version: '0.1.0',
        hostGateway: '',
        updatedAt: GIVEN.updatedAt,
      },
      {
        sessionUrl: '',
        uptimeS: 60,
        peersKnown: 1,
        peersConfirmed: 1,
        camerasTotal: 2,
        camerasEnabled: 2,
        channelKey: bytes(GIVEN.channelKey),
        channelAddresses: ['192.0.2.7:8456', '[2001:db8::7]:8456'],
      },
    ),
    aux,
  );
  assert.ok(verifyEvent(hashes, event));
  const packed = packEvent(event)!;
  assert.deepEqual(unpackEvent(hashes, packed), event);
  const find = { nonce, tag: findTag(hashes, secrets[1]!, { nonce, cookie, device: asker }), device: asker };
  const found = { check: foundCode(hashes, secrets[1]!, { nonce, packed }) };
  return {
    asker: toHex(asker),
    answerer: toHex(answerer),
    zoneSecrets: secrets.map(toHex),
    cookie: toHex(cookie),
    tags: tags.map(toHex),
    proveDigest: toHex(digest),
    welcomeDigest: toHex(answerDigest),
    keyFromAsker: toHex(keys.fromAsker),
    keyFromAnswerer: toHex(keys.fromAnswerer),
    event,
    packedEvent: toHex(packed),
    datagrams: {
      hello: toHex(encodeHello(nonce)),
      cookie: toHex(encodeCookie(nonce, cookie)),
      prove: toHex(encodeProve(cookie, { nonce, expected, author: asker, signature, tags })),
      welcome: toHex(welcome),
      ping: coded('ping', bytes(GIVEN.pingId), keys.fromAsker),
      pong: coded('pong', bytes(GIVEN.pingId), keys.fromAnswerer),
      request: coded(
        'request',
        concatBytes(Uint8Array.of(0, REQUEST_WANTS.devices), new Uint8Array(32)),
        keys.fromAsker,
      ),
      record: coded('record', concatBytes(Uint8Array.of(0), packed), keys.fromAsker, 1),
      bye: coded('bye', new Uint8Array(0), keys.fromAsker),
      find: toHex(encodeFind(cookie, find)),
      found: toHex(encodeNodeDatagram('found', concatBytes(nonce, packed), found)),
    },
  };
}

test('the published conversation of our own form follows from its givens', () => {
  const made = {
    format: 'constitute-nvr swarm vectors',
    version: 1,
    about: 'docs/protocol/swarm.md section 4; bytes as hex; every signature with 32 zero bytes of auxiliary randomness',
    given: GIVEN,
    ...conversation(),
  };
  if (process.env['UPDATE_VECTORS']) writeFileSync(path, `${JSON.stringify(made, null, 1)}\n`);
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), made, 'run this test with UPDATE_VECTORS=1');
});
