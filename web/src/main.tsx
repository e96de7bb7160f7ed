// In this order: areas lay their rules over these.
import './ui/theme.css';
import './ui/base.css';
import './ui/ui.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App, loadAhead } from './app.tsx';
import { Engine } from './engine/engine.ts';
import { startWorker } from './engine/start-worker.ts';
import { languageOf } from './i18n/formats.ts';
import { changeLanguage, startI18n } from './i18n/index.ts';
import { createModel } from './model/model.ts';
import { keepAddress } from './shell/address.ts';
import { ErrorBoundary } from './shell/error-boundary.tsx';
import { registerServiceWorker } from './shell/install.ts';
import { applyTheme } from './ui/theme.ts';

const engine = new Engine(startWorker());
const model = createModel(engine);
const { settings } = model;
const language = () => settings.language.get() ?? languageOf(navigator.languages);

// The invitation leaves the address bar before anything else happens.
keepAddress(model);
applyTheme(settings.theme);
settings.language.subscribe(() => void changeLanguage(language()));
addEventListener('online', () => engine.wake());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) engine.wake();
});

void engine.start();
void startI18n(language(), loadAhead(model.page.get())).then(() => {
  createRoot(document.getElementById('app')!).render(
    <StrictMode>
      <ErrorBoundary>
        <App model={model} />
      </ErrorBoundary>
    </StrictMode>,
  );
});
registerServiceWorker();
