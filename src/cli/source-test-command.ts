import { resolve } from 'node:path';
import { concatBytes } from '../bytes/index.ts';
import type { NvrClient } from '../client/index.ts';
import { type CommandParams, checkResult, methodOf, type SourcesTestResult } from '../protocol/index.ts';
import { cameraUnseen, fileExists, replyNotUnderstood, usageError } from './errors.ts';
import type { Reach } from './reach.ts';
import { addressesOf, checkedParams, type SourceOptions } from './source-options.ts';
import { harmless } from './terminal.ts';
import type { World } from './world.ts';

/** Most bytes of the picture that is taken. */
const PICTURE_BYTES_MAX = 64 * 1024 * 1024;

/** `source test`. */
export async function sourceTestCommand(
  world: World,
  reach: Reach,
  source: string | undefined,
  options: SourceOptions & { picture?: string },
): Promise<void> {
  const given = Object.entries({ source, ...(await addressesOf(world, source, options)) });
  const told = given.filter(([, value]) => value !== undefined);
  if (source === undefined && options.url === undefined && options.onvif === undefined) {
    throw usageError('expected a source, --url or --onvif');
  }
  const params = checkedParams('sources.test', Object.fromEntries(told));
  const file = options.picture === undefined ? null : resolve(world.cwd, options.picture);
  if (file && (await world.files.stat(file))) throw fileExists(options.picture!);
  if (!options.json) world.terminal.err('trying the camera, for at most 40 seconds …\n');
  const { result, picture } = await reach((client) => tryCamera(client, params, world.interrupt));
  if (file && picture) await world.files.replace(file, picture);
  if (options.json) world.terminal.out(`${JSON.stringify(result)}\n`);
  showTest(world, result, options.json ? 'quietly' : 'plainly');
}

/** Has the node try a camera; gives what it says, and the picture as a movie of one fragment. */
export async function tryCamera(
  { connection }: NvrClient,
  params: CommandParams<'sources.test'>,
  signal: AbortSignal,
): Promise<{ result: SourcesTestResult; picture: Uint8Array<ArrayBuffer> | null }> {
  const stream = connection.open(methodOf('sources.test'), params, { signal });
  const units: Uint8Array[] = [];
  let size = 0;
  for await (const { bytes } of stream.units) {
    size += bytes.length;
    if (size <= PICTURE_BYTES_MAX) units.push(bytes);
  }
  const checked = checkResult('sources.test', await stream.result);
  if ('problems' in checked) throw replyNotUnderstood('sources.test', checked.problems);
  return { result: checked.result, picture: units.length === 2 ? concatBytes(...units) : null };
}

/**
 * Says what was seen: as the result, beside it, or not at all. `ERR_CLI_CAMERA` (`unavailable`) where a camera gave no picture of its main
 * stream, or is another one.
 */
export function showTest(world: World, result: SourcesTestResult, how: 'plainly' | 'aside' | 'quietly'): void {
  const { onvif, streams, advice } = result;
  const lines = [...(onvif ? onvifLines(onvif) : []), ...streams.map(streamLine)];
  const { terminal } = world;
  if (how !== 'quietly') {
    for (const line of lines) (how === 'plainly' ? terminal.out : terminal.err).call(terminal, `${harmless(line)}\n`);
    for (const each of advice) terminal.err(`  ${harmless(each)}\n`);
  }
  const main = streams.find(({ stream }) => stream === 'main');
  if (onvif?.expected === false) throw cameraUnseen('another camera answers at this address');
  if (!main?.ok) throw cameraUnseen(`no picture came: ${harmless(main?.cause ?? onvif?.cause ?? 'unknown')}`);
}

function onvifLines(onvif: NonNullable<SourcesTestResult['onvif']>): string[] {
  const { identity, abilities, streams, snapshot, clockOffsetMs } = onvif;
  if (!onvif.ok) return [`onvif   no: ${onvif.reason ?? onvif.cause ?? 'unknown'}`];
  const who = [identity?.manufacturer, identity?.model, identity?.firmware].filter((each) => each);
  const abilityText = abilities.filter((each) => each !== 'snapshot' || snapshot !== false).join(', ');
  return [
    `onvif   ${who.join(' ') || 'answers'}${identity ? `, hardware id ${identity.hardwareId}` : ''}`,
    ...(abilityText ? [`        can: ${abilityText}`] : []),
    ...(clockOffsetMs === undefined ? [] : [`        clock: ${(clockOffsetMs / 1000).toFixed(1)} s from the node's`]),
    ...streams.map(({ codec, width, height, fps, url }) => {
      const rate = fps === null ? '' : ` ${fps}/s`;
      return `        offers ${codec} ${width}x${height}${rate}: ${url}`;
    }),
  ];
}

function streamLine({ stream, ok, codec, size, fps, audio, transport, ms, cause, reason }: StreamFacts): string {
  const name = stream.padEnd(8);
  if (!ok) return `${name}no picture: ${cause ?? 'unknown'}${reason ? ` (${reason})` : ''}`;
  const picture = [codec, size ? `${size.width}x${size.height}` : null, fps === undefined ? null : `${fps}/s`];
  const facts = picture.filter((each) => each !== null);
  return `${name}${facts.join(' ')}, ${audio ? 'sound' : 'no sound'}, by ${transport}, after ${ms} ms`;
}

type StreamFacts = SourcesTestResult['streams'][number];
