import type { CameraClockView, CameraIdentity } from '../cameras/index.ts';
import { isLabel, TIME_AT_MAX } from '../protocol/index.ts';
import { askCamera, requireSource } from './camera-trouble.ts';
import { cameraNotKept } from './errors.ts';
import type { Family, NotingDeps } from './handler.ts';

/** `cameras.view`, `cameras.time`. */
export function keptCameraCommands({
  cameras,
  sources,
  notes,
}: Pick<NotingDeps, 'cameras' | 'sources' | 'notes'>): Family<'cameras.view' | 'cameras.time'> {
  return {
    async 'cameras.view'({ params: { source }, role }) {
      requireSource(sources, source);
      const view = cameras.view(source);
      if (!view) throw cameraNotKept();
      const { state, since, identity, abilities, eventsConnected, clock } = view;
      const isAdmin = role === 'admin' || role === 'owner';
      return {
        source,
        state,
        since: Math.round(since),
        identity: identity && identityFacts(identity, isAdmin),
        abilities: abilities && {
          snapshot: abilities.snapshot,
          ptz: abilities.ptz,
          ptzAbsolute: abilities.ptzAbsolute,
          presetsMax: Math.min(abilities.presetsMax, 65_535),
          imaging: abilities.imaging,
          events: abilities.events,
          recordings: abilities.recordings,
        },
        eventsConnected,
        clock: clock && clockFacts(clock),
      };
    },

    async 'cameras.time'({ params: { source, set }, call, signal }) {
      requireSource(sources, source);
      return askCamera(signal, async () => {
        const driver = cameras.driver(source);
        if (set !== undefined) {
          const timeServer = set === 'clock' ? null : set.server;
          await driver.setTime({ clock: set === 'clock', timeServer }, signal);
          notes.changed(call, 'changed', 'cameras.time', { source, device: null });
        }
        // A clock that was set is believed when two readings agree.
        if (set === 'clock') cameras.measured(source, await driver.time(signal));
        const time = await driver.time(signal);
        cameras.measured(source, time);
        const { cameraAt, nodeAt, uncertaintyMs } = time;
        return {
          cameraAt: Math.min(Math.max(0, Math.round(cameraAt)), TIME_AT_MAX),
          nodeAt: Math.round(nodeAt),
          uncertaintyMs: Math.ceil(uncertaintyMs),
        };
      });
    },
  };
}

/** What a camera says of itself, as far as it can be shown; what tells it from every other of its make is for admins. */
function identityFacts({ manufacturer, model, firmware, hardwareId, endpoint }: CameraIdentity, isAdmin: boolean) {
  const told = { manufacturer, model, firmware, ...(isAdmin ? { hardwareId, endpoint } : {}) };
  const shown = Object.entries(told).filter((entry): entry is [string, string] => {
    const [, text] = entry;
    return typeof text === 'string' && isLabel(text);
  });
  return Object.fromEntries(shown) as Partial<Record<keyof CameraIdentity, string>>;
}

function clockFacts({ offsetMs, uncertaintyMs, at, by, driftMsPerDay, alarm }: CameraClockView) {
  const cut = (value: number, most: number) => Math.min(Math.max(Math.round(value), -most), most);
  return {
    offsetMs: cut(offsetMs, TIME_AT_MAX),
    uncertaintyMs: Math.ceil(uncertaintyMs),
    at: Math.round(at),
    by,
    driftMsPerDay: driftMsPerDay === null ? null : cut(driftMsPerDay * 10, 1e10) / 10,
    alarm,
  };
}
