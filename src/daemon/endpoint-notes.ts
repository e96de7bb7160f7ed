import { fromUtf8, utf8 } from '../bytes/index.ts';
import { isNvrError } from '../errors.ts';
import type { Files, Log } from '../platform/index.ts';
import type { SourceId } from '../protocol/index.ts';

interface Note {
  hardwareId: string;
  /** How the camera calls itself in discovery. */
  endpoint: string;
}

const BYTES_MAX = 256 * 1024;
const NOTES_MAX = 512;
const TEXT_MAX = 100;

/**
 * How each camera calls itself in discovery (`cameras.json`), learned from the camera: a camera that moved while the node was off can be found
 * by it. A hint and nothing more: whoever answers to it must still say the right hardware id.
 */
export class EndpointNotes {
  readonly #files: Files;
  readonly #log: Log;
  readonly #path: string;
  readonly #notes = new Map<SourceId, Note>();
  #writing: Promise<void> = Promise.resolve();

  constructor({ files, log }: { files: Files; log: Log }, path: string) {
    this.#files = files;
    this.#log = log;
    this.#path = path;
  }

  /** Reads what was noted before; a file that is none of ours is as none. */
  async load(): Promise<void> {
    try {
      const json = JSON.parse(fromUtf8(await this.#files.read(this.#path, BYTES_MAX)) ?? '') as unknown;
      if (typeof json !== 'object' || json === null) return;
      for (const [source, note] of Object.entries(json).slice(0, NOTES_MAX)) {
        if (isNote(note)) this.#notes.set(source as SourceId, note);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError) && !isNvrError(error)) throw error;
    }
  }

  of(source: SourceId): string | null {
    return this.#notes.get(source)?.endpoint ?? null;
  }

  keep(source: SourceId, hardwareId: string, endpoint: string | null): void {
    const known = this.#notes.get(source);
    const note = { hardwareId, endpoint: endpoint ?? '' };
    if (!isNote(note) || (known?.endpoint === endpoint && known.hardwareId === hardwareId)) return;
    this.#notes.set(source, note);
    if (this.#notes.size > NOTES_MAX) this.#notes.delete(this.#notes.keys().next().value!);
    this.#writing = this.#writing.then(() => this.#write());
  }

  /** Resolves once what was noted is written, or could not be. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #write(): Promise<void> {
    try {
      const text = `${JSON.stringify(Object.fromEntries(this.#notes), null, 2)}\n`;
      await this.#files.replace(this.#path, utf8(text), { mode: 0o600 });
    } catch (error) {
      this.#log.warn({ error }, 'the names of cameras could not be written down');
    }
  }
}

function isNote(value: unknown): value is Note {
  const { hardwareId, endpoint } = (value ?? {}) as Partial<Note>;
  const fits = (text: unknown) => typeof text === 'string' && text.length > 0 && text.length <= TEXT_MAX;
  return fits(hardwareId) && fits(endpoint);
}
