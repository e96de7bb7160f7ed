import { utf8 } from '../../bytes/index.ts';
import type { Random } from '../../platform/index.ts';
import type { DeviceFaults } from '../device-api.ts';

/** What goes out instead of a good answer; where `length` is more than the body has, the connection ends behind the body. */
export interface BrokenBody {
  status: number;
  body: Uint8Array;
  length: number;
}

const NOISE_BYTES = 4_096;

/** Damages a good answer in the named way. */
export function malformedBody(
  kind: NonNullable<DeviceFaults['malformed']>,
  good: Uint8Array,
  random: Random,
): BrokenBody {
  const whole = (body: Uint8Array, status = 200): BrokenBody => ({ status, body, length: body.length });
  switch (kind) {
    case 'markup':
      return whole(
        utf8(
          '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Answer>< & </s:Body>',
        ),
      );
    case 'fault':
      return whole(
        utf8('<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>'),
        500,
      );
    case 'empty':
      return whole(new Uint8Array(0));
    case 'truncated':
      return { status: 200, body: good.subarray(0, Math.ceil(good.length / 2)), length: good.length };
    case 'binary':
      return whole(random.bytes(NOISE_BYTES));
    case 'entities':
      return whole(utf8(entityBomb()));
  }
}

/** Entities of ten of the one before, nine deep: a gigabyte to whoever follows them. */
function entityBomb(): string {
  const entities = Array.from({ length: 9 }, (_, i) => {
    const inner = i === 0 ? 'lollollol' : `&e${i - 1};`.repeat(10);
    return `<!ENTITY e${i} "${inner}">`;
  });
  return `<?xml version="1.0"?><!DOCTYPE s [${entities.join('')}]><s>&e8;</s>`;
}

/** An answer that begins well and goes on for so many bytes, in pieces, so that it needs no memory. */
export function* hugePieces(sizeBytes: number): Generator<Uint8Array> {
  const head = utf8(
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><x>',
  ).subarray(0, sizeBytes);
  const piece = Buffer.alloc(64 * 1024, 'filler ');
  yield head;
  for (let left = sizeBytes - head.length; left > 0; left -= piece.length) {
    yield piece.subarray(0, Math.min(left, piece.length));
  }
}
