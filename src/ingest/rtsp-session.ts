import {
  controlUrl,
  type Fragment,
  MovieBuilder,
  type MovieTrouble,
  type ParsedInit,
  parseAnsweredTransport,
  parseRtpInfo,
  parseSession,
  parseSessionDescription,
  type RtspAnswer,
  type SenderReport,
} from '../media/index.ts';
import type { Clock, Datagrams, Random } from '../platform/index.ts';
import type { Complaint } from './error-lines.ts';
import { RtpReceiver } from './rtp-receiver.ts';
import { complaintOf, type RtspConversation } from './rtsp-conversation.ts';
import { type ChosenTracks, chooseTracks, soundTaker } from './rtsp-tracks.ts';
import { openUdpPorts, type UdpPorts } from './udp-ports.ts';

export interface SessionDeps {
  clock: Clock;
  random: Random;
  datagrams: Datagrams;
  talk: RtspConversation;
}

export interface SessionOrder {
  /** The camera's address without credentials. */
  url: string;
  transport: 'tcp' | 'udp';
  sound: 'keep' | 'copy' | 'none';
  /** Numeric addresses of both ends of the connection. */
  local: string;
  remote: string;
}

export interface SessionListener {
  onInit(init: ParsedInit): void;
  onFragment(fragment: Fragment): void;
  onTrouble(trouble: MovieTrouble): void;
  /** The camera's wall time, µs since the epoch, as it told right now. */
  onReport(wallUs: number): void;
  onOver(complaint: Complaint): void;
}

const REPORT_MS = 5_000;
/** How often packets that wait for others are looked after (UDP). */
const EXPIRE_MS = 100;
const KEEP_ALIVE_MS_MIN = 2_500;

