import { DOWNLOAD_PATH, type FromDownload, type ToDownload } from './download-worker-part.ts';

/** A file that is being written to where downloads go. */
export interface Download {
  /** Resolves when more may come. Rejects `DownloadFailure`. */
  write(bytes: ArrayBuffer): Promise<void>;
  /** The file is whole. */
  close(): Promise<void>;
  /** It will never be whole. */
  abort(): void;
}

/** Why a file could not be written. */
export class DownloadFailure extends Error {
  /** `broken-off`: in the browser's list of downloads. `too-large`: for the memory of this page. `silent`: the browser did not begin. */
  readonly reason: 'broken-off' | 'too-large' | 'silent';

  constructor(reason: DownloadFailure['reason']) {
    super(reason);
    this.reason = reason;
  }
}

/** Without a service worker a file is held in memory until it is whole; it may not be larger. */
export const HELD_BYTES_MAX = 512 * 1024 * 1024;
const READY_MS = 5_000;
/** So long a browser that asks whether the file is wanted may wait for its answer. */
const PULL_MS_MAX = 120_000;
const KEEP_MS = 10_000;

/** True where files are written as they come; false on plain http, where they are held in memory. */
export async function downloadsStream(): Promise<boolean> {
  return (await worker()) !== null;
}

/** Begins a file in the browser's downloads. */
export async function openDownload(name: string, type = 'video/mp4'): Promise<Download> {
  const found = await worker();
  return found ? streamed(found, name, type) : held(name, type);
}

/** Hands over something small that is whole already. */
export function saveWhole(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads it after the click; how soon is not told.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

interface Found {
  worker: ServiceWorker;
  scope: string;
}

async function worker(): Promise<Found | null> {
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!container || !(await container.getRegistration())) return null;
  const registration = await Promise.race([container.ready, later(READY_MS)]);
  return registration?.active ? { worker: registration.active, scope: registration.scope } : null;
}

async function streamed({ worker, scope }: Found, name: string, type: string): Promise<Download> {
  const id = [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, '0')).join('');
  const { port1: port, port2 } = new MessageChannel();
  const say = (message: ToDownload, transfer: Transferable[] = []) => port.postMessage(message, transfer);
  let room = 0;
  let failure: DownloadFailure | null = null;
  let changed: () => void = () => {};
  const ready = new Promise<boolean>((done) => {
    port.onmessage = ({ data }: MessageEvent<FromDownload>) => {
      if (data.kind === 'ready') done(true);
      else if (data.kind === 'pull') room++;
      else failure = new DownloadFailure('broken-off');
      changed();
    };
  });
  worker.postMessage({ kind: 'open', id, name, type } satisfies ToDownload, [port2]);
  if (!(await Promise.race([ready, later(READY_MS)]))) throw new DownloadFailure('silent');

  // Opened in a frame, the answer is a download and this page stays as it is.
  const frame = document.createElement('iframe');
  frame.hidden = true;
  frame.src = new URL(`${DOWNLOAD_PATH}${id}`, scope).href;
  document.body.append(frame);
  const keep = setInterval(() => worker.postMessage({ kind: 'keep' } satisfies ToDownload), KEEP_MS);
  const finish = () => {
    clearInterval(keep);
    setTimeout(() => frame.remove(), 5_000);
  };
  return {
    async write(bytes) {
      const deadline = performance.now() + PULL_MS_MAX;
      while (room === 0 && !failure && performance.now() < deadline) {
        await Promise.race([new Promise<void>((done) => (changed = done)), later(PULL_MS_MAX)]);
      }
      if (room === 0) failure ??= new DownloadFailure('silent');
      if (failure) {
        finish();
        throw failure;
      }
      room--;
      say({ kind: 'bytes', bytes }, [bytes]);
    },
    async close() {
      say({ kind: 'end' });
      finish();
    },
    abort() {
      say({ kind: 'abort' });
      finish();
    },
  };
}

function held(name: string, type: string): Download {
  let parts: Blob[] = [];
  let size = 0;
  return {
    async write(bytes) {
      size += bytes.byteLength;
      if (size > HELD_BYTES_MAX) {
        parts = [];
        throw new DownloadFailure('too-large');
      }
      // A browser may keep blobs on its disk; buffers it cannot.
      parts.push(new Blob([bytes]));
    },
    async close() {
      saveWhole(name, new Blob(parts, { type }));
      parts = [];
    },
    abort() {
      parts = [];
    },
  };
}

function later(ms: number): Promise<null> {
  return new Promise((done) => setTimeout(() => done(null), ms));
}
