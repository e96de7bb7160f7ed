import { createContext, useContext } from 'react';
import type { Engine } from '../engine/engine.ts';
import type { DeviceKey } from '../engine/messages.ts';
import { Store } from '../engine/store.ts';
import { type Seen, TimeView } from '../timeline/time-view.ts';
import { CameraNames } from './camera-names.ts';
import { Cameras } from './cameras.ts';
import { Playhead } from './playhead.ts';
import { type Settings, settings } from './settings.ts';
import { type History, keepHistory } from './stream-history.ts';
import { Wall } from './wall.ts';

/** Pages of the app; `wall` is home. */
export type Page = 'wall' | 'health' | 'devices' | 'cameras' | 'settings' | 'pair';

/** Everything components share. */
export interface Model {
  engine: Engine;
  cameras: Cameras;
  /** What they are called, known before their nodes are reached. */
  names: CameraNames;
  /** Bit and frame rates of every stream since the page was opened, a day of them at most. */
  history: History;
  playhead: Playhead;
  wall: Wall;
  /** The part of time the timeline shows. */
  timeView: TimeView;
  /** A stretch that was marked on the timeline, epoch ms. */
  selection: Store<Seen | null>;
  /** The dialog for saving a stretch is open. */
  exporting: Store<boolean>;
  /** What is shown; kept in the address bar as `?page=`. */
  page: Store<Page>;
  /** Language, theme and time zone of display. */
  settings: Settings;
  /** The node the bar at the top tells of; null: the first. */
  chosenNode: Store<DeviceKey | null>;
  /** The invitation the page was opened with, taken out of the address bar at once. */
  invitation: Store<string | null>;
}

export function createModel(engine: Engine): Model {
  const cameras = new Cameras(engine);
  return {
    engine,
    cameras,
    names: new CameraNames(cameras.all, localStorage),
    history: keepHistory(cameras),
    playhead: new Playhead(),
    wall: new Wall(),
    timeView: new TimeView(),
    selection: new Store<Seen | null>(null),
    exporting: new Store<boolean>(false),
    page: new Store<Page>('wall'),
    settings,
    chosenNode: new Store<DeviceKey | null>(null),
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
