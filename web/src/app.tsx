import type { Engine } from './engine/engine.ts';
import { useStore } from './engine/store.ts';

export function App({ engine }: { engine: Engine }) {
  const nodes = useStore(engine.nodes);
  const facts = useStore(engine.facts);
  return <pre>{JSON.stringify({ nodes, facts }, null, 2)}</pre>;
}
