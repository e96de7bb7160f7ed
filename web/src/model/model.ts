import { createContext, useContext } from 'react';
import type { Engine } from '../engine/engine.ts';
import { Store } from '../engine/store.ts';
import { Cameras } from './cameras.ts';
import { Playhead } from './playhead.ts';
import { Wall } from './wall.ts';

/** Pages of the app; `wall` is home. */
export type Page = 'wall' | 'health' | 'devices' | 'cameras' | 'settings' | 'pair';

/** Everything components share. */
export interface Model {
  engine: Engine;
  cameras: Cameras;
  playhead: Playhead;
  wall: Wall;
  /** What is shown; kept in the address bar as `?page=`. */
  page: Store<Page>;
  /** The invitation the page was opened with, taken out of the address bar at once. */
  invitation: Store<string | null>;
}

export function createModel(engine: Engine): Model {
  return {
    engine,
    cameras: new Cameras(engine),
    playhead: new Playhead(),
    wall: new Wall(),
    page: new Store<Page>('wall'),
    invitation: new Store<string | null>(null),
  };
}

export const ModelContext = createContext<Model | null>(null);

/** The model, in a component below `App`. */
export function useModel(): Model {
  const model = useContext(ModelContext);
  if (!model) throw new Error('expected a model around this component');
  return model;
}
