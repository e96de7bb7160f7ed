import type { DeviceKey } from '../engine/messages.ts';
import type { Model } from '../model/model.ts';
import { forgetOnWall, readWallMemory } from './wall-memory.ts';

/** Ends this browser's pairing with a node. Its cameras leave the wall and saved layouts, and are new should it be paired again. */
export async function forgetNode(
  { engine, names, wall }: Pick<Model, 'engine' | 'names' | 'wall'>,
  node: DeviceKey,
): Promise<void> {
  await engine.forget(node);
  names.forget(node);
  const layouts = [wall.layout.get(), ...wall.saved.get()];
  const keys = [...layouts.flatMap(({ tiles }) => tiles), ...readWallMemory(localStorage).known];
  for (const key of new Set(keys)) {
    if (!key?.startsWith(`${node}/`)) continue;
    wall.forget(key);
    forgetOnWall(localStorage, key);
  }
}
