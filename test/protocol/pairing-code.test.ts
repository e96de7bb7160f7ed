import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fromHex, utf8 } from '../../src/bytes/index.ts';
import { nobleHashes } from '../../src/crypto/index.ts';
import { SeededRandom } from '../../src/platform/index.ts';
import { eventDigest, eventOf, type SignedEvent, writeEvent } from '../../src/protocol/event.ts';
import type { DeviceKey } from '../../src/protocol/ids.ts';
import {
  encodeCodeAnswer,
  encodeCodeHello,
  keyFingerprint,
  makePairingCode,
  parseCodeAnswer,
  parseCodeHello,
  printPairingCode,
  readPairingCode,
} from '../../src/protocol/pairing-code.ts';
import { codeHashV1, identityTold, pairAnswerOf, pairRequest } from '../../src/protocol/pairing-code-v1.ts';

const MUTATIONS = process.env['SLOW'] ? 100_000 : 4_000;
const v1 = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/vectors-v1.json'), 'utf8'));

test('the two greetings are read as they were written, and not when a byte of their head, or their length, differs', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  fc.assert(
    fc.property(bytes(16), bytes(32), (sessionId, share) => {
      const hello = encodeCodeHello(sessionId, share);
      const parsed = parseCodeHello(hello);
      assert.ok(typeof parsed !== 'string');
      assert.deepEqual(
        [parsed.sessionId, parsed.cpace.share],
        [sessionId, share].map((each) => Uint8Array.from(each)),
      );
      const answer = encodeCodeAnswer(share);
      const told = parseCodeAnswer(answer);
      assert.ok(typeof told !== 'string');
      assert.deepEqual(told.cpace.share, Uint8Array.from(share));
      assert.notDeepEqual(parsed.cpace.additional, told.cpace.additional);
      assert.equal(parseCodeAnswer(hello), 'length');
      assert.equal(parseCodeHello(answer), 'length');
    }),
  );
  const hello = encodeCodeHello(new Uint8Array(16), new Uint8Array(32));
  for (const [at, reason] of ['type', 'version', 'suite', 'flags'].entries()) {
    for (let value = 0; value < 256; value++) {
      const changed = hello.slice();
      changed[at] = value;
      assert.equal(typeof parseCodeHello(changed) === 'string', value !== hello[at]);
      if (value !== hello[at]) assert.equal(parseCodeHello(changed), reason);
    }
  }
  for (let length = 0; length < 80; length++) {
    const cut = new Uint8Array(length);
    cut.set(hello.subarray(0, length));
    assert.equal(parseCodeHello(cut) === 'length', length !== hello.length);
  }
});

test('a code is eight digits, each as likely as the others, read however people type it', () => {
  const counts = Array.from({ length: 8 }, () => new Array(10).fill(0));
  const random = new SeededRandom(3);
  for (let i = 0; i < 5_000; i++) {
    const code = makePairingCode(random);
    assert.equal(readPairingCode(printPairingCode(code)), code);
    for (const [at, digit] of [...code].entries()) counts[at]![Number(digit)]++;
  }
  for (const place of counts) for (const count of place) assert.ok(count > 380 && count < 620, `${count} of 5000`);
  for (const [text, code] of [
    ['12345678', '12345678'],
    [' 1234-5678 ', '12345678'],
    ['00 00 00 00', '00000000'],
    ['1234567', null],
    ['123456789', null],
    ['1234567a', null],
    ['١٢٣٤٥٦٧٨', null],
    ['', null],
    [' '.repeat(33), null],
  ]) {
    assert.equal(readPairingCode(text!), code, text!);
  }
});

test('the code comes from the whole of its bytes, and values that would favour small codes are drawn again', () => {
  const draws = [0xffff_ffff, 4_200_000_000, 4_199_999_999];
  const source = {
    bytes: () => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, draws.shift()!);
      return bytes;
    },
  };
  assert.equal(makePairingCode(source), '99999999');
  assert.equal(draws.length, 0);
});

test('a fingerprint is the first 128 bits of a key', () => {
  const key = '0123456789abcdef0123456789abcdef'.padEnd(64, '7') as DeviceKey;
  assert.equal(keyFingerprint(key), '0123 4567 89ab cdef 0123 4567 89ab cdef');
});

test('version 1 code hashes are those of the vectors', () => {
  for (const { label, code, codeHash } of v1.derive.pairCodeHash) {
    assert.equal(codeHashV1(nobleHashes, label, code), codeHash);
    assert.equal(codeHashV1(nobleHashes, `  ${label} `, `${code}\n`), codeHash, 'trimmed');
  }
});

test('our request is the one of the vectors but for the code, which it never holds, and the name of the device', () => {
  const { event } = v1.records.pair_request as { event: SignedEvent };
  const old = JSON.parse(event.content);
  const made = pairRequest({
    device: event.pubkey,
    deviceLabel: old.deviceLabel,
    identity: old.identity,
    codeHash: old.codeHash,
    requestId: old.requestId,
    now: old.ts,
    zone: event.tags[2]![1]!,
  });
  assert.deepEqual(made.tags, event.tags);
  assert.equal(made.created_at, event.created_at);
  const { code, deviceDid, ...rest } = old;
  const { deviceDid: ours, ...told } = JSON.parse(made.content);
  assert.deepEqual(told, rest);
  assert.equal(ours, `did:device:nostr:${event.pubkey}`);
  assert.ok(!made.content.includes(code) && !deviceDid.includes('device'));
  assert.deepEqual(Object.keys(JSON.parse(made.content)), Object.keys(JSON.parse(made.content)).sort());
});

