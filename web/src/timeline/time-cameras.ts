import { useMemo } from 'react';
import { useStore } from '../engine/store.ts';
import type { Camera } from '../model/cameras.ts';
import { type Model, useModel } from '../model/model.ts';
import { shownName } from '../model/shown-name.ts';
import type { CoverageCamera } from './coverage-source.ts';

/** Lanes of one timeline. */
export const LANES_MAX = 16;

/** A camera with the stream whose recordings its lane shows. */
export interface TimeCamera extends CoverageCamera {
  name: string;
}

/** Cameras of the wall in its order whose recordings may be seen, each once; those of the house where nothing was placed yet. */
export function timeCameras(all: readonly Camera[], tiles: readonly (string | null)[]): TimeCamera[] {
  const placed = tiles.flatMap((key) => all.find((camera) => camera.key === key) ?? []);
  const chosen = placed.length > 0 ? placed : all.filter(({ enabled }) => enabled).slice(0, 4);
  const seen = chosen.filter(({ actions }) => actions.includes('playback'));
  return [...new Map(seen.map((camera) => [camera.key, camera])).values()]
    .slice(0, LANES_MAX)
    .map((camera) => laneCamera(camera, all));
}

/** The full stream where there is one: it is what is kept. */
function laneCamera(camera: Camera, all: readonly Camera[]): TimeCamera {
  const { key, node, source, streams } = camera;
  const stream = streams.some((each) => each.stream === 'main') || streams.length === 0 ? 'main' : streams[0]!.stream;
  return { key, node, source, name: shownName(camera, all), stream };
}

/** The cameras of the timeline, in a component; the same list as long as nothing of it changes. */
export function useTimeCameras(): readonly TimeCamera[] {
  const { cameras, wall } = useModel();
  const all = useStore(cameras.all);
  const { tiles } = useStore(wall.layout);
  const list = timeCameras(all, tiles);
  const shape = list.map(({ key, name, stream }) => `${key}\n${name}\n${stream}`).join('\0');
  // biome-ignore lint/correctness/useExhaustiveDependencies: states of cameras change every two seconds, the lanes do not
  return useMemo(() => list, [shape]);
}

/** The cameras that jumps to events and gaps are about: the chosen tile, the one that fills the wall, or all. */
export function chosenCameras({ wall }: Pick<Model, 'wall'>, all: readonly TimeCamera[]): readonly TimeCamera[] {
  const key = wall.chosen.get() ?? wall.enlarged.get();
  const one = all.filter((camera) => camera.key === key);
  return one.length > 0 ? one : all;
}
