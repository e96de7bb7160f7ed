import type { Random } from '../platform/index.ts';
import type { MalformedKind } from './faults.ts';
import { type RtspResponse, writeResponse } from './rtsp-message.ts';

/** An answer that no camera should give. Where `close` is true the connection ends behind it. */
export interface BrokenAnswer {
  bytes: Buffer;
  close: boolean;
}

/** Damages a good answer in the named way; the kinds that strike packets leave it as it is. */
export function malformedAnswer(kind: MalformedKind, good: RtspResponse, cseq: number, random: Random): BrokenAnswer {
  const noise = (length: number) => Buffer.from(random.bytes(length));
  const text = writeResponse(good, cseq);
  switch (kind) {
    case 'status-line':
      return { bytes: replaceFirst(text, 'RTSP/1.0 200 OK', 'RTSP/-7 TWO-HUNDRED'), close: false };
    case 'cseq':
      return { bytes: replaceFirst(text, `CSeq: ${cseq}`, 'CSeq: 4294967297'), close: false };
    case 'length':
      return {
        bytes: replaceFirst(text, /Content-Length: \d+/, 'Content-Length: -99999999999999999999'),
        close: false,
      };
    case 'truncated':
      return { bytes: text.subarray(0, text.length - Math.min(200, Buffer.byteLength(good.body ?? ''))), close: true };
    case 'binary':
      return { bytes: noise(4096), close: false };
    case 'sdp':
      return { bytes: writeResponse({ ...good, body: noise(2048).toString('latin1') }, cseq), close: false };
    case 'parameter-sets':
      return {
        bytes: writeResponse({ ...good, body: spoilParameterSets(good.body ?? '', noise(64)) }, cseq),
        close: false,
      };
    case 'transport':
      return {
        bytes: writeResponse(
          {
            ...good,
            headers: { ...good.headers, Transport: 'RTP/AVP/TCP;interleaved=999-;client_port=0-99999;ssrc=xyz' },
          },
          cseq,
        ),
        close: false,
      };
    case 'frames':
    case 'rtp':
      return { bytes: text, close: false };
  }
}

/** An answer to DESCRIBE of which one header, or the body, is `sizeBytes` long, in pieces, so that it needs no memory. */
export function* hugeAnswer(part: 'header' | 'body', sizeBytes: number, cseq: number): Generator<Buffer> {
  const piece = Buffer.alloc(
    64 * 1024,
    part === 'header' ? 'x' : 'a=x-filler:0123456789abcdef0123456789abcdef0123\r\n',
  );
  yield Buffer.from(`RTSP/1.0 200 OK\r\nCSeq: ${cseq}\r\nContent-Type: application/sdp\r\n`);
  yield Buffer.from(part === 'header' ? 'X-Filler: ' : `Content-Length: ${sizeBytes}\r\n\r\n`);
  for (let left = sizeBytes; left > 0; left -= piece.length) yield piece.subarray(0, Math.min(left, piece.length));
  if (part === 'header') yield Buffer.from('\r\n\r\n');
}

function replaceFirst(bytes: Buffer, what: string | RegExp, by: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(what, by), 'latin1');
}

function spoilParameterSets(sdp: string, noise: Buffer): string {
  return sdp.replace(/(sprop-[a-z-]+=)([^;\r\n]+)/g, (_, name: string) => `${name}${noise.toString('base64')},!!,=`);
}
