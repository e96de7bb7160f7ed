import { ADVICE_MAX, type SourcesTestResult } from '../protocol/index.ts';

type Facts = Pick<SourcesTestResult, 'onvif' | 'streams'>;

/** A clock that is off by more is worth a word. */
const CLOCK_MS = 2_000;
/** Above that a picture is large for a grid. */
const SUB_WIDTH_MAX = 1_280;

/** What a person may want to do about a camera that was tried; at most `ADVICE_MAX` sentences, most urgent first. */
export function adviceOn({ onvif, streams }: Facts): string[] {
  const advice: string[] = [];
  const causes = new Set([...streams.map(({ cause }) => cause), onvif?.cause]);
  if (onvif?.expected === false) {
    advice.push('another camera answers here: check the address, or change hardware if the camera was replaced');
  }
  if (causes.has('unauthorized')) {
    advice.push('check user name and password; many cameras have a user of their own for ONVIF and RTSP');
    advice.push('after some wrong tries many cameras refuse also the right password for several minutes');
  }
  if (streams.some(({ cause }) => cause === 'unreachable')) {
    advice.push('nothing answers at that address and port: is the camera on, and is RTSP switched on in its settings?');
  }
  if (streams.some(({ cause }) => cause === 'timeout' || cause === 'stalled')) {
    advice.push('the camera answers but no picture comes: try transport udp or tcp, or another stream of it');
  }
  if (streams.some(({ cause }) => cause === 'malformed' || cause === 'ended')) {
    advice.push('the camera ends the stream or sends what cannot be understood: try another path or codec');
  }
  if (onvif && !onvif.ok && onvif.cause === 'unreachable') {
    advice.push('no ONVIF service answers there: many cameras need it switched on, some use port 8000, 8080 or 8899');
  }
  if (onvif?.clockOffsetMs !== undefined && Math.abs(onvif.clockOffsetMs) > CLOCK_MS) {
    advice.push(
      `the camera's clock is off by ${Math.round(Math.abs(onvif.clockOffsetMs) / 1000)} s: camera time sets it`,
    );
  }
  adviseOnPictures({ onvif, streams }, advice);
  return advice.slice(0, ADVICE_MAX);
}

function adviseOnPictures({ onvif, streams }: Facts, advice: string[]): void {
  const [main, sub] = [streams.find(({ stream }) => stream === 'main'), streams.find(({ stream }) => stream === 'sub')];
  if (streams.some(({ codec }) => codec === 'h265')) advice.push('H.265 is recorded, but many browsers cannot show it');
  if (streams.some(({ codec }) => codec === 'other')) advice.push('choose H.264 in the settings of the camera');
  if (main?.ok && !sub) {
    const smaller = onvif?.streams.find(({ width }) => main.size && width < main.size.width);
    advice.push(
      smaller
        ? `there is no sub stream: the camera offers one of ${smaller.width}x${smaller.height}`
        : 'there is no sub stream: grids of many cameras are lighter with one',
    );
  }
  if (sub?.size && sub.size.width > SUB_WIDTH_MAX)
    advice.push('the sub stream is large: make it smaller in the camera');
  if (onvif?.ok && !onvif.abilities.includes('events')) advice.push('it tells of no events: record: event cannot work');
}
