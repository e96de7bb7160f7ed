import type { MaybePromise } from '../crypto/index.ts';
import { type RekeyLimits, RekeyMeter } from './flow.ts';
import {
  decodeFrame,
  encodeFrame,
  FRAME,
  FRAME_HEADER_SIZE,
  FRAME_MAX,
  type Frame,
  type FrameSide,
  type FrameType,
} from './frame.ts';
import { MESSAGE_SEALED } from './handshake-message.ts';
import { NOISE_TAG, type NoiseCipher } from './noise-cipher.ts';

type Octets = Uint8Array<ArrayBuffer>;

const EMPTY = new Uint8Array(0);

/**
 * The sending direction of a channel: frames in, WebSocket messages out, with REKEY put in where one is due.
 * Answers at once where the suite does. Calls must not overlap.
 */
export class FrameSealer {
  readonly #cipher: NoiseCipher;
  readonly #meter: RekeyMeter;
  /** The plaintext being sealed: read before `seal` returns, so one place serves all. */
  readonly #plaintext: Octets;
  readonly #place: (length: number) => Octets;

  /**
   * `place` gives the bytes for a message of a length: new ones unless the owner recycles those it has sent. `plaintext` is where
   * frames are put together, `FRAME_MAX` bytes: an owner of many channels may give all of them the same.
   */
  constructor(
    cipher: NoiseCipher,
    limits: RekeyLimits,
    nowMs: number,
    place = newPlace,
    plaintext: Octets = new Uint8Array(FRAME_MAX),
  ) {
    this.#cipher = cipher;
    this.#place = place;
    this.#plaintext = plaintext;
    this.#meter = new RekeyMeter(limits, nowMs);
  }

  /** The messages for one frame: the last is its own, a REKEY may come before it. `nowMs` is monotonic. */
  seal(type: FrameType, flags: number, stream: number, body: Uint8Array, nowMs: number): MaybePromise<Octets[]> {
    if (!this.#meter.isDue(FRAME_HEADER_SIZE + body.length, nowMs)) {
      const message = this.#sealOne(type, flags, stream, body);
      return message instanceof Promise ? message.then((each) => [each]) : [message];
    }
    const last = this.#sealOne(FRAME.rekey, 0, 0, EMPTY);
    const stepped = this.#cipher.rekey();
    this.#meter.restart(nowMs);
    if (!(last instanceof Promise) && !(stepped instanceof Promise)) {
      const message = this.#sealOne(type, flags, stream, body);
      return message instanceof Promise ? message.then((each) => [last, each]) : [last, message];
    }
    return (async () => {
      const first = await last;
      await stepped;
      return [first, await this.#sealOne(type, flags, stream, body)];
    })();
  }

  #sealOne(type: FrameType, flags: number, stream: number, body: Uint8Array): MaybePromise<Octets> {
    const plaintext = encodeFrame(type, flags, stream, body, this.#plaintext);
    this.#meter.count(plaintext.length);
    const message = this.#place(plaintext.length + 1 + NOISE_TAG);
    message[0] = MESSAGE_SEALED;
    if (this.#cipher.sealInto(plaintext, message.subarray(1))) return message;
    const fill = (sealed: Octets) => {
      message.set(sealed, 1);
      return message;
    };
    const sealed = this.#cipher.seal(plaintext);
    return sealed instanceof Promise ? sealed.then(fill) : fill(sealed);
  }
}

/** The receiving direction: WebSocket messages in, frames out. REKEY is followed and given like any frame. */
export class FrameOpener {
  readonly #cipher: NoiseCipher;
  readonly #side: FrameSide;

  /** `side` is the one that writes what is opened here. */
  constructor(cipher: NoiseCipher, side: FrameSide) {
    this.#cipher = cipher;
    this.#side = side;
  }

  /** The frame of a message, or null for anything wrong: the channel must end then. Calls must not overlap. */
  open(message: Uint8Array): MaybePromise<Frame | null> {
    if (message[0] !== MESSAGE_SEALED) return null;
    const opened = this.#cipher.open(message.subarray(1));
    return opened instanceof Promise ? opened.then((plaintext) => this.#decode(plaintext)) : this.#decode(opened);
  }

  #decode(plaintext: Octets | null): MaybePromise<Frame | null> {
    const frame = plaintext && decodeFrame(plaintext, this.#side);
    if (frame === null || typeof frame === 'string') return null;
    if (frame.type !== FRAME.rekey) return frame;
    const stepped = this.#cipher.rekey();
    return stepped instanceof Promise ? stepped.then(() => frame) : frame;
  }
}

function newPlace(length: number): Octets {
  return new Uint8Array(length);
}
