import { faultError } from './errors.ts';

/** Ways in which an answer may be wrong, and the method whose answer it is. */
export const MALFORMED_KINDS = {
  'status-line': 'DESCRIBE',
  cseq: 'DESCRIBE',
  length: 'DESCRIBE',
  truncated: 'DESCRIBE',
  binary: 'DESCRIBE',
  sdp: 'DESCRIBE',
  'parameter-sets': 'DESCRIBE',
  transport: 'SETUP',
  frames: 'PLAY',
  rtp: 'PLAY',
} as const;

export type MalformedKind = keyof typeof MALFORMED_KINDS;

/**
 * What goes wrong on command. Times (`afterMs`) count from a client's PLAY; a client that has been playing for longer is
 * struck at its next picture.
 */
export type Fault =
  /** Whole camera: the port is closed. One mount: the connection is closed without an answer. */
  | { name: 'refuse' }
  /** Every request is answered 401, whatever it carries. */
  | { name: 'unauthorized' }
  /** The named method is never answered; without one, PLAY is answered and nothing follows, no packet and no answer. */
  | { name: 'hang'; method?: string }
  /** Packets and reports end; requests are still answered. */
  | { name: 'silent'; afterMs: number }
  /** The TCP connection is reset. */
  | { name: 'drop'; afterMs: number }
  /** From the next keyframe on the picture has another size, with new parameter sets in band. */
  | { name: 'resize'; afterMs: number }
  /** Timestamps of picture and sound jump by `byMs`, forward or backward. */
  | { name: 'jump'; byMs: number; afterMs: number }
  /** SETUP over TCP is answered 461. */
  | { name: 'udp-only' }
  /** SETUP over UDP is answered 461. */
  | { name: 'tcp-only' }
  /** No sender report is sent. */
  | { name: 'no-rtcp' }
  /** The answer to DESCRIBE has one header, or a body, of `sizeBytes`. */
  | { name: 'huge'; part: 'header' | 'body'; sizeBytes: number }
  | { name: 'malformed'; kind: MalformedKind };

export type FaultName = Fault['name'];

/** Faults that strike some time after PLAY. */
type Timed = Extract<Fault, { afterMs: number }>;
type TimedName = Timed['name'];

/** A fault on one mount, or on all. */
export interface FaultSetting {
  fault: Fault;
  mount?: string | undefined;
}

/** Faults on command. A promise resolves once the change holds. */
export interface Faults {
  /** Adds a fault, in place of one of the same name there. `ERR_VIRTUAL_CAMERA_FAULT` (`invalid`): no such mount, or arguments out of range. */
  set(fault: Fault, mount?: string): Promise<void>;
  /** Ends the faults of that name, or all, on that mount, or everywhere. */
  clear(name?: FaultName, mount?: string): Promise<void>;
  list(): FaultSetting[];
}

const AFTER_MS_DEFAULT = 2000;
const AFTER_MS_MAX = 3_600_000;
const JUMP_MS_MAX = 48 * 3_600_000;
const HUGE_BYTES_MAX = 64 * 1024 * 1024;
const METHODS = ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY', 'PAUSE', 'TEARDOWN', 'GET_PARAMETER'];

/** The faults in force, by mount; the key '' is the whole camera. Bounded by mounts times names. */
export class FaultBoard implements Faults {
  readonly #byMount = new Map<string, Map<FaultName, Fault>>();
  readonly #mounts: ReadonlyMap<string, unknown>;
  readonly #changed: () => Promise<void>;

  constructor(mounts: ReadonlyMap<string, unknown>, changed: () => Promise<void>) {
    this.#mounts = mounts;
    this.#changed = changed;
  }

  async set(fault: Fault, mount = ''): Promise<void> {
    this.place(fault, mount);
    await this.#changed();
  }

