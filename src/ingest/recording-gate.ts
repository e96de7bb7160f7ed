import { toHex } from '../bytes/index.ts';
import type { CapturedFragment, Run } from '../media/index.ts';
import type { Clock, Log, Random } from '../platform/index.ts';
import type { CameraEventKind, GapCause, RecordingState, RecordMode } from '../protocol/index.ts';
import type { EventActivity } from './event-activity.ts';
import { Preroll, type PrerollBudget } from './preroll.ts';
import type { RunEnd, StreamSink } from './sink.ts';

/** What of a stream is wanted in the vault. */
export interface RecordingRule {
  mode: RecordMode;
  /** With `event`: the kinds that start a recording, and how much before and after them is kept. */
  on: readonly CameraEventKind[];
  beforeMs: number;
  afterMs: number;
  /** Whether the schedule allows recording now; asked for every fragment. */
  scheduled(): boolean;
}

/** Where live pictures go: takes all at once and never refuses. */
export interface LiveTaker {
  beginRun(run: Run): void;
  fragment(fragment: CapturedFragment): void;
  endRun(end: RunEnd): void;
}

export interface RecordingGateDeps {
  clock: Clock;
  random: Random;
  log: Log;
  /** Told nothing before something is wanted the first time. */
  vault: StreamSink;
  live: LiveTaker;
  activity: EventActivity;
  budget: PrerollBudget;
}

/** Longest that a recording goes on behind its time, to end at a keyframe: an event that follows closely finds a whole picture then. */
const REST_MS_MAX = 30_000;
/** Ends of a run that may be somebody's doing: the picture right before them is kept. */
const SILENCED: readonly GapCause[] = ['unreachable', 'stalled', 'ended', 'unauthorized', 'foreign', 'malformed'];
const STORED: readonly RecordingState[] = ['yes', 'event', 'unsure'];
const UNWANTED = 'nothing was to be recorded';

/**
 * Stands between a recorder and its two readers: live gets everything, the vault what the rule wants. Each stretch that is wanted
 * becomes a run of the vault: it begins with a keyframe (of the pre-roll, where something is held) and ends with the cause `unwanted`,
 * or with the camera's run. Between them the vault is told the true cause of the gap. The recorder's run goes on through all of it.
 */
export class RecordingGate implements StreamSink {
  readonly #deps: RecordingGateDeps;
  readonly #preroll: Preroll;
  #rule: RecordingRule;
  /** The camera's run. */
  #run: Run | null = null;
  /** Something of the camera's run went by: the vault's next run is another. */
  #passed = false;
  /** A run is open in the vault. */
  #open = false;
  /** Monotonic ms since which the open run is no longer wanted; it waits for a keyframe. */
  #overMs: number | null = null;
  /** Where the vault's newest run ended, wall µs. */
  #storedUs = 0;
  /** The cause the vault knows for the gap that lasts; null where that is not known. */
  #told: GapCause | null = null;
  /** A failure met between two calls of the recorder, told by the next one. */
  #failure: unknown = null;
  /** A look waits for its turn: another would see the same. */
  #looks = false;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #unhear: () => void;

  constructor(deps: RecordingGateDeps, rule: RecordingRule) {
    this.#deps = deps;
    this.#rule = rule;
    this.#preroll = new Preroll(deps.budget);
    this.#unhear = deps.activity.onChange(() => this.look());
  }

