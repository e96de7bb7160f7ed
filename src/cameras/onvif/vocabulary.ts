import { createRequire } from 'node:module';
import type onvif from 'onvif';
import { assert } from '../../errors.ts';
import { NAMESPACES, type ServiceName } from './namespaces.ts';
import { escapeXml } from './soap-message.ts';

/** What the package is asked to put into words. */
export type Operation =
  | 'absoluteMove'
  | 'continuousMove'
  | 'getDeviceInformation'
  | 'getImagingSettings'
  | 'getNodes'
  | 'getPresets'
  | 'getProfiles'
  | 'getRecordingSummary'
  | 'getSnapshotUri'
  | 'getStatus'
  | 'getStreamUri'
  | 'getVideoSourceOptions'
  | 'gotoPreset'
  | 'removePreset'
  | 'setImagingSettings'
  | 'setNTP'
  | 'setPreset'
  | 'setSystemDateAndTime'
  | 'stop';

type Parameter = string | number | boolean | Date;

/** One question in ONVIF's words: whom it is for, its action and the one element of its body. */
export interface Phrase {
  service: ServiceName;
  action: string;
  body: string;
}

/** What the package calls when it would send; its other members stay as they are. */
interface Composer {
  media2Support: boolean;
  _envelopeHeader: () => string;
  _envelopeFooter: () => string;
  _request: (options: { body: string }) => void;
}

/** The package is loaded with the first question: a node without ONVIF cameras does without its 15 MB. */
let loaded: typeof onvif | null = null;
const require = createRequire(import.meta.url);

const FIRST_ELEMENT = /^<([A-Za-z]+) xmlns="([^"]+)"/;

/**
 * Puts a question into words with the package `onvif`: its methods compose and would then send, and here what they would send is
 * taken from them. No camera of the package is made, so it holds no socket, no timer and no listener. Texts are escaped here, which
 * the package does not do. `media2` chooses the newer media service.
 */
export function phrase(operation: Operation, parameters?: Record<string, Parameter>, media2 = false): Phrase {
  let composed = '';
  loaded ??= require('onvif') as typeof onvif;
  const { prototype } = loaded.Cam;
  const composer: Composer = Object.assign(Object.create(prototype), {
    media2Support: media2,
    _envelopeHeader: () => '',
    _envelopeFooter: () => '',
    _request: ({ body }: { body: string }) => {
      composed = body;
    },
  } satisfies Composer);
  const method = (prototype as unknown as Record<Operation, (...values: unknown[]) => void>)[operation];
  const heard = () => {};
  if (parameters) method.call(composer, escaped(parameters), heard);
  else method.call(composer, heard);
  const found = FIRST_ELEMENT.exec(composed);
  const service = found && SERVICES.get(found[2]!);
  assert(found && service, `the package put ${operation} into words that are understood here`);
  return { service, action: `${found[2]}/${found[1]}`, body: composed };
}

/** One question of our own making, for what the package has no words for. `inside` is XML, escaped already. */
export function ownPhrase(service: ServiceName, name: string, inside = ''): Phrase {
  const namespace = NAMESPACES[service];
  return { service, action: `${namespace}/${name}`, body: `<${name} xmlns="${namespace}">${inside}</${name}>` };
}

const SERVICES = new Map(
  Object.entries(NAMESPACES).flatMap(([name, namespace]) =>
    name === 'schema' ? [] : [[namespace as string, name as ServiceName] as const],
  ),
);

function escaped(parameters: Record<string, Parameter>): Record<string, Parameter> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, typeof value === 'string' ? escapeXml(value) : value]),
  );
}
