import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Engine } from '../../web/src/engine/engine.ts';
import type { Playhead } from '../../web/src/model/playhead.ts';
import type { ShownPicture, TilePlayer, TileState } from '../../web/src/player/tile-player.ts';
import { type GlassElement, type ScreenOrder, TileScreen } from '../../web/src/player/tile-screen.ts';

/** A player that tells what the test has it tell. */
class HandPlayer implements TilePlayer {
  readonly past: boolean;
  stream = '';
  calls: string[] = [];
  #state: TileState = { kind: 'idle' };
  #shown: ShownPicture | null = null;
  #onState: (state: TileState) => void = () => {};
  #onPicture = () => {};

  constructor(past: boolean) {
    this.past = past;
  }
  attach(): void {}
  setCamera({ stream }: { stream: string }): void {
    this.stream = stream;
  }
  start(): void {
    this.calls.push('start');
    this.tell({ kind: 'opening', since: 1 });
  }
  stop(): void {
    this.calls.push('stop');
  }
  close(): void {
    this.calls.push('close');
  }
  state(): TileState {
    return this.#state;
  }
  stats(): never {
    throw new Error('not asked here');
  }
  shown(): ShownPicture | null {
    return this.#shown;
  }
  onState(listener: (state: TileState) => void): () => void {
    this.#onState = listener;
    return () => {};
  }
  onPicture(listener: () => void): () => void {
    this.#onPicture = listener;
    return () => {};
  }
  tell(state: TileState): void {
    this.#state = state;
    this.#onState(state);
  }
  picture(): void {
    this.#shown = { wallUs: 1, presentedAt: 1 };
    this.tell({ kind: 'playing', since: 2 });
    this.#onPicture();
  }
}

const had = Object.getOwnPropertyDescriptor(globalThis, 'document');
before(() => {
  const createElement = () => {
    const remove = () => {};
    return { setAttribute: remove, removeAttribute: remove, addEventListener: remove, load: remove, remove };
  };
  Object.defineProperty(globalThis, 'document', { configurable: true, value: { createElement } });
});
after(() => {
  if (had) Object.defineProperty(globalThis, 'document', had);
  else Reflect.deleteProperty(globalThis, 'document');
});

function world() {
  const players: HandPlayer[] = [];
  const host = { prepend() {} } as unknown as GlassElement;
  const screen = new TileScreen({} as Engine, {} as Playhead, host, (past) => {
    players.push(new HandPlayer(past));
    return players.at(-1)!;
  });
  screen.setSeen(true);
  const show = (wish: Partial<ScreenOrder>) =>
    screen.show({ node: 'n', source: 'front', stream: 'sub', past: true, ...wish } as ScreenOrder);
  return { screen, players, show, kind: () => screen.state.get().kind };
}

test('another stream of the past takes over with its first picture; until then the one before is what is told', () => {
  const { screen, players, show, kind } = world();
  show({});
  assert.equal(kind(), 'opening');
  players[0]!.picture();
  assert.deepEqual([kind(), screen.pictured.get()], ['playing', true]);
  show({ stream: 'main' as never });
  assert.equal(players[1]!.state().kind, 'opening');
  assert.deepEqual([kind(), screen.shows.get()!.stream], ['playing', 'sub']);
  // What happens to what is seen is told still.
  players[0]!.tell({ kind: 'waiting', since: 3, why: 'data' });
  assert.equal(kind(), 'waiting');
  players[0]!.tell({ kind: 'playing', since: 4 });
  assert.equal(kind(), 'playing');
  players[1]!.tell({ kind: 'waiting', since: 5, why: 'data' });
  assert.equal(kind(), 'playing');
  players[1]!.picture();
  assert.deepEqual([kind(), screen.shows.get()!.stream, screen.pictured.get()], ['playing', 'main', true]);
  assert.equal(players[0]!.calls.at(-1), 'close');
  players[0]!.tell({ kind: 'idle' });
  assert.equal(kind(), 'playing', 'what was let go of tells nothing any more');
});

test('from the past to the present and back nothing is taken away before something else is there', () => {
  const { screen, players, show, kind } = world();
  show({});
  players[0]!.picture();
  show({ past: false });
  assert.deepEqual([players[1]!.past, screen.shows.get()!.past, kind()], [false, true, 'playing']);
  // Changed one's mind: what is seen is what is wanted.
  show({});
  assert.deepEqual([players[1]!.calls.at(-1), kind()], ['close', 'playing']);
  show({ past: false });
  players[2]!.picture();
  assert.deepEqual([screen.shows.get()!.past, players[0]!.calls.at(-1)], [false, 'close']);
});

test('where the new one has no picture to come its words are told at once', () => {
  const { screen, players, show, kind } = world();
  show({});
  players[0]!.picture();
  show({ stream: 'main' as never });
  players[1]!.tell({ kind: 'gap', since: 1, until: null, cause: 'stalled' });
  assert.deepEqual([kind(), screen.shows.get()!.stream], ['gap', 'main']);
});

test('another camera takes the picture away at once; unseen nothing runs', () => {
  const { screen, players, show, kind } = world();
  show({});
  players[0]!.picture();
  show({ source: 'back' as never });
  assert.deepEqual([kind(), screen.pictured.get(), players[0]!.calls.at(-1)], ['opening', false, 'close']);
  screen.setSeen(false);
  assert.equal(players[1]!.calls.at(-1), 'stop');
  show({ source: 'back' as never, stream: 'main' as never });
  assert.deepEqual(players[2]!.calls, []);
  screen.setSeen(true);
  assert.deepEqual(players[2]!.calls, ['start']);
  screen.show(null);
  assert.deepEqual([kind(), screen.shows.get()], ['idle', null]);
});
