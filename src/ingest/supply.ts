import type { FragmentReaderItem } from '../media/index.ts';
import type { GapCause } from '../protocol/index.ts';
import type { Complaint } from './error-lines.ts';
import type { Arrival } from './timeline.ts';

/** Which way fragments of a camera come: read here, or by an ffmpeg child. */
export type ReaderKind = 'own' | 'ffmpeg';

/** The camera's wall time beside the node's, epoch ms, and how far the two may be apart by the measuring alone. */
export interface CameraClock {
  cameraAt: number;
  nodeAt: number;
  uncertaintyMs: number;
}

/** Init segment and fragments that came together, in order. */
export interface Supplied {
  arrival: Arrival;
  items: readonly FragmentReaderItem[];
}

/** What a supply says of itself while it runs. */
export interface SupplyFacts {
  /** Of the newest sender report; null where the camera sends none, or one that is no wall time. */
  cameraClock: CameraClock | null;
  /** RTP packets that never came. */
  lostPackets: number;
  /** TLS only: SHA-256 of the camera's certificate, hex. */
  certificate: string | null;
}

/** Whom a supply tells what is not picture. */
export interface SupplyListener {
  /** One more thing went wrong; by all of them an end without a cause is explained. */
  onComplaint(complaint: Complaint): void;
  /** It cannot go on, and this is why. */
  onEnd(end: { cause: GapCause; reason: string; again?: true }): void;
  /** The camera told its time. */
  onCameraTime(clock: CameraClock): void;
}

/**
 * Where the fragments of one try come from. Used once.
 *
 * `pieces` begins the work; it ends when the camera does, or after `end` once what was on the way has been given. It throws a
 * `MediaError` for what is no video. Whoever does not ask for the next piece holds the camera back.
 */
export interface Supply {
  readonly kind: ReaderKind;
  pieces(): AsyncIterable<Supplied>;
  /** When the camera last gave a sign of its picture, monotonic ms, whether or not a fragment came of it; null before. */
  readonly heardMs: number | null;
  facts(): SupplyFacts;
  /** Asks it to end; resolves once everything of it is gone, with what a person has to mend. Safe to call twice. */
  end(): Promise<{ broken: string | null }>;
}
