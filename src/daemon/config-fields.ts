import { z } from 'zod';
import { isNvrError } from '../errors.ts';
import { parseCameraUrl } from '../media/index.ts';
import { type DeviceKey, isDeviceKey, isLabel } from '../protocol/index.ts';
import { parseDurationMs, parseSize } from './quantities.ts';
import { parseServiceUrl } from './service-url.ts';

/** A text that `parse` understands; `null` from it, or an error of kind `invalid`, is a mistake of the person. */
export function parsed<T>(expected: string, parse: (text: string) => T | null) {
  return z.string(`expected ${expected}`).transform((text, context) => {
    try {
      const value = parse(text);
      if (value !== null) return value;
      context.addIssue({ code: 'custom', message: `expected ${expected}` });
    } catch (error) {
      if (!isNvrError(error, 'invalid')) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
    return z.NEVER;
  });
}

export const duration = (least: number, most: number, told: string) =>
  parsed(`a duration such as 60s, 12h or 30d, ${told}`, (text) => {
    const ms = parseDurationMs(text);
    return ms !== null && ms >= least && ms <= most ? ms : null;
  });
export const size = () => parsed('a size such as 500MB, 10GB or 80%', parseSize);
export const age = () => duration(60_000, 3_650 * 86_400_000, 'from 1m to 3650d');
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `expected one of ${values.join(', ')}`);
export const yesNo = () => z.boolean('expected true or false');
export const label = () =>
  z.string('expected a name').refine(isLabel, 'expected 1 to 64 visible characters without space at either end');
export const url = () => parsed('a camera url', parseCameraUrl);
/** Where an ONVIF device service is: http or https, a host, a path; no credentials and nothing behind them. */
export const serviceUrl = () =>
  parsed('the http address of a device service, without user and password', parseServiceUrl);
export const whole = (least: number, most: number) => {
  const told = `expected a whole number from ${least} to ${most}`;
  return z.int(told).min(least, told).max(most, told);
};
export const origin = () =>
  parsed('a web origin such as https://nvr.example', (text) =>
    /^https?:\/\/(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/.test(text) ? text : null,
  );
export const viewerUrl = () =>
  parsed('the address of a viewer without #, such as https://viewer.example/', (text) =>
    text.length <= 512 && /^https?:\/\/[!-~]+$/.test(text) && !text.includes('#') ? text : null,
  );
/** One of them, or a list. */
export const list = <T extends z.ZodType>(item: T, most: number, least = 1) =>
  z.preprocess(
    (value) => (Array.isArray(value) || value === undefined ? value : [value]),
    z
      .array(item, 'expected one, or a list')
      .min(least, `expected at least ${least}`)
      .max(most, `expected at most ${most}`),
  );
/** A device key, 64 lower-case hex characters. */
export const deviceKey = () =>
  parsed('a device key of 64 characters 0-9 and a-f', (text) => (isDeviceKey(text) ? (text as DeviceKey) : null));
/** A file that holds a secret; relative names are below the data folder. */
export const secretFile = () => z.string('expected a file').min(1, 'expected a file').max(1024);
