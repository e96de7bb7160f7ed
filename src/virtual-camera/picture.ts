export type VideoCodec = 'h264' | 'h265';

/** Parameter sets of one coded video sequence, NAL units without start codes; `vps` is H.265's only. */
export interface ParameterSets {
  vps?: Uint8Array;
  sps: Uint8Array;
  pps: Uint8Array;
}

/** One coded picture: the NAL units that belong on the wire. */
export interface Picture {
  nals: Uint8Array[];
  keyframe: boolean;
  /** Present where the picture brings them along: at every keyframe of our encoders. */
  parameterSets: ParameterSets | null;
}

const START_CODE = Buffer.of(0, 0, 1);
const NALS_MAX = 1024;

/** NAL units (views) of an Annex B byte string; what stands before the first start code is passed over. Total. */
export function splitAnnexB(bytes: Buffer): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let start = bytes.indexOf(START_CODE);
  while (start >= 0 && nals.length < NALS_MAX) {
    const next = bytes.indexOf(START_CODE, start + 3);
    let end = next < 0 ? bytes.length : next;
    while (end > start + 3 && bytes[end - 1] === 0) end--; // zero_byte of the next start code, trailing_zero_8bits
    if (end > start + 3) nals.push(bytes.subarray(start + 3, end));
    start = next;
  }
  return nals;
}

/**
 * Reads one access unit as the encoder gives it. Delimiters, filler and the encoder's own SEI messages are left out: a
 * camera sends none of them, and the capture time takes their place.
 */
export function readPicture(codec: VideoCodec, annexB: Buffer): Picture {
  const nals: Uint8Array[] = [];
  let keyframe = false;
  let vps: Uint8Array | undefined;
  let sps: Uint8Array | undefined;
  let pps: Uint8Array | undefined;
  for (const nal of splitAnnexB(annexB)) {
    const role = codec === 'h264' ? h264Role(nal) : h265Role(nal);
    if (role === 'skip') continue;
    if (role === 'vps') vps = nal;
    else if (role === 'sps') sps = nal;
    else if (role === 'pps') pps = nal;
    else if (role === 'key') keyframe = true;
    nals.push(nal);
  }
  const complete = sps && pps && (codec === 'h264' || vps);
  return { nals, keyframe, parameterSets: complete ? { ...(vps ? { vps } : {}), sps: sps!, pps: pps! } : null };
}

/** Where a message about the picture belongs: before its first slice, behind the parameter sets. */
export function insertBeforeSlices(codec: VideoCodec, nals: readonly Uint8Array[], message: Uint8Array): Uint8Array[] {
  const role = codec === 'h264' ? h264Role : h265Role;
  const at = nals.findIndex((nal) => ['key', 'slice'].includes(role(nal)));
  return at < 0 ? [...nals] : [...nals.slice(0, at), message, ...nals.slice(at)];
}

type Role = 'vps' | 'sps' | 'pps' | 'key' | 'slice' | 'skip';

function h264Role(nal: Uint8Array): Role {
  const type = nal[0]! & 31;
  if (type === 5) return 'key';
  if (type === 7) return 'sps';
  if (type === 8) return 'pps';
  return type >= 1 && type <= 4 ? 'slice' : 'skip';
}

function h265Role(nal: Uint8Array): Role {
  const type = (nal[0]! >> 1) & 63;
  if (nal.length < 3) return 'skip';
  if (type >= 16 && type <= 21) return 'key';
  if (type === 32) return 'vps';
  if (type === 33) return 'sps';
  if (type === 34) return 'pps';
  return type < 16 ? 'slice' : 'skip';
}
