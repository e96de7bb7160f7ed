import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** A running server that nobody of this project wrote: Debian's gst-rtsp-server. */
export interface GstCamera {
  /** Port of the open mounts; give it to `startGstCamera` again for a server that dies and returns. */
  port: number;
  /** Address of each mount by its name (`h264-pcma`, `h264`, `sliced`, `h265`, `tcp-only`, `udp-only`, `resize`, `digest`), without credentials. */
  urls: Readonly<Record<string, string>>;
  /** Who may see `digest`. */
  username: string;
  password: string;
  pid: number;
  /** Kills it, as a camera loses its power, and resolves once it is gone. */
  stop(): Promise<void>;
}

const PYTHON = '/usr/bin/python3';
const SCRIPT = join(import.meta.dirname, 'gst-camera.py');
const START_MS_MAX = 15_000;

let checked: { missing: string[]; h265: boolean } | undefined;

/** What is not installed, as one line with the packages by name; `null` where `startGstCamera` will work. */
export function gstCameraMissing(): string | null {
  const { missing } = check();
  return missing.length > 0 ? `not installed: ${missing.join(' ')}` : null;
}

/** True where the mount `h265` is offered. */
export function gstCameraHasH265(): boolean {
  return check().h265;
}

/** Starts the server and waits until it listens. It ends with this process, however that ends. */
export async function startGstCamera(options: { port?: number } = {}): Promise<GstCamera> {
  const credentials = { username: 'viewer', password: 'correct horse' };
  const child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.stdin.on('error', () => undefined);
  // Not ended: the end of its input is what tells it that we are gone.
  child.stdin.write(
    `${JSON.stringify({ port: options.port ?? 0, user: credentials.username, password: credentials.password })}\n`,
  );
  const line = await firstLine(child);
  const answer = JSON.parse(line) as {
    port: number;
    mounts: Record<string, string>;
    protectedPort: number;
    protectedMounts: Record<string, string>;
  };
  const urls: Record<string, string> = {};
  for (const [name, path] of Object.entries(answer.mounts)) urls[name] = `rtsp://127.0.0.1:${answer.port}${path}`;
  for (const [name, path] of Object.entries(answer.protectedMounts)) {
    urls[name] = `rtsp://127.0.0.1:${answer.protectedPort}${path}`;
  }
  return {
    port: answer.port,
    urls,
    ...credentials,
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function check(): { missing: string[]; h265: boolean } {
  if (!checked) {
    const result = spawnSync(PYTHON, [SCRIPT, '--check'], { encoding: 'utf8', timeout: START_MS_MAX });
    checked = result.status === 0 ? JSON.parse(result.stdout) : { missing: ['python3'], h265: false };
  }
  return checked!;
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = '';
    let errors = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`gst-camera did not listen in time: ${errors}`));
    }, START_MS_MAX);
    child.stderr!.on('data', (chunk) => {
      errors = (errors + chunk).slice(-2000);
    });
    child.stdout!.on('data', (chunk) => {
      out += chunk;
      if (!out.includes('\n')) return;
      clearTimeout(timer);
      resolve(out.slice(0, out.indexOf('\n')));
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`gst-camera ended with ${code}: ${errors}`));
    });
  });
}
