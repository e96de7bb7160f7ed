import type { GapCause } from '../protocol/index.ts';

/**
 * What went wrong with a camera: what a line of ffmpeg's standard error means to us, or what our own reader met. The line itself may
 * hold a password and goes nowhere.
 */
export type Complaint =
  | 'unauthorized'
  | 'busy'
  | 'redirected'
  | 'certificate'
  /** Our own reader does not read this picture, or this sound. */
  | 'beyond'
  | 'sound-beyond'
  | 'not-found'
  | 'unreachable'
  | 'timeout'
  | 'transport'
  | 'audio'
  | 'timestamps'
  | 'malformed'
  | 'ended';

/** Said wherever a camera's timestamps cannot be followed. */
export const TIMESTAMPS_JUMPED = "the camera's timestamps jumped";

// First match wins. Texts of ffmpeg 5 to 7, which reports RTSP replies and errno as text.
const MEANINGS: readonly [RegExp, Complaint][] = [
  [/\b401\b|unauthorized|authorization failed/i, 'unauthorized'],
  [/\b403\b|forbidden/i, 'unauthorized'],
  [/\b(404|454)\b|stream not found|session not found/i, 'not-found'],
  [/\b461\b|unsupported transport|nonmatching transport/i, 'transport'],
  [
    /codec not currently supported in container|could not find tag for codec pcm|incompatible (with|channel)|aac bitstream error|error parsing (adts|aac)/i,
    'audio',
  ],
  [
    /connection refused|no route to host|network is unreachable|host is unreachable|name or service not known|failed to resolve|temporary failure in name/i,
    'unreachable',
  ],
  [/timed? ?out|resource temporarily unavailable/i, 'timeout'],
  [/dts: -?\d+ is out of range|st:\d+ invalid dropping/i, 'timestamps'],
  [/connection reset|broken pipe|end of file|connection closed/i, 'ended'],
  [
    /invalid data found|could not find codec parameters|no streams|missing picture|bad content|too large|malformed|error parsing|unable to open|input\/output error|server returned/i,
    'malformed',
  ],
];

/** Reads one line; null where it says nothing of use. */
export function classifyErrorLine(line: string): Complaint | null {
  for (const [pattern, complaint] of MEANINGS) if (pattern.test(line)) return complaint;
  return null;
}

/**
 * True where a parser or a codec complains of what one packet held, and not the way the packets come or go. ffmpeg goes on after it, and the
 * last picture of a connection that breaks is often cut in two: while pictures come such a line explains no end.
 */
export function isOfOnePacket(line: string): boolean {
  return /^\[(?!rtsp|tcp|udp|concat|mp4|in#|out#)[^\]]* @ /.test(line);
}

/**
 * By how much the video's timestamps went back, in its track's ticks, where a line says so of our first output stream; null
 * elsewhere. ffmpeg 5 and 6 write `Non-monotonous DTS in output stream 0:0; previous: 9, current: 4`, 7 begins with `[vost#0:0/copy]`.
 */
export function backwardTicks(line: string): number | null {
  const match = /Non-monoton(?:ous|ic) DTS.*; previous: (-?\d{1,19}), current: (-?\d{1,19});/.exec(line);
  if (!match || !/output stream 0:0;|\[vost#0:0\//.test(line)) return null;
  return Number(match[1]) - Number(match[2]);
}

/** The most telling of what one child complained about, as a gap cause and a sentence for people. */
export function explain(complaints: ReadonlySet<Complaint>): { cause: GapCause; reason: string } {
  for (const [complaint, cause, reason] of EXPLANATIONS) if (complaints.has(complaint)) return { cause, reason };
  return { cause: 'ended', reason: 'the camera ended the stream' };
}

const EXPLANATIONS: readonly [Complaint, GapCause, string][] = [
  ['unauthorized', 'unauthorized', 'the camera refused the user name or password'],
  ['certificate', 'foreign', 'the camera shows another certificate than the one that was pinned'],
  ['redirected', 'unreachable', 'the camera sends us to another address, which is not followed'],
  ['busy', 'unreachable', 'the camera is busy or serves no more viewers'],
  ['not-found', 'unreachable', 'the camera does not know this path'],
  ['transport', 'unreachable', 'the camera refused the transport'],
  ['unreachable', 'unreachable', 'no connection to the camera'],
  ['timeout', 'unreachable', 'the camera did not answer in time'],
  ['timestamps', 'timestamps', TIMESTAMPS_JUMPED],
  ['beyond', 'malformed', 'the stream is of a kind that only ffmpeg can take'],
  ['sound-beyond', 'malformed', 'the sound is of a kind that only ffmpeg can take'],
  ['audio', 'malformed', 'the sound could not be taken along'],
  ['malformed', 'malformed', 'what the camera sent could not be understood'],
  ['ended', 'ended', 'the camera closed the connection'],
];
