import { useStore } from '../engine/store.ts';
import { may } from '../model/access.ts';
import { useAsked } from '../model/asked.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';

const ASK_MS = 60_000;

/** Cameras whose recordings this device may keep as files: its role has the right, and no grant took it away. */
export function useExportable(): readonly Camera[] {
  const { engine, cameras } = useModel();
  const all = useStore(cameras.all);
  const open = useStore(engine.nodes).filter(({ link }) => link.kind === 'open');
  const key = open.map(({ node, device }) => `${node} ${device}`).join();
  const grants = useAsked(
    `export ${key}`,
    open.length === 0
      ? null
      : async (signal) => {
          const told = open.map(async ({ node, device }) => {
            const { grants } = await engine.call(node, 'grants.list', { device }, signal);
            return [node, grants.find((each) => each.device === device) ?? null] as const;
          });
          return Object.fromEntries(await Promise.all(told));
        },
    ASK_MS,
  );
  return all.filter(({ node, role }) => role !== null && may({ role, grant: grants.value?.[node] ?? null }, 'export'));
}
