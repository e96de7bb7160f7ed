import { useStore } from '../engine/store.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';

/** Cameras whose recordings this device may keep as files. */
export function useExportable(): readonly Camera[] {
  const { cameras } = useModel();
  return useStore(cameras.all).filter(({ reachable, actions }) => reachable && actions.includes('export'));
}
