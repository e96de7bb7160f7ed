import type { PtzHolder, PtzVector } from '../cameras/index.ts';
import { isNvrError } from '../errors.ts';
import { type Call, isLabel, PTZ_PRESETS_MAX, type SourceId } from '../protocol/index.ts';
import { askCamera, cameraUnable, requireSource } from './camera-trouble.ts';
import type { Family, NotingDeps } from './handler.ts';

type Name =
  | 'ptz.hold'
  | 'ptz.move'
  | 'ptz.stop'
  | 'ptz.goto'
  | 'ptz.recall'
  | 'ptz.presets'
  | 'ptz.save'
  | 'ptz.forget'
  | 'ptz.status';

/** Everything that begins with `ptz`. */
export function ptzCommands({
  cameras,
  sources,
  devices,
  notes,
}: Pick<NotingDeps, 'cameras' | 'sources' | 'devices' | 'notes'>): Family<Name> {
  const { ptz } = cameras;

  async function requireHead(source: SourceId, signal: AbortSignal): Promise<void> {
    requireSource(sources, source);
    const able = await askCamera(signal, async () => cameras.driver(source).abilities(signal));
    signal.throwIfAborted();
    if (!able.ptz) throw cameraUnable();
  }

  return {
    async 'ptz.hold'({ params: { source, take = false }, call, signal }) {
      await requireHead(source, signal);
      const lease = ptz.hold(source, holderOf(call), { take });
      try {
        notes.changed(call, 'changed', 'ptz.hold', { source, device: null });
        call.stream.reply({ lease: lease.id, since: lease.since });
        const reason = await Promise.race([lease.ended, aborted(signal)]);
        if (reason !== null && reason !== 'left' && reason !== 'denied') call.stream.event('ptz.lost', { reason });
        signal.throwIfAborted();
        return undefined;
      } finally {
        lease.end(isNvrError(signal.reason, 'denied') ? 'denied' : 'left');
      }
    },

    async 'ptz.move'({ params: { source, lease, forMs, ...speed }, call, signal }) {
      const { pan, tilt, zoom } = speed;
      const sent = await askCamera(signal, () => ptz.move(source, lease, holderOf(call), { pan, tilt, zoom }, forMs));
      return { sent };
    },

    async 'ptz.stop'({ params: { source, lease }, call, signal }) {
      await askCamera(signal, () => ptz.stop(source, lease, holderOf(call)));
      return {};
    },

    async 'ptz.goto'({ params: { source, lease, position }, call, signal }) {
      return { sent: await askCamera(signal, () => ptz.goto(source, lease, holderOf(call), position)) };
    },

    async 'ptz.recall'({ params: { source, lease, preset }, call, signal }) {
      return { sent: await askCamera(signal, () => ptz.recall(source, lease, holderOf(call), preset)) };
    },

    async 'ptz.presets'({ params: { source }, signal }) {
      await requireHead(source, signal);
      const presets = await askCamera(signal, () => ptz.presets(source));
      return {
        presets: presets
          .filter(({ token }) => isLabel(token))
          .slice(0, PTZ_PRESETS_MAX)
          .map(({ token, name }) => ({ preset: token, ...(name !== null && isLabel(name) ? { name } : {}) })),
      };
    },

    async 'ptz.save'({ params: { source, name, preset = null }, call, signal }) {
      await requireHead(source, signal);
      return { preset: await askCamera(signal, () => ptz.save(source, holderOf(call), name, preset)) };
    },

    async 'ptz.forget'({ params: { source, preset }, call, signal }) {
      await requireHead(source, signal);
      await askCamera(signal, () => ptz.forget(source, holderOf(call), preset));
      return {};
    },

    async 'ptz.status'({ params: { source }, call, role, signal }) {
      await requireHead(source, signal);
      const { position, moving, holder, unstopped } = await askCamera(signal, () => ptz.status(source));
      const { device } = holder?.holder ?? {};
      const known = devices.devices().find((each) => each.device === device);
      const label = known && isLabel(known.label) ? { label: known.label } : {};
      const isTold = device !== undefined && (role === 'admin' || role === 'owner');
      return {
        position: position && within(position),
        moving,
        holder: holder && {
          self: device === call.caller.device,
          since: holder.since,
          ...(isTold ? { device, ...label } : {}),
        },
        unstopped,
      };
    },
  };
}

function holderOf({ caller: { device, sessionId } }: Call): PtzHolder {
  return { device, sessionId };
}

/** Resolves with null when the signal aborts. */
function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

function within({ pan, tilt, zoom }: PtzVector): PtzVector {
  const cut = (value: number, least: number) => Math.min(Math.max(value, least), 1);
  return { pan: cut(pan, -1), tilt: cut(tilt, -1), zoom: cut(zoom, 0) };
}
