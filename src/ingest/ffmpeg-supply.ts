import {
  type AudioTreatment,
  type CameraAddress,
  FragmentReader,
  type ParsedInit,
  recordingCommand,
} from '../media/index.ts';
import type { Clock, OwnedProcess, Processes } from '../platform/index.ts';
import { backwardTicks, classifyErrorLine, isOfOnePacket, TIMESTAMPS_JUMPED } from './error-lines.ts';
import type { Supplied, Supply, SupplyListener } from './supply.ts';

export interface FfmpegOrder {
  ffmpeg: string;
  camera: CameraAddress;
  transport: 'tcp' | 'udp';
  audio: AudioTreatment;
}

/** ffmpeg itself gives up on a silent camera after this. */
const CAMERA_TIMEOUT_MS = 10_000;
/** Timestamps that go back by more than this are a jump, not disorder. */
const BACK_S_MAX = 1;

/** Fragments by an ffmpeg child: for every camera that ffmpeg can read, at the cost of a process and a pipe. */
export class FfmpegSupply implements Supply {
  readonly kind = 'ffmpeg';
  heardMs: number | null = null;
  readonly #clock: Clock;
  readonly #order: FfmpegOrder;
  readonly #listener: SupplyListener;
  readonly #child: OwnedProcess;
  readonly #input: Uint8Array;
  #init: ParsedInit | null = null;

  constructor(deps: { clock: Clock; processes: Processes }, order: FfmpegOrder, listener: SupplyListener) {
    this.#clock = deps.clock;
    this.#order = order;
    this.#listener = listener;
    const { args, input } = recordingCommand({ ...order, timeoutMs: CAMERA_TIMEOUT_MS });
    this.#input = input;
    this.#child = deps.processes.spawn(order.ffmpeg, args, { input });
    this.#child.onErrorLine((line) => this.#hear(line));
  }

  async *pieces(): AsyncGenerator<Supplied> {
    const reader = new FragmentReader();
    for await (const bytes of this.#child.stdout) {
      const arrival = { wallUs: this.#clock.nowUs(), monoUs: this.#clock.monotonicUs() };
      const items = reader.push(bytes);
      for (const item of items) {
        if ('init' in item) this.#init = item.init;
        else this.heardMs = arrival.monoUs / 1000;
      }
      yield { arrival, items };
    }
  }

  facts() {
    return { cameraClock: null, lostPackets: 0, certificate: null };
  }

  async end(): Promise<{ broken: string | null }> {
    const exit = await this.#child.stop();
    this.#input.fill(0);
    const missing = exit.failed !== undefined || exit.code === 127;
    return { broken: missing ? `${this.#order.ffmpeg} is not installed or cannot be started` : null };
  }

  /** One line of the child's standard error. It goes no further: it may hold the camera's password. */
  #hear(line: string): void {
    const complaint = classifyErrorLine(line);
    const passing = complaint === 'malformed' && this.heardMs !== null && isOfOnePacket(line);
    if (complaint && !passing) this.#listener.onComplaint(complaint);
    if (!this.#init) return;
    const backward = (backwardTicks(line) ?? 0) > BACK_S_MAX * this.#init.tracks[0]!.timescale;
    // From here on ffmpeg throws pictures away or squeezes their times together; a new child takes them as they are.
    if (complaint === 'timestamps' || backward) {
      this.#listener.onEnd({ cause: 'timestamps', reason: TIMESTAMPS_JUMPED, again: true });
    }
  }
}
