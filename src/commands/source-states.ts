import type { Track } from '../media/index.ts';
import { CLOCK_MS_MAX, type SourcesStatesResult } from '../protocol/index.ts';
import type { SourceView, StreamView } from './views.ts';
import { printable } from './wire.ts';

type StreamState = SourcesStatesResult['states'][number];

/** What may be told of a stream; `told`: its reason in words too. */
export function streamState(source: SourceView, view: StreamView, told: boolean): StreamState {
  const { stream, status, recording } = view;
  const { state, since, cause, reason, restarts, retryAt, lastFragmentAt, transport, reader } = status;
  const { bitsPerSecond, framesPerSecond, gopMs } = status;
  return {
    source: source.id,
    stream,
    state,
    since,
    ...(recording === undefined ? {} : { recording }),
    ...(cause === undefined ? {} : { cause }),
    ...(told && reason !== undefined ? { reason: printable(reason, 200) } : {}),
    restarts,
    ...(retryAt === undefined ? {} : { retryAt: Math.round(retryAt) }),
    ...(lastFragmentAt === undefined ? {} : { lastFragmentAt: Math.round(lastFragmentAt) }),
    ...(reader === undefined ? {} : { reader }),
    ...(transport === undefined ? {} : { transport }),
    ...(told && status.certificate ? { certificate: status.certificate } : {}),
    ...(typeof bitsPerSecond === 'number' ? { bitsPerSecond: Math.round(bitsPerSecond) } : {}),
    ...(typeof framesPerSecond === 'number' ? { framesPerSecond: Math.round(framesPerSecond * 100) / 100 } : {}),
    ...(typeof gopMs === 'number' ? { gopMs: Math.max(0, Math.round(gopMs)) } : {}),
    ...trackState(view),
    ...lostState(view),
    ...clockState(source),
  };
}

function trackState({ status }: StreamView): Pick<StreamState, 'picture' | 'sound'> {
  const find = (kind: Track['kind']) => status.tracks.find((track) => track.kind === kind);
  const [video, audio] = [find('video'), find('audio')];
  const treatment = audio ? status.audio : 'none';
  return {
    ...(video ? { picture: { codec: codecText(video), width: video.width ?? 0, height: video.height ?? 0 } } : {}),
    ...(video && treatment ? { sound: { treatment, ...(audio ? { codec: codecText(audio) } : {}) } } : {}),
  };
}

function lostState({ status, heldCut }: StreamView): Pick<StreamState, 'lost'> {
  const { droppedFragments, lostPackets } = status;
  if (droppedFragments === undefined && lostPackets === undefined && heldCut === undefined) return {};
  return { lost: { fragments: droppedFragments ?? 0, packets: lostPackets ?? 0, held: heldCut ?? 0 } };
}

function clockState({ camera }: SourceView): Pick<StreamState, 'clock'> {
  const clock = camera?.clock;
  if (!clock) return {};
  const { offsetMs, driftMsPerDay, alarm } = clock;
  const drift = driftMsPerDay === null ? {} : { driftMsPerDay: bounded(driftMsPerDay) };
  return { clock: { offsetMs: bounded(offsetMs), ...drift, alarm } };
}

function codecText({ codec }: Track): string {
  return printable(codec, 64).replace(/["\\ ]/g, '');
}

/** A camera may claim any time. */
function bounded(ms: number): number {
  return Math.round(Math.min(Math.max(ms, -CLOCK_MS_MAX), CLOCK_MS_MAX));
}