/** One RTSP session: from the first question to TEARDOWN, with the tracks, their packets and the reports about them. */
export class RtspSession {
  readonly #deps: SessionDeps;
  readonly #order: SessionOrder;
  readonly #listener: SessionListener;
  readonly #channels = new Map<number, (bytes: Uint8Array, start: number, end: number) => void>();
  readonly #ports: UdpPorts[] = [];
  /** Tracks that are set up, the picture first, with the way back to the camera. */
  readonly #tracks: {
    receiver: RtpReceiver;
    url: string;
    clockRate: number;
    reply: ((bytes: Uint8Array) => void) | null;
  }[] = [];
  readonly #cancels = new Set<() => void>();
  readonly #ssrc: number;
  readonly #reports: [SenderReport | null, SenderReport | null] = [null, null];
  #builder: MovieBuilder | null = null;
  #id: { id: string; timeoutS: number } | null = null;
  #url: string;
  #heardMs: number | null = null;
  #over = false;

  constructor(deps: SessionDeps, order: SessionOrder, listener: SessionListener) {
    this.#deps = deps;
    this.#order = order;
    this.#listener = listener;
    this.#url = order.url;
    this.#ssrc = deps.random.bytes(4).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** When the last packet of the picture came, monotonic ms. */
  get heardMs(): number | null {
    return this.#heardMs;
  }

  get lostPackets(): number {
    return this.#tracks.reduce((sum, { receiver }) => sum + receiver.lost, 0);
  }

  /** An interleaved frame. */
  frame(channel: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#over) this.#channels.get(channel)?.(bytes, start, end);
  }

  /** Asks until the camera sends; gives what went wrong, or null. */
  async begin(): Promise<Complaint | null> {
    const { talk } = this.#deps;
    const { url } = this.#order;
    const options = await talk.ask('OPTIONS', url);
    if (typeof options === 'string') return options;
    // A camera may refuse to speak of what it can do; only being sent away is an answer to go by.
    if (options.status >= 300 && options.status < 400) return 'redirected';
    const described = await talk.ask('DESCRIBE', url, { Accept: 'application/sdp' });
    if (typeof described === 'string') return described;
    if (described.status !== 200) return complaintOf(described.status);
    const offer = parseSessionDescription(described.body);
    if (!offer) return 'malformed';
    const chosen = chooseTracks(offer, this.#order.sound);
    if (typeof chosen === 'string') return chosen;
    const base = controlUrl(first(described, 'content-base') ?? first(described, 'content-location') ?? url, '') ?? url;
    this.#url = controlUrl(base, offer.control) ?? url;
    return (await this.#setUp(chosen, base)) ?? (await this.#play(first(options, 'public') ?? ''));
  }

  /** Gives what is there of the last picture, and takes nothing more. */
  finish(): void {
    if (this.#over) return;
    this.#builder?.finish();
    this.#over = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  /** Says goodbye to the camera; resolves with its answer, or when there is none. */
  async tearDown(): Promise<void> {
    if (this.#id) await this.#deps.talk.ask('TEARDOWN', this.#url, { Session: this.#id.id });
  }

  /** Gives the ports back. */
  async close(): Promise<void> {
    this.finish();
    await Promise.all(this.#ports.flatMap(({ rtp, rtcp }) => [rtp.close(), rtcp.close()]));
  }

  async #setUp({ video, audio, parameterSets }: ChosenTracks, base: string): Promise<Complaint | null> {
    const builder = new MovieBuilder(
      { codec: video.encoding, parameterSets, audio: audio?.description ?? null },
      this.#listener,
    );
    this.#builder = builder;
    const unordered = this.#order.transport === 'udp';
    const picture = new RtpReceiver(
      { payloadType: video.payloadType, clockRate: video.clockRate, unordered },
      {
        payload: (bytes, packet, lost) => {
          if (this.#over) return;
          this.#heardMs = picture.nowMs;
          builder.arrived(picture.nowMs);
          builder.assembler.packet(bytes, packet.start, packet.end, packet, lost);
        },
        report: (report) => this.#hearReport(0, report),
        goodbye: () => this.#listener.onOver('ended'),
      },
    );
    const wrong = await this.#setUpTrack(picture, base, video.control, video.clockRate);
    if (wrong || !audio) return wrong;
    const { media, description, frameTicks } = audio;
    const take = soundTaker(description, frameTicks, builder);
    const sound = new RtpReceiver(
      { payloadType: media.payloadType, clockRate: media.clockRate, unordered },
      {
        payload: (bytes, packet, lost) => {
          if (this.#over) return;
          builder.arrived(sound.nowMs);
          take(bytes, packet, lost);
        },
        report: (report) => this.#hearReport(1, report),
        goodbye: () => {},
      },
    );
    const silent = await this.#setUpTrack(sound, base, media.control, media.clockRate);
    // Sound never costs the picture: what the camera refuses here is left out.
    return silent === 'ended' || silent === 'timeout' ? silent : null;
  }

  async #setUpTrack(
    receiver: RtpReceiver,
    base: string,
    control: string,
    clockRate: number,
  ): Promise<Complaint | null> {
    const { talk } = this.#deps;
    const url = controlUrl(base, control);
    if (!url) return 'malformed';
    const index = this.#tracks.length;
    const channels = [index * 2, index * 2 + 1] as const;
    const ports = this.#order.transport === 'udp' ? await this.#openPorts(receiver) : null;
    if (ports === 'none') return 'unreachable';
    const offer = ports
      ? `RTP/AVP;unicast;client_port=${ports.rtp.local.port}-${ports.rtcp.local.port}`
      : `RTP/AVP/TCP;unicast;interleaved=${channels[0]}-${channels[1]}`;
    const answer = await talk.ask('SETUP', url, { Transport: offer, ...(this.#id ? { Session: this.#id.id } : {}) });
    if (typeof answer === 'string') return answer;
    if (answer.status !== 200) return complaintOf(answer.status);
    const transport = parseAnsweredTransport(first(answer, 'transport') ?? '', channels);
    this.#id ??= parseSession(first(answer, 'session') ?? '');
    if (!transport || !this.#id) return 'malformed';
    if (transport.transport !== this.#order.transport) return 'transport';
    const reply =
      transport.transport === 'tcp'
        ? this.#interleave(receiver, transport.channels)
        : this.#reach(ports!, transport.serverPorts);
    this.#tracks.push({ receiver, url, clockRate, reply });
    return null;
  }

  #interleave(receiver: RtpReceiver, [rtp, rtcp]: readonly [number, number]): (bytes: Uint8Array) => void {
    const { talk } = this.#deps;
    this.#channels.set(rtp, (bytes, start, end) => receiver.rtp(bytes, start, end, talk.nowMs));
    this.#channels.set(rtcp, (bytes, start, end) => receiver.rtcp(bytes.subarray(start, end), talk.nowMs));
    return (bytes) => {
      const frame = new Uint8Array(4 + bytes.length);
      frame.set([0x24, rtcp, bytes.length >> 8, bytes.length & 0xff]);
      frame.set(bytes, 4);
      talk.write(frame);
    };
  }

  async #openPorts(receiver: RtpReceiver): Promise<UdpPorts | 'none'> {
    const { clock, datagrams } = this.#deps;
    const ports = await openUdpPorts(datagrams, this.#order.local);
    if (!ports) return 'none';
    this.#ports.push(ports);
    const { remote } = this.#order;
    ports.rtp.onDatagram((bytes, { host }) => {
      if (host === remote && !this.#over) receiver.rtp(bytes, 0, bytes.length, clock.monotonic());
    });
    ports.rtcp.onDatagram((bytes, { host }) => {
      if (host === remote && !this.#over) receiver.rtcp(bytes, clock.monotonic());
    });
    return ports;
  }

  /** The way to the camera's ports. A first packet opens the way for what comes back through a firewall. */
  #reach({ rtp, rtcp }: UdpPorts, serverPorts: readonly [number, number] | null): ((bytes: Uint8Array) => void) | null {
    if (!serverPorts) return null;
    const { family } = rtp.local;
    const { remote } = this.#order;
    const opener = Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    void rtp.send(opener, { host: remote, port: serverPorts[0], family });
    return (bytes) => void rtcp.send(bytes, { host: remote, port: serverPorts[1], family });
  }

  async #play(offered: string): Promise<Complaint | null> {
    const { talk } = this.#deps;
    const { id, timeoutS } = this.#id!;
    const answer = await talk.ask('PLAY', this.#url, { Session: id, Range: 'npt=0.000-' });
    if (typeof answer === 'string') return answer;
    if (answer.status !== 200) return complaintOf(answer.status);
    if (this.#over) return null;
    this.#alignByInfo(parseRtpInfo(first(answer, 'rtp-info') ?? ''));
    this.#reportBack();
    this.#every(REPORT_MS, () => this.#reportBack());
    if (this.#order.transport === 'udp') this.#every(EXPIRE_MS, () => this.#expire());
    let word = /\bGET_PARAMETER\b/.test(offered) ? 'GET_PARAMETER' : 'OPTIONS';
    this.#every(Math.max(KEEP_ALIVE_MS_MIN, timeoutS * 500), async () => {
      const alive = await talk.ask(word, this.#url, { Session: id });
      // No answer is no end: some cameras do not speak while they send, and silence of the picture is noticed elsewhere.
      if (alive === 'unauthorized') this.#listener.onOver('unauthorized');
      else if (typeof alive === 'string') return;
      else if (alive.status === 454) this.#listener.onOver('ended');
      else if (alive.status >= 400) word = 'OPTIONS';
    });
    return null;
  }

  #hearReport(index: 0 | 1, report: SenderReport): void {
    if (this.#over) return;
    this.#reports[index] = report;
    if (index === 0) this.#listener.onReport(report.wallUs);
    const [video, audio] = this.#reports;
    const sound = this.#tracks[1];
    if (!video || !audio || !sound) return;
    // The sound's timestamp of the moment the picture's report speaks of.
    const between = Math.round(((video.wallUs - audio.wallUs) * sound.clockRate) / 1_000_000);
    if (Math.abs(between) < 2 ** 31) this.#builder?.align(video.timestamp, (audio.timestamp + between) >>> 0);
  }

  /** The answer to PLAY tells the timestamps of one moment, until reports tell better. */
  #alignByInfo(times: ReadonlyMap<string, number>): void {
    const of = (url: string | undefined) =>
      url === undefined ? undefined : (times.get(url) ?? [...times].find(([told]) => url.endsWith(`/${told}`))?.[1]);
    const [video, audio] = [of(this.#tracks[0]?.url), of(this.#tracks[1]?.url)];
    if (video !== undefined && audio !== undefined) this.#builder?.align(video, audio);
  }

  #reportBack(): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const { receiver, reply } of this.#tracks) reply?.(receiver.report(this.#ssrc, nowMs));
  }

  #expire(): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const { receiver } of this.#tracks) receiver.expire(nowMs);
  }

  #every(ms: number, task: () => unknown): void {
    const cancel = this.#deps.clock.after(ms, () => {
      this.#cancels.delete(cancel);
      if (this.#over) return;
      void task();
      this.#every(ms, task);
    });
    this.#cancels.add(cancel);
  }
}

function first({ headers }: RtspAnswer, name: string): string | undefined {
  return headers.get(name)?.[0];
}
