import { utf8 } from '../bytes/index.ts';
import type { SourceWish } from '../commands/index.ts';
import { isNvrError, type NvrError } from '../errors.ts';
import type { Clock, Files, Log, Random, Startable } from '../platform/index.ts';
import type { SourceId, SourcesPutResult } from '../protocol/index.ts';
import { CameraPasswords } from './camera-passwords.ts';
import { type Config, checkConfig, type SourceConfig } from './config.ts';
import { ConfigText, readConfigText, writeConfigText } from './config-file.ts';
import {
  ConfigError,
  configBroken,
  configNotWritten,
  nodeNotRunning,
  sourceKnown,
  sourceMissing,
  sourceRefused,
} from './errors.ts';
import { editSource } from './source-edit.ts';
import type { SourceChanges } from './source-set.ts';

export interface ConfigKeeperDeps {
  clock: Clock;
  files: Files;
  random: Random;
  log: Log;
  /** Makes ready what a disk could refuse, so that `apply` cannot fail on it. */
  reserve(sources: readonly SourceConfig[]): Promise<void>;
  /** Makes a configuration the one that holds, as far as that goes without a restart. */
  apply(config: Config): Promise<SourceChanges>;
  /** Told when a change that somebody made to the file itself was taken. */
  taken?(): void;
  /** Names of keys whose change from the first to the second holds only after a restart. */
  needsRestart(started: Config, config: Config): string[];
}

/** How the file and the running node stand to each other. */
export interface ConfigState {
  /** Mistakes of the file as it is now; what ran before goes on. Empty where it holds. */
  mistakes: readonly string[];
  /** Keys that were changed and hold from the next start. */
  restart: readonly string[];
}

/** What became of one look at the file. */
export type Reload = 'unchanged' | 'applied' | 'refused';

/** How often the file is looked at. A change is taken once two looks found the same. */
const LOOK_MS = 2_000;
const NO_CHANGES: SourceChanges = { started: [], restarted: [], stopped: [], adopted: [] };

/**
 * Keeps the running node and `config.yaml` the same: takes changes of the file while the node runs, and writes changes that
 * come over a channel into it. One at a time; a file with mistakes changes nothing and is told loudly.
 */
export class ConfigKeeper implements Startable {
  readonly #deps: ConfigKeeperDeps;
  readonly #folder: string;
  readonly #started: Config;
  readonly #passwords: CameraPasswords;
  #config: Config;
  /** The text that holds; null before it was read, so that the first look compares values. */
  #text: string | null = null;
  #mistakes: readonly string[] = [];
  /** Why the file could not be read at all, or null. */
  #unread: NvrError | null = null;
  #running = false;
  #turn: Promise<unknown> = Promise.resolve();
  #cancelLook = () => {};
  /** What the file looked like when it was last read, and at the last look. */
  #readStamp = '';
  #lastStamp = '';

  /** `config` is the one the node was made of. */
  constructor(deps: ConfigKeeperDeps, options: { folder: string; config: Config }) {
    this.#deps = deps;
    this.#folder = options.folder;
    this.#started = options.config;
    this.#config = options.config;
    this.#passwords = new CameraPasswords(deps, options.folder);
  }

  /** The configuration that holds. */
  get current(): Config {
    return this.#config;
  }

  get state(): ConfigState {
    return { mistakes: this.#mistakes, restart: this.#deps.needsRestart(this.#started, this.#config) };
  }

  /** Begins to watch the file. */
  async start(): Promise<void> {
    this.#running = true;
    await this.reload();
    this.#lookLater();
  }

  /** Waits for a change that is under way; later ones are refused. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#cancelLook();
    await this.#turn;
  }

  /** Reads the file, and the password files it names, now. */
  reload(): Promise<Reload> {
    return this.#exclusive(() => this.#reload(true));
  }

  /** Adds or changes a source, in the file first (`sources.put`). Nothing has changed where it rejects. */
  put(wish: SourceWish): Promise<SourcesPutResult> {
    return this.#exclusive(async () => {
      const text = await this.#ownText();
      const current = this.#sourceOf(wish.source);
      if (wish.expect === 'new' && current) throw sourceKnown();
      if (wish.expect === 'known' && !current) throw sourceMissing();
      const password: { path: string; text: string }[] = [];
      editSource(text, wish, current, (secret) => {
        const path = this.#passwords.freshPath(wish.source);
        password.push({ path, text: secret });
        return path;
      });
      const config = await this.#checked(text, wish.source, password[0]);
      if (sameValue(config, this.#config)) return { created: false, changed: false, restarted: false };
      const changes = await this.#hold(config, text, password[0]);
      const restarted = [...changes.started, ...changes.restarted].includes(wish.source);
      return { created: !current, changed: true, restarted };
    });
  }

  /** Takes a source out (`sources.remove`); false where there is none. */
  remove(source: SourceId): Promise<boolean> {
    return this.#exclusive(async () => {
      const text = await this.#ownText();
      if (!this.#sourceOf(source)) return false;
      text.delete(['sources', source]);
      await this.#hold(await this.#checked(text, source), text);
      return true;
    });
  }