  /** As `set`, without telling anybody. */
  place(fault: Fault, mount = ''): void {
    if (mount !== '' && !this.#mounts.has(mount)) throw faultError(`expected a mount of this camera, got ${mount}`);
    checkFault(fault);
    const here = this.#byMount.get(mount) ?? new Map<FaultName, Fault>();
    here.set(fault.name, fault);
    this.#byMount.set(mount, here);
  }

  async clear(name?: FaultName, mount?: string): Promise<void> {
    for (const [key, here] of this.#byMount) {
      if (mount !== undefined && key !== mount) continue;
      if (name === undefined) here.clear();
      else here.delete(name);
    }
    await this.#changed();
  }

  list(): FaultSetting[] {
    const all: FaultSetting[] = [];
    for (const [mount, here] of this.#byMount) {
      for (const fault of here.values()) all.push(mount === '' ? { fault } : { fault, mount });
    }
    return all;
  }

  /** The fault of that name in force on a mount (its own before the camera's), or undefined. */
  active<N extends FaultName>(name: N, mount: string): Extract<Fault, { name: N }> | undefined {
    const fault = this.#byMount.get(mount)?.get(name) ?? this.#byMount.get('')?.get(name);
    return fault as Extract<Fault, { name: N }> | undefined;
  }

  /** As `active`, for a client that has been playing for `playedMs`. */
  due<N extends TimedName>(name: N, mount: string, playedMs: number): Extract<Fault, { name: N }> | undefined {
    const fault = this.active(name, mount);
    return fault && playedMs >= (fault as Timed).afterMs ? fault : undefined;
  }

  /** The kind of malformed answer in force for that method on that mount. */
  malformed(method: string, mount: string): MalformedKind | undefined {
    const fault = this.active('malformed', mount);
    return fault && MALFORMED_KINDS[fault.kind] === method ? fault.kind : undefined;
  }
}

/**
 * A fault written as `name[:argument[:argument]][@/mount]`, times in seconds: `silent:5`, `jump:-10:3`, `hang:describe`,
 * `huge:body:1000000`, `malformed:sdp@/cam2/main`. Throws `ERR_VIRTUAL_CAMERA_FAULT` (`invalid`).
 */
export function parseFault(text: string): FaultSetting {
  const at = text.indexOf('@');
  const mount = at < 0 ? undefined : text.slice(at + 1);
  const [name, ...args] = (at < 0 ? text : text.slice(0, at)).split(':');
  const fault = build(name ?? '', args);
  checkFault(fault);
  return { fault, mount };
}

function build(name: string, args: string[]): Fault {
  const [first, second] = args;
  const only = (count: number) => {
    if (args.length > count) throw faultError(`expected at most ${count} arguments to fault ${name}`);
  };
  switch (name) {
    case 'refuse':
    case 'unauthorized':
    case 'udp-only':
    case 'tcp-only':
    case 'no-rtcp':
      only(0);
      return { name };
    case 'hang':
      only(1);
      return first === undefined ? { name } : { name, method: first.toUpperCase().replace('-', '_') };
    case 'silent':
    case 'drop':
    case 'resize':
      only(1);
      return { name, afterMs: seconds(first) };
    case 'jump':
      only(2);
      if (first === undefined) throw faultError('expected the seconds to jump by, as in jump:-10');
      return { name, byMs: seconds(first), afterMs: seconds(second) };
    case 'huge':
      only(2);
      if (first !== undefined && first !== 'header' && first !== 'body') {
        throw faultError('expected huge:header or huge:body');
      }
      return { name, part: first ?? 'body', sizeBytes: second === undefined ? HUGE_BYTES_MAX : Number(second || 'x') };
    case 'malformed':
      only(1);
      return { name, kind: (first ?? 'sdp') as MalformedKind };
    default:
      throw faultError(`expected one of the known faults, got ${name.slice(0, 40)}`);
  }
}

function checkFault(fault: Fault): void {
  if ('afterMs' in fault) range(fault.name, fault.afterMs, 0, AFTER_MS_MAX);
  if (fault.name === 'jump') range('jump', fault.byMs, -JUMP_MS_MAX, JUMP_MS_MAX);
  if (fault.name === 'huge') range('huge', fault.sizeBytes, 1, HUGE_BYTES_MAX);
  if (fault.name === 'hang' && fault.method !== undefined && !METHODS.includes(fault.method)) {
    throw faultError(`expected a method of RTSP to hang at, one of ${METHODS.join(', ')}`);
  }
  if (fault.name === 'malformed' && !Object.hasOwn(MALFORMED_KINDS, fault.kind)) {
    throw faultError(`expected malformed to be one of ${Object.keys(MALFORMED_KINDS).join(', ')}`);
  }
}

function range(name: string, value: number, least: number, most: number): void {
  if (!Number.isFinite(value) || value < least || value > most) {
    throw faultError(`expected the argument of fault ${name} to be from ${least} to ${most}`);
  }
}

function seconds(text: string | undefined): number {
  if (text === undefined) return AFTER_MS_DEFAULT;
  if (!/^[+-]?\d{1,9}(\.\d{1,6})?$/.test(text)) throw faultError('expected seconds as a decimal number');
  return Math.round(Number(text) * 1000);
}
