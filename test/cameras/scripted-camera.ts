import {
  type CameraDriver,
  CameraError,
  type CameraEvent,
  type CameraEventSink,
  type CameraIdentity,
  type CameraTrouble,
} from '../../src/cameras/index.ts';
import type { Clock } from '../../src/platform/index.ts';

/** A camera of a test: what it answers, and what it was asked. */
export class ScriptedCamera {
  /** Who it says it is, or why it does not; `hang`: no answer at all. */
  says: CameraIdentity | CameraTrouble | 'hang';
  /** Why it tells of no events, or null. */
  deaf: CameraTrouble | null = null;
  /** Its clock against ours, ms. */
  offsetMs = 0;
  answerMs = 5;
  /** Monotonic ms of each question of who is there. */
  readonly asked: number[] = [];
  /** Times an address was asked that nobody gave (`trustedAddress` false). */
  askedUntrusted = 0;
  abilitiesAsked = 0;
  timesAsked = 0;
  /** Subscriptions that stand, and that were begun. */
  readonly sinks = new Set<CameraEventSink>();
  subscriptions = 0;
  readonly #clock: Clock;
  readonly #count: (change: 1 | -1) => void;

  constructor(clock: Clock, says: ScriptedCamera['says'], count: (change: 1 | -1) => void = () => {}) {
    this.#clock = clock;
    this.says = says;
    this.#count = count;
  }

  tell(event: CameraEvent): void {
    for (const sink of this.sinks) sink.event(event);
  }

  /** Loses its subscriptions; the driver tries again by itself and is heard of through `connected`. */
  lose(trouble: CameraTrouble = 'unreachable'): void {
    for (const sink of this.sinks) sink.connected(false, trouble);
  }

  driver({ trustedAddress }: { trustedAddress: boolean }): CameraDriver {
    return {
      identify: (signal?: AbortSignal) => {
        this.asked.push(this.#clock.monotonic());
        if (!trustedAddress) this.askedUntrusted += 1;
        return this.#answer(() => this.says as CameraIdentity, signal);
      },
      abilities: (signal?: AbortSignal) => {
        this.abilitiesAsked += 1;
        return this.#answer(() => ({ ...ABILITIES }), signal);
      },
      time: (signal?: AbortSignal) => {
        this.timesAsked += 1;
        return this.#answer(() => {
          const nodeAt = this.#clock.now();
          const second = Math.floor((nodeAt + this.offsetMs) / 1_000) * 1_000;
          return { cameraAt: second + 500, nodeAt, uncertaintyMs: 500 + this.answerMs / 2 };
        }, signal);
      },
      events: async (sink: CameraEventSink, signal: AbortSignal) => {
        if (this.deaf) throw new CameraError(this.deaf);
        this.subscriptions += 1;
        this.sinks.add(sink);
        await this.#clock.sleep(this.answerMs, signal).catch(() => {});
        if (!signal.aborted) sink.connected(true, null);
        await new Promise<void>((done) => {
          if (signal.aborted) done();
          signal.addEventListener('abort', () => done(), { once: true });
        });
        this.sinks.delete(sink);
      },
    } as CameraDriver;
  }

  async #answer<T>(value: () => T, signal?: AbortSignal): Promise<T> {
    this.#count(1);
    try {
      if (this.says === 'hang') await new Promise<never>((_, reject) => this.#onAbort(signal, reject));
      await this.#clock.sleep(this.answerMs, signal);
      if (typeof this.says === 'string') throw new CameraError(this.says as CameraTrouble);
      return value();
    } catch (error) {
      throw error instanceof CameraError ? error : new CameraError('cancelled');
    } finally {
      this.#count(-1);
    }
  }

  #onAbort(signal: AbortSignal | undefined, reject: (error: Error) => void): void {
    signal?.addEventListener('abort', () => reject(new CameraError('cancelled')), { once: true });
  }
}

/** What a camera of that serial number says of itself. */
export function identityOf(hardwareId: string, endpoint: string | null = `urn:uuid:${hardwareId}`): CameraIdentity {
  return { hardwareId, manufacturer: 'Acme', model: 'Eye', firmware: '1.0', endpoint };
}

const ABILITIES = {
  media2: true,
  snapshot: true,
  ptz: false,
  ptzAbsolute: false,
  presetsMax: 0,
  imaging: false,
  events: true,
  recordings: false,
};
