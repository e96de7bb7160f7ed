import type { Log, Startable } from '../platform/index.ts';

/** One part of the node, with the name the log calls it by. */
export interface NodePart extends Startable {
  name: string;
}

/**
 * Parts started in order and stopped in the opposite one.
 *
 * Where one does not start, those before it are stopped again and its error is thrown. A part that does not stop cleanly is
 * told in the log and does not keep the others from stopping.
 */
export class NodeParts implements Startable {
  readonly #log: Log;
  readonly #running: NodePart[] = [];
  readonly #parts: readonly NodePart[];

  constructor(log: Log, parts: readonly NodePart[]) {
    this.#log = log;
    this.#parts = parts;
  }

  async start(): Promise<void> {
    for (const part of this.#parts) {
      try {
        await part.start();
        this.#running.push(part);
        this.#log.debug({ part: part.name }, 'started');
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  async stop(): Promise<void> {
    for (let part = this.#running.pop(); part; part = this.#running.pop()) {
      try {
        await part.stop();
        this.#log.debug({ part: part.name }, 'stopped');
      } catch (error) {
        this.#log.error({ part: part.name, error }, 'did not stop cleanly');
      }
    }
  }
}
