import { createHash } from 'node:crypto';
import { type Clock, SeededRandom, type SimulatedClock, silentLog } from '../../src/platform/index.ts';
import { createNodeClock } from '../../src/platform/node/index.ts';
import { createVirtualCamera, type VirtualCamera, type VirtualCameraOptions } from '../../src/virtual-camera/index.ts';
import { FakeEncoders } from './fake-encoders.ts';
import { RtspClient } from './rtsp-client.ts';

/** A camera with real sockets and encoders that never were: pictures come when a test says so. */
export interface FakeCamera {
  camera: VirtualCamera;
  encoders: FakeEncoders;
  port: number;
  /** One picture of the main encoder. */
  picture: (keyframe: boolean, sliceBytes?: number) => void;
  connect: (options?: { keep?: 'answers' | 'bytes' | 'nothing' }) => Promise<RtspClient>;
  url: string;
  [Symbol.asyncDispose]: () => Promise<void>;
}

/** Starts one, its first keyframe already there. */
export async function startFakeCamera(
  options: VirtualCameraOptions = {},
  clock: Clock = createNodeClock(),
): Promise<FakeCamera> {
  const encoders = new FakeEncoders();
  const camera = createVirtualCamera(
    { clock, random: new SeededRandom(3), log: silentLog, processes: encoders },
    { sub: null, ...options },
  );
  const port = await camera.start();
  const picture = (keyframe: boolean, sliceBytes = 300) =>
    encoders.of('size=1280x720').picture({ keyframe, sliceBytes, mark: 1 });
  picture(true);
  const clients: RtspClient[] = [];
  return {
    camera,
    encoders,
    port,
    picture,
    url: camera.url('/main'),
    connect: async (how) => {
      const client = await RtspClient.connect(port, how);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.socket.destroy();
      await camera.stop();
    },
  };
}

/** Lets simulated time pass, a step at a time, while real sockets get their turn, until a condition holds. */
export async function pass(clock: SimulatedClock, stepMs: number, condition: () => boolean): Promise<number> {
  const startedAt = clock.monotonic();
  for (let i = 0; !condition(); i++) {
    if (i > 2000) throw new Error(`condition not met in ${i} steps: ${condition}`);
    await clock.advance(stepMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return clock.monotonic() - startedAt;
}

/** A Digest answer without qop, from what the server's challenge says. */
export function digestAnswer(challenge: string, user: string, password: string, method: string, uri: string): string {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const realm = /realm="([^"]*)"/.exec(challenge)![1]!;
  const nonce = /nonce="([^"]*)"/.exec(challenge)![1]!;
  const response = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:${md5(`${method}:${uri}`)}`);
  return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"`;
}
