import { fromBase64Url, fromUtf8, toBase64Url, toHex, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Clock, Files, Random } from '../platform/index.ts';
import {
  type DeviceKey,
  type GrantTerms,
  INVITATION_EXPIRES_MS,
  INVITATIONS_MAX,
  isDeviceKey,
  isJsonObject,
  isRolesAt,
  jsonObjectOf,
  orderedTerms,
  type Role,
  TIME_AT_MAX,
} from '../protocol/index.ts';
import { invitationsFull } from './errors.ts';
import { isCount, isRole } from './json-shapes.ts';

/** A one-time invitation that waits. */
export interface Invitation {
  /** 16 random bytes, hex. */
  id: string;
  /** The role of its terms. */
  role: Role;
  /** What the device is granted that uses it. */
  terms: GrantTerms;
  /** The device on whose word it was made; null: the operator at the machine. */
  by: DeviceKey | null;
  /** 16 random bytes: the way into the handshake. */
  secret: Uint8Array<ArrayBuffer>;
  /** Epoch ms. */
  expiresAt: number;
}

const ID = /^[0-9a-f]{32}$/;
/** 64 source ids, a role at each of them, and room. */
const FILE_BYTES_MAX = 16_384;

/**
 * Invitations as files of a folder, one each, named by id: any program of the node's user may add one, and only the one
 * whose removal succeeds has used it. What is in memory is a copy, renewed by `refresh`; at most 32.
 */
export class InvitationStore {
  readonly #deps: { files: Files; clock: Clock; random: Random };
  readonly #folder: string;
  #known = new Map<string, Invitation>();

  constructor(deps: { files: Files; clock: Clock; random: Random }, folder: string) {
    this.#deps = deps;
    this.#folder = folder;
  }

  /** Invitations that wait and have not expired, by id. */
  list(): Invitation[] {
    return [...this.#known.values()].filter((each) => this.#isValid(each));
  }

  /** The secret of a waiting, unexpired invitation, or null. */
  secretOf(id: string): Uint8Array | null {
    const found = this.#known.get(id);
    return found && this.#isValid(found) ? found.secret : null;
  }

  /** Makes one. Callers hold the folder's lock. `ERR_IDENTITY_INVITATIONS_FULL` (`exhausted`). */
  async create(terms: GrantTerms, by: DeviceKey | null, expiresMs: number): Promise<Invitation> {
    const { files, clock, random } = this.#deps;
    await files.makeFolder(this.#folder);
    await this.refresh();
    if (this.#known.size >= INVITATIONS_MAX) throw invitationsFull(INVITATIONS_MAX);
    const id = toHex(random.bytes(16));
    const expiresAt = clock.now() + expiresMs;
    const invitation = { id, role: terms.role, terms, by, secret: random.bytes(16), expiresAt };
    await files.replace(this.#path(id), writeInvitation(invitation), { mode: 0o600 });
    this.#known.set(id, invitation);
    return invitation;
  }

  /**
   * Uses an invitation up: gives it to exactly one caller, of this process or another; null to everybody else, and where
   * it is unknown or expired.
   */
  async burn(id: string): Promise<Invitation | null> {
    const found = ID.test(id) ? await this.#read(id) : null;
    this.#known.delete(id);
    if (!found || !(await this.#remove(id))) return null;
    return this.#isValid(found) ? found : null;
  }

  /** Reads the folder again; what has expired is removed from it. */
  async refresh(): Promise<void> {
    const known = new Map<string, Invitation>();
    for (const { name } of await this.#deps.files.list(this.#folder)) {
      if (!ID.test(name) || known.size >= INVITATIONS_MAX) continue;
      const found = this.#known.get(name) ?? (await this.#read(name));
      if (found && this.#isValid(found)) known.set(name, found);
      else await this.#remove(name);
    }
    this.#known = known;
  }

  /** Expiry far beyond what we ever give means that the clock was set back: as good as expired. */
  #isValid({ expiresAt }: Invitation): boolean {
    const left = expiresAt - this.#deps.clock.now();
    return left > 0 && left <= INVITATION_EXPIRES_MS.max;
  }

  async #read(id: string): Promise<Invitation | null> {
    try {
      return readInvitation(id, await this.#deps.files.read(this.#path(id), FILE_BYTES_MAX));
    } catch (error) {
      if (isNvrError(error, 'missing') || isNvrError(error, 'invalid')) return null;
      throw error;
    }
  }

  /** True for the one caller whose removal took effect. */
  async #remove(id: string): Promise<boolean> {
    try {
      await this.#deps.files.remove(this.#path(id));
      return true;
    } catch (error) {
      if (isNvrError(error, 'missing')) return false;
      throw error;
    }
  }

  #path(id: string): string {
    return `${this.#folder}/${id}`;
  }
}

/** The bytes of an invitation's file. */
export function writeInvitation({ terms, by, secret, expiresAt }: Invitation): Uint8Array<ArrayBuffer> {
  return utf8(`${JSON.stringify({ version: 2, terms, by, expiresAt, secret: toBase64Url(secret) })}\n`);
}

/** An invitation of its file's bytes, or null where they are anything else. Total. */
export function readInvitation(id: string, bytes: Uint8Array): Invitation | null {
  const json = jsonObjectOf(fromUtf8(bytes) ?? '');
  if (json?.['version'] !== 2) return null;
  const { terms: written, by, expiresAt } = json;
  const terms = readTerms(written);
  const secret = typeof json['secret'] === 'string' ? fromBase64Url(json['secret']) : null;
  if (!terms || !isCount(expiresAt, TIME_AT_MAX) || secret?.length !== 16) return null;
  if (by !== null && (typeof by !== 'string' || !isDeviceKey(by))) return null;
  return { id, role: terms.role, terms, by, secret, expiresAt };
}

/** Terms as a file holds them, or null; total. */
export function readTerms(value: unknown): GrantTerms | null {
  if (!isJsonObject(value)) return null;
  const { role, sources, rolesAt, actions, pastMs, notBefore, notAfter } = value;
  if (!isRole(role) || !isSome(sources) || !isRolesAt(rolesAt) || !isSome(actions)) return null;
  if (![pastMs, notBefore, notAfter].every((each) => each === null || typeof each === 'number')) return null;
  // The shapes are right; `orderedTerms` looks at the values.
  const terms = orderedTerms({ role, sources, rolesAt, actions, pastMs, notBefore, notAfter } as GrantTerms);
  return 'reason' in terms ? null : terms;
}

function isSome(value: unknown): boolean {
  return value === 'all' || (Array.isArray(value) && value.every((each) => typeof each === 'string'));
}
