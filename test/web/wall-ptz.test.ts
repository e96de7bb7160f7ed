import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import { type Engine, EngineFailure } from '../../web/src/engine/engine.ts';
import type { DeviceKey, EngineError, SourceId } from '../../web/src/engine/messages.ts';
import { PtzHold } from '../../web/src/wall/ptz-hold.ts';

interface Watched {
  params: Record<string, unknown>;
  event(name: string, params: unknown): void;
  ended(error: EngineError | null): void;
  closed: boolean;
}

/** What the page's end of the engine would be told, by hand. */
class EngineDouble {
  readonly watched: Watched[] = [];
  readonly calls: [string, Record<string, unknown>][] = [];
  readonly answers = new Map<string, () => unknown>();

  watch(_node: unknown, _name: string, params: Record<string, unknown>, sink: Pick<Watched, 'event' | 'ended'>) {
    const watched: Watched = { params, ...sink, closed: false };
    this.watched.push(watched);
    return {
      more() {},
      close() {
        watched.closed = true;
      },
    };
  }

  async call(_node: unknown, name: string, params: Record<string, unknown>) {
    this.calls.push([name, params]);
    return this.answers.get(name)?.() ?? {};
  }
}

const settle = async () => {
  for (let count = 0; count < 5; count++) await Promise.resolve();
};

describe('steering a camera', () => {
  let engine: EngineDouble;
  let hold: PtzHold;
  beforeEach(() => {
    mock.timers.reset();
    mock.timers.enable({ apis: ['setTimeout'] });
    engine = new EngineDouble();
    hold = new PtzHold(engine as unknown as Engine, 'n' as DeviceKey, 'yard' as SourceId);
  });
  const held = () => {
    hold.hold();
    engine.watched[0]!.event('reply', { lease: 'abc', since: 5 });
  };
  const moves = () => engine.calls.filter(([name]) => name === 'ptz.move').length;

  it('takes the lease, goes on as long as it is wished, and stops once', () => {
    held();
    assert.deepEqual(hold.state.get(), { kind: 'held', since: 5 });
    hold.move({ pan: 0.5, tilt: 0, zoom: 0 });
    assert.deepEqual(engine.calls[0], [
      'ptz.move',
      { source: 'yard', lease: 'abc', pan: 0.5, tilt: 0, zoom: 0, forMs: 700 },
    ]);
    for (let count = 0; count < 4; count++) mock.timers.tick(250);
    assert.equal(moves(), 5);
    hold.move({ pan: 0, tilt: 0, zoom: 0 });
    hold.move({ pan: 0, tilt: 0, zoom: 0 });
    mock.timers.tick(5_000);
    assert.equal(moves(), 5);
    assert.equal(engine.calls.filter(([name]) => name === 'ptz.stop').length, 1);
  });

  it('moves as soon as the lease is there, and takes it again after idleness', () => {
    hold.move({ pan: 0, tilt: 1, zoom: 0 });
    assert.equal(hold.state.get().kind, 'asking');
    assert.equal(moves(), 0);
    engine.watched[0]!.event('reply', { lease: 'abc', since: 5 });
    assert.equal(moves(), 1);
    hold.move({ pan: 0, tilt: 0, zoom: 0 });
    engine.watched[0]!.event('ptz.lost', { reason: 'idle' });
    engine.watched[0]!.ended(null);
    assert.deepEqual(hold.state.get(), { kind: 'lost', reason: 'idle' });
    hold.move({ pan: 0, tilt: -1, zoom: 0 });
    assert.equal(engine.watched.length, 2);
  });

  it('says who has it, and takes it over only when told to', async () => {
    engine.answers.set('ptz.status', () => ({ holder: { self: false, since: 9, label: 'Gate house' } }));
    hold.hold();
    engine.watched[0]!.ended({ code: 'ERR_CAMERAS_PTZ_HELD', kind: 'conflict', message: '' });
    await settle();
    assert.deepEqual(hold.state.get(), { kind: 'busy', since: 9, label: 'Gate house' });
    hold.move({ pan: 1, tilt: 0, zoom: 0 });
    assert.equal(engine.watched.length, 1, 'pushing the stick takes nothing away');
    hold.hold(true);
    assert.deepEqual(engine.watched[1]!.params, { source: 'yard', take: true });
  });

  it('is lost to another device, with the link, and given back by release', async () => {
    held();
    hold.move({ pan: 1, tilt: 0, zoom: 0 });
    engine.watched[0]!.event('ptz.lost', { reason: 'taken' });
    engine.watched[0]!.ended(null);
    assert.deepEqual(hold.state.get(), { kind: 'lost', reason: 'taken' });
    const before = moves();
    mock.timers.tick(2_000);
    assert.equal(moves(), before, 'nothing is sent without the lease');
    hold.hold();
    engine.watched[1]!.event('reply', { lease: 'def', since: 6 });
    hold.release();
    assert.equal(engine.watched[1]!.closed, true);
    assert.deepEqual(hold.state.get(), { kind: 'free' });
    engine.watched[1]!.event('reply', { lease: 'late', since: 7 });
    assert.deepEqual(hold.state.get(), { kind: 'free' }, 'what comes after is not heard');
  });

  it('tells what the camera refuses, but not the end of a lease twice', async () => {
    held();
    engine.answers.set('ptz.recall', () => {
      throw new EngineFailure({ code: 'ERR_COMMANDS_CAMERA_REFUSED', kind: 'unavailable', message: '' });
    });
    assert.equal(await hold.recall('3'), false);
    assert.equal(hold.state.get().kind, 'failed');
    hold.release();
    hold.hold();
    engine.watched[1]!.event('reply', { lease: 'def', since: 6 });
    engine.answers.set('ptz.recall', () => {
      throw new EngineFailure({ code: 'ERR_CAMERAS_PTZ_LEASE', kind: 'conflict', message: '' });
    });
    assert.equal(await hold.recall('3'), false);
    assert.equal(hold.state.get().kind, 'held');
  });
});
