import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { Engine } from './engine/engine.ts';
import { startWorker } from './engine/start-worker.ts';

const engine = new Engine(startWorker());
createRoot(document.getElementById('app')!).render(<App engine={engine} />);
void engine.start();