  #sourceOf(id: SourceId): SourceConfig | null {
    return this.#config.sources.find((source) => source.id === id) ?? null;
  }

  /** The file's text as it is now, to be changed; a change made by hand is taken first. */
  async #ownText(): Promise<ConfigText> {
    if ((await this.#reload(false)) === 'refused') throw this.#unread ? configNotWritten(this.#unread) : configBroken();
    return new ConfigText(this.#config.file, this.#text ?? '');
  }

  async #checked(text: ConfigText, source: SourceId, password?: { path: string; text: string }): Promise<Config> {
    const { files } = this.#deps;
    // The password is checked with everything else before it is written.
    const read: Files['read'] = async (path, sizeBytesMax) =>
      password && path.endsWith(`/${password.path}`) ? utf8(`${password.text}\n`) : files.read(path, sizeBytesMax);
    try {
      const written = new ConfigText(this.#config.file, text.toString());
      return await checkConfig({ read }, this.#folder, written);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Of the whole text only this source was changed; lines mean nothing to who wished.
      const place = `sources.${source}`;
      throw sourceRefused(error.problems.map((each) => each.replace(/^line \d+: /, '').replace(`${place}.`, '')));
    }
  }

  /** Writes, then applies. */
  async #hold(config: Config, text: ConfigText, password?: { path: string; text: string }): Promise<SourceChanges> {
    const { files, log, reserve } = this.#deps;
    try {
      await reserve(config.sources);
      if (password) await this.#passwords.write(password.path, password.text);
      await writeConfigText(files, config.file, text.toString());
    } catch (error) {
      if (password) {
        await this.#passwords
          .remove(password.path)
          .catch((cause) => log.warn({ error: cause }, 'a password file that is not used could not be removed'));
      }
      throw configNotWritten(error);
    }
    // The next look reads it back and finds it equal, or finds what somebody wrote in the same moment.
    this.#readStamp = '';
    return this.#adopt(config, text.toString());
  }

  async #adopt(config: Config, text: string): Promise<SourceChanges> {
    const { apply, log } = this.#deps;
    this.#text = text;
    this.#mistakes = [];
    if (sameValue(config, this.#config)) return NO_CHANGES;
    this.#config = config;
    const changes = await apply(config);
    log.info({ ...changes }, 'the configuration was changed');
    const { restart } = this.state;
    if (restart.length > 0) log.warn({ restart }, 'some changes of the configuration hold from the next start');
    await this.#sweepPasswords(text);
    return changes;
  }

  /** Never rejects on what stands in the file. With `all`, what lies in other files is read again too. */
  async #reload(all: boolean): Promise<Reload> {
    const { files, log } = this.#deps;
    const { file } = this.#config;
    this.#readStamp = await this.#stamp();
    try {
      const text = await readConfigText(files, file);
      if (text === null) throw new ConfigError(file, ['it is missing']);
      if (text.written === this.#text && !all && this.#mistakes.length === 0) return 'unchanged';
      if (this.#config.sources.length > 0 && Object.keys(text.values() as object).length === 0) {
        throw new ConfigError(file, ['it is empty; write sources: {} to record nothing']);
      }
      const config = await checkConfig(files, this.#folder, text);
      const unchanged = sameValue(config, this.#config) && this.#mistakes.length === 0;
      await this.#deps.reserve(config.sources);
      await this.#adopt(config, text.written);
      if (!unchanged) this.#deps.taken?.();
      return unchanged ? 'unchanged' : 'applied';
    } catch (error) {
      if (!isNvrError(error)) throw error;
      this.#unread = error instanceof ConfigError ? null : error;
      this.#mistakes = error instanceof ConfigError ? error.problems : [`it could not be read (${error.code})`];
      if (this.#unread) this.#readStamp = ''; // the disk's fault and not the file's: the next look tries again
      log.error({ file, mistakes: this.#mistakes }, 'a changed configuration was refused, the one before still holds');
      return 'refused';
    }
  }

  /** Passwords that neither the text nor its backup names. */
  async #sweepPasswords(text: string): Promise<void> {
    const { files, log } = this.#deps;
    try {
      const backup = await readConfigText(files, `${this.#config.file}.bak`);
      await this.#passwords.sweep([text, backup?.written ?? '']);
    } catch (error) {
      if (error instanceof ConfigError) return; // a backup that cannot be read may name any of them
      log.warn({ error }, 'passwords that are not used any more could not be removed');
    }
  }

  #lookLater(): void {
    if (!this.#running) return;
    this.#cancelLook = this.#deps.clock.after(LOOK_MS, () => {
      void this.#exclusive(() => this.#look())
        .catch((error) => this.#deps.log.error({ error }, 'the configuration could not be looked at'))
        .then(() => this.#lookLater());
    });
  }

  /** A file that is being written is left alone until it rests. */
  async #look(): Promise<void> {
    const stamp = await this.#stamp();
    const rests = stamp === this.#lastStamp;
    this.#lastStamp = stamp;
    if (rests && stamp !== this.#readStamp) await this.#reload(false);
  }

  async #stamp(): Promise<string> {
    const entry = await this.#deps.files.stat(this.#config.file);
    return entry ? `${entry.modifiedAt} ${entry.sizeBytes}` : 'missing';
  }

  /** One change at a time, in the order they were asked for. */
  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => {
      if (!this.#running) throw nodeNotRunning();
      return task();
    });
    this.#turn = result.catch(() => {});
    return result;
  }
}

/** Compared as they are written; only here, for there are passwords in it. */
function sameValue(a: Config, b: Config): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
