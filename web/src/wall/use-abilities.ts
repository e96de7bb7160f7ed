import { useEffect, useState } from 'react';
import type { Engine } from '../engine/engine.ts';
import type { CommandResult } from '../engine/messages.ts';
import type { Camera } from '../model/cameras.ts';
import { useModel } from '../model/model.ts';

type Abilities = NonNullable<CommandResult<'cameras.view'>['abilities']>;

/** What the camera can and this device may. */
export interface CameraOffers {
  ptz: boolean;
  /** Taking the head from another device. */
  ptzTake: boolean;
  presetsMax: number;
  imaging: boolean;
}

const NONE: CameraOffers = { ptz: false, ptzTake: false, presetsMax: 0, imaging: false };
/** A camera's abilities change when it is replaced; asked again after so long. */
const FRESH_MS = 60_000;

const asked = new WeakMap<Engine, Map<string, { at: number; abilities: Promise<Abilities | null> }>>();

async function ask(engine: Engine, { node, source }: Camera): Promise<Abilities | null> {
  try {
    return (await engine.call(node, 'cameras.view', { source }, AbortSignal.timeout(8_000))).abilities;
  } catch {
    // No ONVIF, or not reachable now: nothing of it is offered.
    return null;
  }
}

function abilitiesOf(engine: Engine, camera: Camera): Promise<Abilities | null> {
  const known = asked.get(engine) ?? new Map();
  asked.set(engine, known);
  const found = known.get(camera.key);
  if (found && Date.now() - found.at < FRESH_MS) return found.abilities;
  const abilities = ask(engine, camera);
  known.set(camera.key, { at: Date.now(), abilities });
  // An answer that did not come is no answer.
  void abilities.then((answer) => answer ?? known.delete(camera.key));
  return abilities;
}

/** Asked while `wanted`: a tile nobody uses asks nothing. */
export function useOffers(camera: Camera | undefined, wanted: boolean): CameraOffers {
  const { engine } = useModel();
  const [abilities, setAbilities] = useState<Abilities | null>(null);
  const ready = wanted && camera?.reachable === true;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the camera is known by its key; its states change all the time
  useEffect(() => {
    if (!ready || !camera) return;
    let here = true;
    void abilitiesOf(engine, camera).then((answer) => here && setAbilities(answer));
    return () => {
      here = false;
    };
  }, [engine, camera?.key, ready]);
  if (!camera?.reachable || !abilities) return NONE;
  const { actions } = camera;
  return {
    ptz: abilities.ptz && actions.includes('ptz'),
    ptzTake: actions.includes('configure'),
    presetsMax: abilities.presetsMax,
    imaging: abilities.imaging && actions.includes('configure'),
  };
}
