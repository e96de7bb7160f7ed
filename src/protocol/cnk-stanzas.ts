import { concatBytes, equalBytesConstantTime, utf8, wipe } from '../bytes/index.ts';
import {
  type CryptoSuite,
  type Hashes,
  hpkeOpen,
  hpkeSeal,
  type SyncCryptoSuite,
  X_WING_ENC_SIZE,
  type XWingPair,
} from '../crypto/index.ts';
import { assert } from '../errors.ts';
import { type EpochKeyFile, epochKeyCommitment, type Stanza, stanzaContext } from './cnk.ts';

const INFO = utf8('constitute.cnk/2');
const KEK_ID_LABEL = utf8('constitute.cnk/2 kekid');

/** Which key file a copy belongs to: the fields its additional data is made of. */
export type StanzaPlace = Pick<EpochKeyFile, 'streamId' | 'epochId' | 'notBeforeUs' | 'commitment'>;

/** The name of a node's key-encrypting key in its stanzas: 16 bytes. */
export function kekId(hashes: Hashes, kek: Uint8Array): Uint8Array<ArrayBuffer> {
  return hashes.sha256(concatBytes(KEK_ID_LABEL, kek)).slice(0, 16);
}

/** Type 1: a copy under the node's own key-encrypting key (managed mode). `nonce` is 12 fresh random bytes. */
export function sealKekStanza(
  suite: SyncCryptoSuite,
  kek: Uint8Array,
  nonce: Uint8Array,
  place: StanzaPlace,
  epochKey: Uint8Array,
): Stanza {
  assert(kek.length === 32 && nonce.length === 12 && epochKey.length === 32, 'keys of 32 bytes, a nonce of 12');
  const sealed = suite.aead.key(kek).seal(nonce, stanzaContext(place), epochKey);
  return { type: 'kek', keyId: kekId(suite.hashes, kek), body: concatBytes(nonce, sealed) };
}

/** Type 2: a copy for the holder of an X-Wing key; `null` where the public key (1,216 bytes) is malformed. */
export async function sealRecipientStanza(
  suite: CryptoSuite,
  recipient: { keyId: Uint8Array; publicKey: Uint8Array },
  place: StanzaPlace,
  epochKey: Uint8Array,
): Promise<Stanza | null> {
  assert(epochKey.length === 32 && recipient.keyId.length === 16, 'a 32-byte key and a 16-byte key id');
  const sealed = await hpkeSeal(suite, recipient.publicKey, INFO, stanzaContext(place), epochKey);
  return sealed && { type: 'xWing', keyId: recipient.keyId, body: concatBytes(sealed.enc, sealed.ciphertext) };
}

/**
 * The epoch key from the first stanza the node's key opens, or `null`. The key is checked against the file's commitment.
 */
export function openWithKek(
  suite: SyncCryptoSuite,
  kek: Uint8Array,
  file: EpochKeyFile,
): Uint8Array<ArrayBuffer> | null {
  const aead = suite.aead.key(kek);
  const context = stanzaContext(file);
  for (const { type, body } of file.stanzas) {
    if (type !== 'kek') continue;
    const key = committed(suite.hashes, file, aead.open(body.subarray(0, 12), context, body.subarray(12)));
    if (key) return key;
  }
  return null;
}

/**
 * The epoch key from the type 2 stanza named `keyId`, opened with an X-Wing pair or its 32-byte seed, or `null`.
 *
 * HPKE base mode does not say who sealed: believe the key only after the file's signature and signer were checked.
 */
export async function openAsRecipient(
  suite: CryptoSuite,
  keyId: Uint8Array,
  keyOrSeed: XWingPair | Uint8Array,
  file: EpochKeyFile,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const context = stanzaContext(file);
  for (const stanza of file.stanzas) {
    if (stanza.type !== 'xWing' || !equalBytesConstantTime(stanza.keyId, keyId)) continue;
    const enc = stanza.body.subarray(0, X_WING_ENC_SIZE);
    const opened = await hpkeOpen(suite, keyOrSeed, enc, INFO, context, stanza.body.subarray(X_WING_ENC_SIZE));
    const key = committed(suite.hashes, file, opened);
    if (key) return key;
  }
  return null;
}

function committed(
  hashes: Hashes,
  file: EpochKeyFile,
  key: Uint8Array<ArrayBuffer> | null,
): Uint8Array<ArrayBuffer> | null {
  if (!key) return null;
  if (key.length === 32 && equalBytesConstantTime(epochKeyCommitment(hashes, key), file.commitment)) return key;
  wipe(key);
  return null;
}
