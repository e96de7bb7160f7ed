import assert from 'node:assert/strict';
import {
  type CameraDriver,
  CameraError,
  type CameraTime,
  type CameraTrouble,
  type CameraView,
  type Imaging,
  PtzDesk,
  SnapshotDesk,
} from '../../src/cameras/index.ts';
import { NvrError } from '../../src/errors.ts';
import { SeededRandom, type SimulatedClock, silentLog } from '../../src/platform/index.ts';
import type { SourceId } from '../../src/protocol/index.ts';
import { ScriptedHead } from '../cameras/scripted-head.ts';

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 1, 2, 3, 0xff, 0xd9);

/** One kept camera, at the source `front`, that does what it is told and can be made to fail. */
export function fakeCameras(clock: SimulatedClock) {
  const head = new ScriptedHead(clock);
  const state = {
    trouble: null as CameraTrouble | null,
    view: null as CameraView | null,
    ptz: true,
    imaging: { brightness: 0.5, irCut: 'auto' } as Imaging,
    timeSet: [] as unknown[],
    measured: [] as number[],
    pictures: 0,
  };
  const able =
    <T>(value: () => T) =>
    async () => {
      if (state.trouble) throw new CameraError(state.trouble);
      return value();
    };
  const driver: CameraDriver = {
    identify: able(() => ({ hardwareId: 'SN1', manufacturer: null, model: null, firmware: null, endpoint: null })),
    abilities: able(() => ({
      media2: true,
      snapshot: true,
      ptz: state.ptz,
      ptzAbsolute: true,
      presetsMax: 8,
      imaging: true,
      events: true,
      recordings: false,
    })),
    streams: able(() => []),
    snapshot: able(() => {
      state.pictures++;
      return JPEG;
    }),
    ptz: head,
    imaging: {
      get: able(() => state.imaging),
      set: async (wish) => {
        state.imaging = { ...state.imaging, ...wish };
      },
    },
    events: async () => {},
    time: able(() => ({ cameraAt: clock.now() + 5_000.4, nodeAt: clock.now(), uncertaintyMs: 500.5 })),
    setTime: async (wish) => {
      state.timeSet.push(wish);
    },
    recordings: async () => null,
  };
  const driverOf = (source: SourceId) => {
    if (source !== 'front') throw new NvrError('ERR_CAMERAS_NONE', 'missing', 'no camera is kept');
    return driver;
  };
  const ptz = new PtzDesk({
    clock,
    random: new SeededRandom(9),
    log: silentLog,
    driver: (source) => driverOf(source).ptz,
  });
  const snapshots = new SnapshotDesk({ clock, driver: driverOf });
  const view = {
    view: (source: SourceId) => (source === 'front' ? state.view : null),
    driver: driverOf,
    measured: (source: SourceId, time: CameraTime) => {
      assert.equal(source, 'front');
      state.measured.push(time.cameraAt - time.nodeAt);
    },
    ptz,
    snapshots,
  };
  return { head, state, view, JPEG };
}
