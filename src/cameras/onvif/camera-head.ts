import type { XmlElement } from '../../protocol/index.ts';
import type { PtzDriver, PtzPreset, PtzVector } from '../api.ts';
import { CameraError } from '../errors.ts';
import { all, first, labelOf, numberOf, textAt, tokenOf } from './element-reader.ts';
import type { Operation } from './vocabulary.ts';

interface Range {
  min: number;
  max: number;
}

/** What a head can do, as its PTZ node says. A part it does not have is null. */
export interface HeadAbilities {
  position: { pan: Range; tilt: Range } | null;
  zoomPosition: Range | null;
  speed: { pan: Range; tilt: Range } | null;
  zoomSpeed: Range | null;
  presetsMax: number;
}

export const PRESETS_MAX = 128;
/** The generic spaces of ONVIF; what is a number of some other unit is not used. */
const GENERIC = { both: { min: -1, max: 1 }, zoom: { min: 0, max: 1 } };
/** The camera's own time-out of a move, ms. */
const MOVE_MS = { min: 1_000, max: 10_000 };

/** Reads the node with that token (or the first one) of a `GetNodesResponse`; null where there is none. Total. */
export function headAbilitiesOf(response: XmlElement, token: string): HeadAbilities | null {
  const nodes = all(response, 'PTZNode');
  const node = nodes.find((each) => each.attributes.get('token') === token) ?? nodes[0];
  if (!node) return null;
  const spaces = first(node, 'SupportedPTZSpaces');
  const generic = (name: string) => {
    const offered = all(spaces, name);
    return offered.find((each) => textAt(each, 'URI').endsWith('GenericSpace')) ?? offered[0];
  };
  const plane = (name: string) => {
    const space = generic(name);
    return space
      ? { pan: rangeOf(first(space, 'XRange'), GENERIC.both), tilt: rangeOf(first(space, 'YRange'), GENERIC.both) }
      : null;
  };
  const line = (name: string, otherwise: Range) => {
    const space = generic(name);
    return space ? rangeOf(first(space, 'XRange'), otherwise) : null;
  };
  const presets = numberOf(textAt(node, 'MaximumNumberOfPresets')) ?? 0;
  return {
    position: plane('AbsolutePanTiltPositionSpace'),
    zoomPosition: line('AbsoluteZoomPositionSpace', GENERIC.zoom),
    speed: plane('ContinuousPanTiltVelocitySpace'),
    zoomSpeed: line('ContinuousZoomVelocitySpace', GENERIC.both),
    presetsMax: Math.min(PRESETS_MAX, Math.max(0, Math.trunc(presets))),
  };
}

/** What a `GetStatusResponse` says, in our measures. Total. */
export function headStatusOf(
  response: XmlElement,
  head: HeadAbilities,
): { position: PtzVector | null; moving: boolean | null } {
  const status = first(response, 'PTZStatus');
  const plane = first(status, 'Position', 'PanTilt');
  const [x, y] = [numberOf(plane?.attributes.get('x')), numberOf(plane?.attributes.get('y'))];
  const zoom = numberOf(first(status, 'Position', 'Zoom')?.attributes.get('x'));
  const { pan, tilt } = head.position ?? { pan: GENERIC.both, tilt: GENERIC.both };
  const zoomRange = head.zoomPosition ?? GENERIC.zoom;
  const known = (x !== null && y !== null) || zoom !== null;
  const position = known
    ? {
        pan: x === null ? 0 : shareOf(x, pan) * 2 - 1,
        tilt: y === null ? 0 : shareOf(y, tilt) * 2 - 1,
        zoom: zoom === null ? 0 : shareOf(zoom, zoomRange),
      }
    : null;
  const words = ['PanTilt', 'Zoom'].map((name) => textAt(status, 'MoveStatus', name).toUpperCase());
  const moving = words.includes('MOVING') ? true : words.includes('IDLE') ? false : null;
  return { position, moving };
}

/** The presets of a `GetPresetsResponse`; those without a token are left out. Total. */
export function presetsOf(response: XmlElement): PtzPreset[] {
  const found = all(response, 'Preset').flatMap((preset) => {
    const token = tokenOf(preset.attributes.get('token'));
    return token === null ? [] : [{ token, name: labelOf(textAt(preset, 'Name')) }];
  });
  return found.slice(0, PRESETS_MAX);
}

