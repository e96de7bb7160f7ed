import type { DatagramAddress } from '../platform/index.ts';
import {
  DISCOVERED_PLACES_MAX,
  DISCOVERED_TOLD_MAX,
  DISCOVERED_URLS_MAX,
  type DiscoveredCamera,
  type SourceId,
} from '../protocol/index.ts';
import { type ProbeMatch, type ProbeReason, parseProbeMatches } from './probe.ts';

/**
 * Answers read in one search, and of one address: a camera needs four for each network it shares with us, and one address may stand
 * for a recorder with sixteen cameras.
 */
const ANSWERS_MAX = 2_048;
const ANSWERS_OF_ONE_MAX = 64;
/** Cameras of one address. */
const CAMERAS_OF_ONE_MAX = 16;

/** A source that is configured, as far as an answer can be told to be its camera. */
export interface KnownCamera {
  source: SourceId;
  /** Hosts of its addresses, as URLs write them (IPv6 in brackets). */
  hosts: readonly string[];
  /** Endpoint reference of its camera, where one was learned. */
  endpoint: string | null;
}

/** A row that grows; of one camera, by its endpoint reference. */
interface Row {
  device: string;
  urls: string[];
  from: string[];
  /** Numeric hosts of `from`, as URLs write them. */
  hosts: string[];
  interfaces: string[];
  name?: string;
  hardware?: string;
}

/**
 * What one search heard: one row for each endpoint reference, however many addresses, URLs and interfaces it has. Bounded in answers of
 * each address, answers of all, cameras of each address, and cameras.
 */
export class FoundCameras {
  /** False once something was left out. */
  complete = true;
  readonly #asked: (uuid: string) => boolean;
  readonly #known: readonly KnownCamera[];
  readonly #onFound: (camera: DiscoveredCamera) => void;
  readonly #rows = new Map<string, Row>();
  readonly #answersOf = new Map<string, number>();
  readonly #camerasOf = new Map<string, number>();
  readonly #refused = new Map<ProbeReason, number>();
  #read = 0;

  /** `asked` knows the probes of this search by UUID; `onFound` is told each row when it is new and when it has grown. */
  constructor(options: {
    asked: (uuid: string) => boolean;
    known: readonly KnownCamera[];
    onFound: (camera: DiscoveredCamera) => void;
  }) {
    this.#asked = options.asked;
    this.#known = options.known;
    this.#onFound = options.onFound;
  }

  /** Takes a datagram that came in on an interface of that name. Total. */
  take(bytes: Uint8Array, from: DatagramAddress, network: string): void {
    const ofOne = this.#answersOf.get(from.host) ?? 0;
    if (this.#read === ANSWERS_MAX || ofOne === ANSWERS_OF_ONE_MAX) {
      this.complete = false;
      this.#count('limit');
      return;
    }
    this.#read += 1;
    this.#answersOf.set(from.host, ofOne + 1);
    const answer = parseProbeMatches(bytes, this.#asked);
    if ('reason' in answer) this.#count(answer.reason);
    else for (const match of answer.matches) this.#keep(match, from, network);
  }

  /** The rows, by address. */
  cameras(): DiscoveredCamera[] {
    const rows = [...this.#rows.values()].sort((a, b) => compare(orderOf(a.from[0]!), orderOf(b.from[0]!)));
    return rows.map((row) => this.#told(row));
  }

  counts() {
    return { answers: this.#read, refused: Object.fromEntries(this.#refused) };
  }

  #keep(match: ProbeMatch, from: DatagramAddress, network: string): void {
    const key = match.device.toLowerCase();
    const row = this.#rows.get(key) ?? this.#begin(key, match, from);
    if (!row) return;
    const host = from.family === 6 ? `[${from.host.replace(/%.*$/, '')}]` : from.host;
    const before = sizeOf(row);
    add(row.from, `${host}:${from.port}`, DISCOVERED_PLACES_MAX, (text) => text.startsWith(`${host}:`));
    add(row.hosts, host, DISCOVERED_PLACES_MAX);
    add(row.interfaces, network, DISCOVERED_PLACES_MAX);
    for (const url of match.urls) add(row.urls, url, DISCOVERED_URLS_MAX);
    if (match.name !== undefined) row.name ??= match.name;
    if (match.hardware !== undefined) row.hardware ??= match.hardware;
    if (sizeOf(row) !== before) this.#onFound(this.#told(row));
  }

  #begin(key: string, { device }: ProbeMatch, from: DatagramAddress): Row | null {
    const ofOne = this.#camerasOf.get(from.host) ?? 0;
    if (this.#rows.size === DISCOVERED_TOLD_MAX || ofOne === CAMERAS_OF_ONE_MAX) {
      this.complete = false;
      return null;
    }
    this.#camerasOf.set(from.host, ofOne + 1);
    const row: Row = { device, urls: [], from: [], hosts: [], interfaces: [] };
    this.#rows.set(key, row);
    return row;
  }

  #told({ device, urls, from, hosts, interfaces, name, hardware }: Row): DiscoveredCamera {
    const isNear = (url: string) => hosts.includes(URL.parse(url)?.hostname ?? '');
    const near = urls.filter(isNear);
    const everywhere = [...hosts, ...urls.map((url) => URL.parse(url)?.hostname ?? '')];
    const source = this.#known.find(
      (each) =>
        each.endpoint?.toLowerCase() === device.toLowerCase() || each.hosts.some((host) => everywhere.includes(host)),
    )?.source;
    return {
      device,
      urls: [...near, ...urls.filter((url) => !isNear(url))],
      from: [...from],
      interfaces: [...interfaces],
      ...(name === undefined ? {} : { name }),
      ...(hardware === undefined ? {} : { hardware }),
      ...(source === undefined ? {} : { configured: source }),
    };
  }

  #count(reason: ProbeReason): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
}

function add(list: string[], text: string, most: number, isSame = (other: string) => other === text): void {
  if (list.length < most && !list.some(isSame)) list.push(text);
}

/** Rows only ever grow, so that this tells whether one has changed. */
function sizeOf({ urls, from, interfaces, name, hardware }: Row): number {
  return urls.length + from.length + interfaces.length + Number(name !== undefined) + Number(hardware !== undefined);
}

/** Numbers of an address padded, so that .9 stands before .10. */
function orderOf(from: string): string {
  return from.replace(/\d+/g, (digits) => digits.padStart(5, '0'));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
