import type { NvrError } from '../errors.ts';
import type { CommandName, CommandParams, CommandResult, SourceId } from '../protocol/index.ts';
import type { Connection } from './api.ts';

/** Pan, tilt and zoom: speeds from -1 to 1; as a position `zoom` is from 0 to 1. What is left out is 0. */
export interface PtzWish {
  pan?: number;
  tilt?: number;
  zoom?: number;
}

/** Why a lease ended that was not given back: `taken`, `idle`, `removed`, `closing`, or the error that ended its stream. */
export type PtzLost = 'taken' | 'idle' | 'removed' | 'closing' | NvrError | Error;

/** The lease of one camera, held for as long as nobody calls `release`. */
export interface PtzHold {
  readonly source: SourceId;
  /** Epoch ms, node's clock. */
  readonly since: number;
  /** Resolves when it ended: with the reason, or with null after `release`. Never rejects. */
  readonly ended: Promise<PtzLost | null>;
  /** Moves at a speed for at most two seconds; ask again before they are over to go on. False where a newer wish came first. */
  move(speed: PtzWish, forMs?: number): Promise<boolean>;
  /** Resolves when the camera has confirmed it. */
  stop(): Promise<void>;
  goto(position: Required<PtzWish>): Promise<boolean>;
  recall(preset: string): Promise<boolean>;
  /** Gives it back; what it steers is stopped by the node. Safe to call twice. */
  release(): void;
}

type CallCommand = <N extends CommandName>(
  name: N,
  params: CommandParams<N>,
  options?: { signal?: AbortSignal },
) => Promise<CommandResult<N>>;

/** Takes the lease of a camera. Throws the node's error: `ERR_CAMERAS_PTZ_HELD` (`conflict`) where somebody else has it. */
export async function holdPtz(
  { connection, call }: { connection: Connection; call: CallCommand },
  { source, take, signal }: { source: SourceId; take?: boolean; signal?: AbortSignal },
  checked: (result: unknown) => CommandResult<'ptz.hold'>,
): Promise<PtzHold> {
  const params = { source, ...(take ? { take } : {}) };
  const open = connection.open('ptz.hold@1', params, signal ? { signal } : {});
  let reason: PtzLost | null = null;
  let isReleased = false;
  open.onEvent((name, told) => {
    if (name === 'ptz.lost') reason = (told as { reason: Exclude<PtzLost, Error> }).reason;
  });
  const ended = drain(open.units).then((error) => (isReleased ? null : (reason ?? error)));
  try {
    const { lease, since } = checked(await open.result);
    const own = { source, lease };
    return {
      source,
      since,
      ended,
      move: async ({ pan = 0, tilt = 0, zoom = 0 }, forMs = 1_000) =>
        (await call('ptz.move', { ...own, pan, tilt, zoom, forMs })).sent,
      stop: async () => {
        await call('ptz.stop', own);
      },
      goto: async (position) => (await call('ptz.goto', { ...own, position })).sent,
      recall: async (preset) => (await call('ptz.recall', { ...own, preset })).sent,
      release: () => {
        isReleased = true;
        open.cancel();
      },
    };
  } catch (error) {
    open.cancel();
    throw error;
  }
}

/** Reads a stream that carries notifications only; gives the error that ended it, or null. */
async function drain(units: AsyncIterable<unknown>): Promise<Error | null> {
  try {
    for await (const _ of units);
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
