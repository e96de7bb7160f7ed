import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom, SimulatedClock, silentLog } from '../../src/platform/index.ts';
import type { Carrier } from '../../src/virtual-camera/carrier.ts';
import { Encoder } from '../../src/virtual-camera/encoder.ts';
import type { Feed } from '../../src/virtual-camera/feed.ts';
import { Outlet } from '../../src/virtual-camera/outlet.ts';
import { packVideo } from '../../src/virtual-camera/rtp-packets.ts';
import { VideoFeed } from '../../src/virtual-camera/video-feed.ts';
import { FakeEncoders } from './fake-encoders.ts';
import { readRtp } from './rtsp-client.ts';

/** A way on which nothing leaves until it is drained. */
class SlowCarrier implements Carrier {
  readonly transport = 'tcp';
  readonly channel = 4;
  waiting = 0;
  most = 0;
  sequences: number[] = [];

  packets(copy: Buffer, starts: readonly number[]): void {
    this.waiting += copy.length;
    this.most = Math.max(this.most, this.waiting);
    for (const start of starts) this.sequences.push(readRtp(copy.subarray(start + 4)).sequence);
  }

  report(bytes: Buffer): void {
    this.waiting += bytes.length;
  }

  waitingBytes(): number {
    return this.waiting;
  }

  describe(): string {
    return '';
  }
}

const feed = { kind: 'video', clockRate: 90_000, ticksNow: () => 0 } as Feed;
const picture = (ticks: number, keyframe: boolean, sizeBytes = 10_000) =>
  packVideo('h264', 96, [Buffer.alloc(sizeBytes, 0x65)], { ticks, keyframe });

test('a client that does not read costs a bounded queue, and goes on at a keyframe', () => {
  const carrier = new SlowCarrier();
  const outlet = new Outlet({ clock: new SimulatedClock(), random: new SeededRandom(1) }, feed, carrier, 100_000);
  const sent: boolean[] = [];
  for (let i = 0; i < 1000; i++) sent.push(outlet.send(picture(i * 3600, i % 50 === 0), 0));
  assert.ok(carrier.most < 115_000, `${carrier.most} bytes at most`);
  assert.ok(sent.slice(20).every((each) => !each));
  carrier.waiting = 60_000;
  assert.ok(!outlet.send(picture(0, true), 0), 'not before half of the queue is empty');
  carrier.waiting = 0;
  assert.ok(!outlet.send(picture(0, false), 0), 'not before a keyframe');
  assert.ok(outlet.send(picture(0, true), 0));
  assert.ok(outlet.send(picture(0, false), 0));
  carrier.sequences.forEach((sequence, index) => {
    assert.equal(sequence, (carrier.sequences[0]! + index) & 0xffff, 'the numbers run on');
  });
  assert.ok(outlet.droppedBundles > 980);
  for (let i = 0; i < 10_000; i++) {
    carrier.waiting = 200_000;
    outlet.report('x', 0);
    assert.equal(carrier.waiting, 200_000);
  }
});

test('timestamps wrap at 32 bits, jumps included', () => {
  const outlet = new Outlet(
    { clock: new SimulatedClock(), random: new SeededRandom(1) },
    feed,
    new SlowCarrier(),
    100_000,
  );
  const zero = outlet.timestamp(0);
  assert.equal(outlet.timestamp(2 ** 32), zero);
  assert.equal((outlet.timestamp(5 * 2 ** 32 + 7) - zero) >>> 0, 7);
  assert.equal((zero - outlet.timestamp(0, -1000)) >>> 0, 90_000);
  assert.equal((outlet.timestamp(0, 1000) - zero) >>> 0, 90_000);
});

test('an encoder that ends is started again, later each time, and without text where that was the trouble', async () => {
  const clock = new SimulatedClock();
  const processes = new FakeEncoders();
  const starts: number[] = [];
  const encoder = new Encoder(
    { clock, log: silentLog, processes },
    {
      name: 'main',
      command: 'ffmpeg',
      arguments: (plain) => [`plain=${plain}`],
      onStart: () => starts.push(clock.monotonic()),
      onBytes: () => {},
    },
  );
  await encoder.start();
  processes.of('plain=false').say('[Parsed_drawtext_4] Cannot find a valid font');
  processes.of('plain=false').end({ code: 1, signal: null });
  await clock.advance(600);
  assert.equal(processes.all.length, 2);
  for (let i = 0; i < 6; i++) {
    processes.of('plain=true').end({ code: 1, signal: null });
    await clock.advance(10_000);
  }
  assert.deepEqual(
    starts
      .slice(1)
      .map((at, index) => at - starts[index]!)
      .slice(0, 2),
    [500, 1000 + 100],
  );
  assert.equal(processes.all.length, 8);
  await encoder.stop();
  assert.ok(processes.all.at(-1)!.stopped);
  await clock.advance(60_000);
  assert.equal(processes.all.length, 8);
});

test('media time is steady while arrival is not, and begins anew where the machine slept', async () => {
  const clock = new SimulatedClock();
  const processes = new FakeEncoders();
  const feedOf = new VideoFeed(
    { clock, log: silentLog, processes },
    {
      name: 'main',
      codec: 'h264',
      ffmpeg: 'ffmpeg',
      originUs: 0,
      picture: { width: 64, height: 64, fps: 25, gop: 50, bitrate: 100_000 },
    },
  );
  await feedOf.start();
  assert.equal(feedOf.description(), null);
  const ticks: number[] = [];
  feedOf.subscribe((bundle) => ticks.push(bundle.ticks));
  const random = new SeededRandom(4);
  for (let i = 0; i < 50; i++) {
    processes.all[0]!.picture({ keyframe: i === 0 });
    await clock.advance(30 + random.below(21));
  }
  assert.ok(feedOf.description());
  ticks.slice(1).forEach((each, index) => {
    assert.equal(each - ticks[index]!, 3600);
  });
  const last = ticks.at(-1)!;
  await clock.advance(60_000);
  processes.all[0]!.picture({ keyframe: false });
  await clock.advance(1);
  assert.ok(ticks.at(-1)! - last > 59 * 90_000);
  await feedOf.stop();
});