/** How a head is spoken to. */
export interface HeadVoice {
  /** Runs what one call asks under one deadline; gives errors as drivers give them. */
  run<T>(signal: AbortSignal | undefined, task: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Asks the PTZ service. */
  say(operation: Operation, parameters: Record<string, string | number>, signal: AbortSignal): Promise<XmlElement>;
  /** The profile through which the head is moved, and what it can do; `unsupported` where there is none. */
  head(signal: AbortSignal): Promise<{ profileToken: string; abilities: HeadAbilities }>;
}

/** PTZ of one camera. */
export function createHead({ run, say, head }: HeadVoice): PtzDriver {
  // A part that is left out of a move goes on as it was: what was set going must be told to stand.
  let going = { plane: false, zoom: false };
  return {
    move: (speed, forMs, signal) =>
      run(signal, async (signal) => {
        const { profileToken, abilities } = await head(signal);
        const plane = abilities.speed !== null && (speed.pan !== 0 || speed.tilt !== 0 || going.plane);
        const zoom = abilities.zoomSpeed !== null && (speed.zoom !== 0 || going.zoom);
        if (!plane && !zoom) {
          if (abilities.speed || abilities.zoomSpeed) return;
          throw new CameraError('unsupported');
        }
        const parameters: Record<string, string | number> = {
          profileToken,
          timeout: clamp(Math.round(forMs), MOVE_MS),
          ...(plane
            ? { x: speedIn(speed.pan, abilities.speed!.pan), y: speedIn(speed.tilt, abilities.speed!.tilt) }
            : { onlySendZoom: 1 }),
          ...(zoom ? { zoom: speedIn(speed.zoom, abilities.zoomSpeed!) } : { onlySendPanTilt: 1 }),
        };
        going = { plane: going.plane || plane, zoom: going.zoom || zoom };
        await say('continuousMove', parameters, signal);
        going = { plane: speed.pan !== 0 || speed.tilt !== 0, zoom: speed.zoom !== 0 };
      }),
    stop: (signal) =>
      run(signal, async (signal) => {
        const { profileToken } = await head(signal);
        await say('stop', { profileToken, panTilt: 'true', zoom: 'true' }, signal);
        going = { plane: false, zoom: false };
      }),
    goto: (position, signal) =>
      run(signal, async (signal) => {
        const { profileToken, abilities } = await head(signal);
        if (!abilities.position && !abilities.zoomPosition) throw new CameraError('unsupported');
        const plane = abilities.position;
        const zoom = abilities.zoomPosition;
        await say(
          'absoluteMove',
          {
            profileToken,
            ...(plane
              ? { x: within((position.pan + 1) / 2, plane.pan), y: within((position.tilt + 1) / 2, plane.tilt) }
              : { onlySendZoom: 1 }),
            ...(zoom ? { zoom: within(position.zoom, zoom) } : { onlySendPanTilt: 1 }),
          },
          signal,
        );
      }),
    status: (signal) =>
      run(signal, async (signal) => {
        const { profileToken, abilities } = await head(signal);
        return headStatusOf(await say('getStatus', { profileToken }, signal), abilities);
      }),
    presets: (signal) =>
      run(signal, async (signal) => {
        const { profileToken } = await head(signal);
        return presetsOf(await say('getPresets', { profileToken }, signal));
      }),
    gotoPreset: (token, signal) =>
      run(signal, async (signal) => {
        const { profileToken } = await head(signal);
        await say('gotoPreset', { profileToken, preset: token }, signal);
      }),
    setPreset: (name, token, signal) =>
      run(signal, async (signal) => {
        const { profileToken } = await head(signal);
        const wish = { profileToken, presetName: name, ...(token === null ? {} : { presetToken: token }) };
        const given = tokenOf(textAt(await say('setPreset', wish, signal), 'PresetToken')) ?? token;
        if (given === null) throw new CameraError('malformed', { detail: 'it told no token of the preset' });
        return given;
      }),
    removePreset: (token, signal) =>
      run(signal, async (signal) => {
        const { profileToken } = await head(signal);
        await say('removePreset', { profileToken, presetToken: token }, signal);
      }),
  };
}

function rangeOf(element: XmlElement | undefined, otherwise: Range): Range {
  const [min, max] = [numberOf(textAt(element, 'Min')), numberOf(textAt(element, 'Max'))];
  return min !== null && max !== null && min < max ? { min, max } : otherwise;
}

/** Where a number lies in a range, from 0 to 1. */
function shareOf(value: number, { min, max }: Range): number {
  return rounded((clamp(value, { min, max }) - min) / (max - min));
}

function within(share: number, { min, max }: Range): number {
  return rounded(min + clamp(share, { min: 0, max: 1 }) * (max - min));
}

/** A speed from -1 to 1 as a part of the fastest in its direction. */
function speedIn(speed: number, { min, max }: Range): number {
  const share = clamp(speed, GENERIC.both);
  return rounded(share < 0 ? -share * Math.min(0, min) : share * Math.max(0, max));
}

function clamp(value: number, { min, max }: Range): number {
  return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : min;
}

/** Four decimals, and no minus before nothing. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000 + 0;
}
