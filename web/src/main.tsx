import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { Engine } from './engine/engine.ts';

const engine = new Engine(new Worker(new URL('./engine/worker.ts', import.meta.url), { type: 'module' }));
createRoot(document.getElementById('app')!).render(<App engine={engine} />);
void engine.start();