  /** What happens to pictures that come now. */
  get recording(): RecordingState {
    const { mode, on, afterMs } = this.#rule;
    const { activity, clock } = this.#deps;
    if (mode === 'never') return 'never';
    if (!this.#rule.scheduled()) return 'schedule';
    if (mode === 'always') return 'yes';
    if (!activity.connected) return 'unsure';
    return activity.lastMs(on) + afterMs > clock.monotonic() ? 'event' : 'waiting';
  }

  /** What waits for an event, and how many fragments memory could not hold long enough. */
  get held(): { sizeBytes: number; cut: number } {
    return { sizeBytes: this.#preroll.sizeBytes, cut: this.#preroll.cut };
  }

  /** Goes by another rule from now on. */
  rules(rule: RecordingRule): void {
    this.#rule = rule;
    this.look();
  }

  /** Looks whether what is wanted has changed: at an edge of the schedule. Without it the next fragment sees to it. */
  look(): void {
    if (this.#looks) return;
    this.#looks = true;
    void this.#exclusive(() => this.#adjust()).catch((error) => {
      this.#failure = error;
    });
  }

  /** Hears of no events any more; the recorder has stopped. */
  close(): void {
    this.#unhear();
  }

  beginRun(run: Run): Promise<void> {
    return this.#exclusive(async () => {
      this.#run = run;
      this.#passed = false;
      this.#deps.live.beginRun(run);
    });
  }

  fragment(fragment: CapturedFragment): Promise<void> {
    return this.#exclusive(async () => {
      const failure = this.#failure;
      this.#failure = null;
      if (failure) throw failure;
      await this.#pass(fragment);
      this.#passed = true;
      this.#deps.live.fragment(fragment);
    });
  }

  endRun(end: RunEnd): Promise<void> {
    return this.#exclusive(async () => {
      const run = this.#run;
      this.#run = null;
      if (!run) return;
      this.#deps.live.endRun(end);
      this.#failure = null;
      try {
        // Whoever silences a camera is seen in what it showed before.
        const silenced = this.recording === 'waiting' && SILENCED.includes(end.cause);
        if (!this.#open && silenced && this.#preroll.holds) await this.#begin(run);
        if (this.#open) await this.#end(end);
        else await this.#tell(run, end.cause, end.endUs);
      } finally {
        this.#preroll.clear();
      }
    });
  }

  /** Tells the vault why nothing comes, where another cause is known than that of the last run's end. */
  refused({ cause, atUs }: { cause: GapCause; atUs: number }): Promise<void> {
    return this.#exclusive(async () => {
      if (!this.#run) await this.#tell(null, cause, atUs);
    });
  }

  /** Stores, holds or passes over one fragment. */
  async #pass(fragment: CapturedFragment): Promise<void> {
    const recording = this.recording;
    if (this.#open && this.#goesOn(recording, fragment)) {
      await this.#store(fragment);
      return;
    }
    if (this.#open) await this.#end({ cause: 'unwanted', endUs: this.#storedUs, reason: UNWANTED });
    if (STORED.includes(recording)) {
      // Without a keyframe there is nothing to begin with yet.
      if (!this.#preroll.holds && !fragment.keyframe) return;
      await this.#begin(this.#run!, fragment.startUs);
      await this.#store(fragment);
      return;
    }
    await this.#tell(this.#run, 'unwanted', fragment.startUs);
    if (recording === 'waiting') this.#preroll.add(fragment, this.#rule.beforeMs);
    else this.#preroll.clear();
  }

  /** Whether the open run takes this fragment too: while it is wanted, and then up to the next keyframe. */
  #goesOn(recording: RecordingState, { keyframe }: CapturedFragment): boolean {
    if (STORED.includes(recording)) {
      this.#overMs = null;
      return true;
    }
    // Outside its times nothing is stored, not even the rest of a picture.
    if (recording !== 'waiting' || keyframe) return false;
    const nowMs = this.#deps.clock.monotonic();
    this.#overMs ??= nowMs;
    return nowMs - this.#overMs < REST_MS_MAX;
  }

  /** Begins or ends between two fragments, where that can be. */
  async #adjust(): Promise<void> {
    this.#looks = false;
    const run = this.#run;
    const recording = this.recording;
    if (!run) return;
    if (this.#open && (recording === 'never' || recording === 'schedule')) {
      await this.#end({ cause: 'unwanted', endUs: this.#storedUs, reason: UNWANTED });
    } else if (!this.#open && STORED.includes(recording) && this.#preroll.holds) await this.#begin(run);
  }

  /** Opens a run in the vault and writes what was held. */
  async #begin(run: Run, nextUs = 0): Promise<void> {
    const { vault, random } = this.#deps;
    const startUs = this.#preroll.startUs ?? nextUs;
    // Stretches of one camera's run are runs of their own to the vault: there are pictures missing between them.
    const id = this.#passed ? toHex(random.bytes(16)) : run.id;
    await vault.beginRun({ ...run, id, startUs });
    this.#open = true;
    this.#overMs = null;
    this.#storedUs = startUs;
    await this.#preroll.take((fragment) => this.#store(fragment));
  }

  async #store(fragment: CapturedFragment): Promise<void> {
    await this.#deps.vault.fragment(fragment);
    this.#storedUs = fragment.endUs;
  }

  async #end(end: RunEnd): Promise<void> {
    this.#open = false;
    this.#told = end.cause;
    await this.#deps.vault.endRun(end);
  }

  /**
   * Says why the gap that lasts goes on, as a run without pictures. Best effort: a disk that refuses it must not cost those their picture
   * who only watch.
   */
  async #tell(run: Run | null, cause: GapCause, atUs: number): Promise<void> {
    if (this.#rule.mode === 'never' || this.#told === cause) return;
    this.#told = cause;
    const { vault, random, log } = this.#deps;
    const startUs = Math.max(atUs, this.#storedUs);
    const init = run?.init ?? { bytes: new Uint8Array(0), tracks: [] };
    try {
      await vault.beginRun({ id: toHex(random.bytes(16)), init, startUs });
      await vault.endRun({ cause, endUs: startUs, reason: UNWANTED });
      this.#storedUs = startUs;
    } catch (error) {
      log.debug({ error, cause }, 'the cause of a gap could not be told');
    }
  }

  /** One call after the other, those of the recorder and our own. */
  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