test('the approval of the vectors is taken apart, and its event is the one that was signed', () => {
  const { event, eventJson, nip04 } = v1.records.pair_approve;
  assert.equal(writeEvent(event), eventJson);
  assert.deepEqual(eventDigest(nobleHashes, event), fromHex(event.id));
  assert.deepEqual(pairAnswerOf(event), {
    type: 'pair_approve',
    identity: 'Home',
    code: '123456',
    toPk: v1.keys.service.publicKey,
    fromPk: v1.keys.owner.publicKey,
    encryptedRoomKey: nip04.wire,
  });
  assert.deepEqual(identityTold(nip04.plaintext), {
    identityId: 'id-b64urlExample012',
    devices: [
      { device: v1.keys.owner.publicKey, label: 'Phone' },
      { device: v1.keys.service.publicKey, label: 'Garage NVR' },
    ],
  });
});

test('answers with a field missing, of another shape, or contradicting their tags are refused; other events are not meant', () => {
  const { event } = v1.records.pair_approve as { event: SignedEvent };
  const content = JSON.parse(event.content);
  const answer = (change: object, tags = event.tags) =>
    pairAnswerOf({ ...event, tags, content: JSON.stringify({ ...content, ...change }) });
  for (const change of [
    { identity: 5 },
    { identity: 'x'.repeat(65) },
    { toPk: content.toPk.toUpperCase() },
    { toPk: undefined },
    { fromPk: 'abc' },
    { code: 7 },
    { code: '1'.repeat(65) },
    { encryptedRoomKey: '' },
    { encryptedRoomKey: 'AAAA' },
    { encryptedRoomKey: `${content.encryptedRoomKey}?iv=` },
    { encryptedRoomKey: `${'A'.repeat(14_000)}?iv=Vju8YpN/UQ9pR8Z6+xz8dw==` },
    { encryptedRoomKey: { length: 3 } },
  ]) {
    assert.equal(answer(change), 'fields', JSON.stringify(change).slice(0, 80));
  }
  assert.equal(
    answer({}, [
      ['t', 'constitute'],
      ['i', 'Garage'],
    ]),
    'tags',
    'an i tag of another label',
  );
  assert.equal(answer({}, [['i', 'Home']]), 'tags');
  for (const code of [undefined, null, '']) {
    assert.equal((answer({ code }) as { code: string | null }).code, null, 'who was told no code can name none');
  }
  assert.equal(answer({ type: 'pair_request' }), null);
  assert.equal(answer({ type: ['pair_approve'] }), null);
  assert.equal(pairAnswerOf({ ...event, kind: 30078 }), null);
  for (const text of ['', 'null', '[]', '"pair_approve"', '{"type":']) {
    assert.equal(pairAnswerOf({ ...event, content: text }), null);
  }
});

test('an identity is read strictly: NIP-04 proves nothing', () => {
  const { nip04 } = v1.records.pair_approve;
  const plain = JSON.parse(nip04.plaintext);
  const [phone] = plain.devices;
  const read = (change: object) => identityTold(JSON.stringify({ ...plain, ...change }));
  assert.ok(read({ roomKeyB64: undefined }), 'the room key is no concern of ours');
  for (const change of [
    { identityId: undefined },
    { identityId: 'id-short' },
    { identityId: 'id-b64urlExample01/' },
    { devices: undefined },
    { devices: [] },
    { devices: [phone, phone] },
    { devices: [{ ...phone, pk: phone.pk.toUpperCase() }] },
    { devices: ['x'] },
    { devices: Array.from({ length: 65 }, (_, i) => ({ pk: i.toString(16).padStart(64, '0') })) },
  ]) {
    assert.equal(read(change), null, JSON.stringify(change).slice(0, 80));
  }
  const misleading = read({ devices: [{ ...phone, label: 'Pho\u202ene' }] });
  assert.equal(misleading!.devices[0]!.label, '', 'a label that misleads is dropped');
});

test('no mutation of an answer or of an identity makes a reader throw', () => {
  const random = new SeededRandom(11);
  const { eventJson, nip04 } = v1.records.pair_approve;
  const seeds = [utf8(eventJson), utf8(nip04.plaintext)];
  const decoder = new TextDecoder();
  const reasons = new Map<string, number>();
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = seeds[i % 2]!.slice();
    for (let k = random.below(6); k >= 0; k--) bytes[random.below(bytes.length)] = random.below(256);
    const text = decoder.decode(bytes.subarray(0, random.below(4) === 0 ? random.below(bytes.length) : bytes.length));
    let result: unknown;
    if (i % 2) result = identityTold(text);
    else {
      let value: unknown = null;
      try {
        value = JSON.parse(text);
      } catch {}
      const event = eventOf(value);
      result = event && pairAnswerOf(event);
    }
    const name = result === null ? 'null' : typeof result === 'string' ? result : 'read';
    reasons.set(name, (reasons.get(name) ?? 0) + 1);
  }
  assert.ok(reasons.get('null')! > 0 && reasons.get('read')! > 0);
});
