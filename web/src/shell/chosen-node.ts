import type { NodeState } from '../engine/messages.ts';
import { useStore } from '../engine/store.ts';
import { useModel } from '../model/model.ts';

/** The node the bar at the top tells of: the chosen one, else the first; null where none is paired. */
export function useChosenNode(): NodeState | null {
  const { engine, chosenNode } = useModel();
  const nodes = useStore(engine.nodes);
  const chosen = useStore(chosenNode);
  return nodes.find(({ node }) => node === chosen) ?? nodes[0] ?? null;
}

/** Nodes by the place they stand at, in the order they were paired. */
export function bySite(nodes: readonly NodeState[]): { site: string; nodes: NodeState[] }[] {
  const sites = new Map<string, NodeState[]>();
  for (const node of nodes) {
    const here = sites.get(node.site);
    if (here) here.push(node);
    else sites.set(node.site, [node]);
  }
  return [...sites].map(([site, nodes]) => ({ site, nodes }));
}
