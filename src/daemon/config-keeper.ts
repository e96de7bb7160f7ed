import { utf8 } from '../bytes/index.ts';
import type { SourceWish } from '../commands/index.ts';
import type { SyncCryptoSuite } from '../crypto/index.ts';
import { isNvrError, type NvrError } from '../errors.ts';
import type { Clock, Files, Log, Random, Startable } from '../platform/index.ts';
import type { SourceId, SourcesSettingsResult, SourcesUpsertResult } from '../protocol/index.ts';
import type { CameraSecret } from './camera-secret-file.ts';
import { CameraSecrets } from './camera-secrets.ts';
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
import { inlinePasswords, removePasswords, secretPlaces } from './inline-passwords.ts';
import { editSource, type Learned, writeLearned } from './source-edit.ts';
import type { SourceChanges } from './source-set.ts';
import { settingsOf } from './source-settings.ts';

export interface ConfigKeeperDeps {
  clock: Clock;
  files: Files;
  random: Random;
  suite: SyncCryptoSuite;
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
  readonly #secrets: CameraSecrets;
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
    this.#secrets = new CameraSecrets(deps, options.folder);
  }

  /** The configuration that holds; with the passwords of cameras once `unseal` has resolved. */
  get current(): Config {
    return this.#config;
  }

  /** What a person should know of the sealed passwords, or null. */
  get warning(): string | null {
    return this.#secrets.warning;
  }

  get state(): ConfigState {
    return { mistakes: this.#mistakes, restart: this.#deps.needsRestart(this.#started, this.#config) };
  }

  /**
   * Opens the sealed passwords with the key derived for them (`SECRETS_LABEL`), moves those that stand in the file there, and looks up
   * what sources need. Before the sources begin, and before `start`.
   */
  async unseal(key: Uint8Array): Promise<void> {
    const { files } = this.#deps;
    await this.#secrets.open(key);
    const text = await readConfigText(files, this.#config.file);
    if (!text) return;
    const config = await this.#check(text);
    const kept = await this.#seal(text);
    this.#config = config;
    this.#text = kept.written;
    await this.#cleanBackup();
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

  /** Adds or changes a source, in the file first (`sources.upsert`). Nothing has changed where it rejects. */
  upsert(wish: SourceWish): Promise<SourcesUpsertResult> {
    return this.#exclusive(async () => {
      const text = await this.#ownText();
      const current = this.#sourceOf(wish.source);
      if (wish.expect === 'new' && current) throw sourceKnown();
      if (wish.expect === 'known' && !current) throw sourceMissing();
      const secrets = editSource(text, wish, current);
      const config = await this.#checked(text, wish.source, secrets);
      if (sameValue(config, this.#config)) return { created: false, changed: false, restarted: false };
      const changes = await this.#hold(config, text, secrets);
      const restarted = [...changes.started, ...changes.restarted].includes(wish.source);
      return { created: !current, changed: true, restarted };
    });
  }

  /**
   * Writes what was learned of a camera into the file: who it is, where that is not said yet, and where it is found now. False where
   * there was nothing to write, also because the source is configured otherwise by now.
   */
  learn(source: SourceId, learned: Learned): Promise<boolean> {
    return this.#exclusive(async () => {
      const text = await this.#ownText();
      const current = this.#sourceOf(source);
      if (!current || !writeLearned(text, current, learned)) return false;
      const config = await this.#checked(text, source);
      if (sameValue(config, this.#config)) return false;
      await this.#hold(config, text);
      const { hardwareId: hardware, service } = learned;
      this.#deps.log.info({ source, hardware, service }, 'what was learned of a camera was written to config.yaml');
      return true;
    });
  }

  /** How a source is configured (`sources.settings`). `ERR_DAEMON_SOURCE_MISSING` (`missing`). */
  settings(source: SourceId): SourcesSettingsResult {
    const current = this.#sourceOf(source);
    if (!current) throw sourceMissing();
    return settingsOf(current, this.#config.timezone);
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
    const { file } = this.#config;
    // Where they could not be moved out before, nothing may copy them into the backup.
    const kept = await this.#seal(new ConfigText(file, this.#text ?? ''));
    this.#text = kept.written;
    if (inlinePasswords(kept).length > 0) throw configNotWritten(null);
    return new ConfigText(file, kept.written);
  }

  #check(text: ConfigText, fresh: readonly CameraSecret[] = []): Promise<Config> {
    return checkConfig(this.#deps.files, this.#folder, text, this.#secrets.preview(fresh));
  }

  async #checked(text: ConfigText, source: SourceId, fresh: readonly CameraSecret[] = []): Promise<Config> {
    try {
      return await this.#check(new ConfigText(this.#config.file, text.toString()), fresh);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Of the whole text only this source was changed; lines mean nothing to who wished.
      const place = `sources.${source}`;
      throw sourceRefused(error.problems.map((each) => each.replace(/^line \d+: /, '').replace(`${place}.`, '')));
    }
  }

  /** Writes, the password first, then applies. */
  async #hold(config: Config, text: ConfigText, fresh: readonly CameraSecret[] = []): Promise<SourceChanges> {
    const { files, log, reserve } = this.#deps;
    const written = text.toString();
    let undo = async () => {};
    try {
      await reserve(config.sources);
      undo = await this.#secrets.keep(fresh);
      if (written !== this.#text) await writeConfigText(files, config.file, written);
    } catch (error) {
      await undo().catch((cause) => log.error({ error: cause }, 'a password that was not taken could not be put back'));
      throw configNotWritten(error);
    }
    // The next look reads it back and finds it equal, or finds what somebody wrote in the same moment.
    this.#readStamp = '';
    return this.#adopt(config, written);
  }

  /**
   * Moves passwords that stand in a text, which was checked, into the sealed file; gives the text that holds now. In this order: sealed,
   * the backup without them, the file without them; whatever step fails, the file still says all that recording needs.
   */
  async #seal(text: ConfigText): Promise<ConfigText> {
    const { files, log } = this.#deps;
    const { file } = this.#config;
    const found = inlinePasswords(text);
    if (found.length === 0) return text;
    const sources = [...new Set(found.map(({ source }) => source))];
    try {
      const clean = new ConfigText(file, text.written);
      removePasswords(clean, found);
      const written = clean.toString();
      const sealed = new ConfigText(file, written);
      if (!sameValue(await this.#check(sealed, found), await this.#check(text))) {
        throw new ConfigError(file, ['expected passwords on lines of their own']);
      }
      await this.#secrets.keep(found);
      // Somebody may have written it since: then the next look finds what they wrote.
      if ((await readConfigText(files, file))?.written !== text.written) return text;
      await writeConfigText(files, file, written, written);
      this.#readStamp = '';
      log.info({ sources }, 'passwords of cameras were moved out of config.yaml into the sealed file');
      return sealed;
    } catch (error) {
      if (!isNvrError(error)) throw error;
      log.error({ sources, code: error.code }, 'passwords of cameras could not be moved out of config.yaml');
      return text;
    }
  }

  /** A backup of earlier days may hold passwords too. */
  async #cleanBackup(): Promise<void> {
    const { files, log } = this.#deps;
    const path = `${this.#config.file}.bak`;
    try {
      const backup = await readConfigText(files, path);
      const found = backup ? inlinePasswords(backup) : [];
      if (!backup || found.length === 0) return;
      removePasswords(backup, found);
      await files.replace(path, utf8(backup.toString()), { mode: 0o600 });
    } catch (error) {
      if (!isNvrError(error)) throw error;
      log.warn({ code: error.code }, 'the backup of config.yaml could not be freed of passwords');
    }
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
    await this.#sweepSecrets(text);
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
      const config = await this.#check(text);
      const unchanged = sameValue(config, this.#config) && this.#mistakes.length === 0;
      await this.#deps.reserve(config.sources);
      const kept = await this.#seal(text);
      await this.#adopt(config, kept.written);
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

  /** Passwords that neither the text nor its backup has a use for. */
  async #sweepSecrets(text: string): Promise<void> {
    const { files, log } = this.#deps;
    const { file } = this.#config;
    try {
      const backup = await readConfigText(files, `${file}.bak`);
      const texts = [new ConfigText(file, text), ...(backup ? [backup] : [])];
      await this.#secrets.sweep(texts.flatMap(secretPlaces));
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
