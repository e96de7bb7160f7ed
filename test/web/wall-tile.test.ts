import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Camera, StreamState } from '../../web/src/model/cameras.ts';
import { stickSpeed } from '../../web/src/wall/ptz-hold.ts';
import { snapshotName } from '../../web/src/wall/snapshot.ts';
import { codecName, sizeName, type TileFacts, tileMessage } from '../../web/src/wall/tile-message.ts';
import { NO_ZOOM, panBy, ZOOM_MAX, zoomAt } from '../../web/src/wall/zoom.ts';

const camera = { name: 'Yard', enabled: true, actions: ['live', 'playback'] as const } as unknown as Camera;
const open = { kind: 'open', since: 1, address: 'a' } as const;
const running = { state: 'running', since: 5 } as StreamState;
const fine: TileFacts = {
  camera,
  link: open,
  listed: true,
  player: { kind: 'playing', since: 1 },
  recorder: running,
  past: false,
};
const opening = { kind: 'opening', since: 7 } as const;

describe('what a tile says', () => {
  it('nothing while the picture runs', () => {
    assert.equal(tileMessage(fine), null);
    assert.equal(tileMessage({ ...fine, player: { kind: 'idle' } }), null);
  });

  it('the cause before its consequences, since when, and what comes next', () => {
    const lost = { kind: 'lost', since: 10, retryAt: 20, reason: 'ERR_CLIENT_CLOSED' } as const;
    assert.deepEqual(tileMessage({ ...fine, link: lost, player: { kind: 'waiting', since: 11, why: 'link' } }), {
      what: { kind: 'link', refused: false },
      since: 10,
      next: 20,
    });
    const backoff = { state: 'backoff', since: 100, cause: 'unauthorized', retryAt: 160 } as StreamState;
    assert.deepEqual(tileMessage({ ...fine, recorder: backoff, player: opening }), {
      what: { kind: 'recorder', state: 'backoff', cause: 'unauthorized', reason: null },
      since: 100,
      next: 160,
    });
    const stalled = { state: 'stalled', since: 100, lastFragmentAt: 90 } as StreamState;
    assert.equal(tileMessage({ ...fine, recorder: stalled, player: opening })!.since, 90);
    const gap = { kind: 'gap', since: 50, until: null, cause: 'ended' } as const;
    assert.deepEqual(tileMessage({ ...fine, player: gap })!.what, { kind: 'gap', cause: 'ended', past: false });
    assert.equal(tileMessage({ ...fine, link: { kind: 'refused', since: 3 } })!.what.kind, 'link');
    assert.equal(tileMessage({ ...fine, player: { kind: 'waiting', since: 3, why: 'data' } })!.what.kind, 'late');
  });

  it('what is not there, switched off or not playable', () => {
    assert.equal(tileMessage({ ...fine, link: undefined })!.what.kind, 'removed');
    assert.equal(tileMessage({ ...fine, camera: undefined })!.what.kind, 'removed');
    assert.equal(tileMessage({ ...fine, camera: undefined, listed: false })!.what.kind, 'connecting');
    const off = { ...fine, camera: { ...camera, enabled: false }, player: { kind: 'idle' } as const };
    assert.equal(tileMessage({ ...off, past: true }), null, 'its past may be looked at');
    assert.equal(tileMessage({ ...off, player: opening })!.what.kind, 'disabled');
    const unplayable = { kind: 'unplayable', since: 1, codecs: 'hvc1.1.6.L93.B0' } as const;
    assert.deepEqual(tileMessage({ ...fine, player: unplayable })!.what, {
      kind: 'unplayable',
      codecs: 'hvc1.1.6.L93.B0',
    });
  });

  it('what this device may not see, and what it may instead', () => {
    const may = (...actions: string[]) => ({ ...fine, camera: { ...camera, actions } as unknown as Camera });
    assert.deepEqual(tileMessage(may('playback'))!.what, { kind: 'denied', past: false, other: true });
    assert.deepEqual(tileMessage({ ...may('live'), past: true })!.what, { kind: 'denied', past: true, other: true });
    assert.deepEqual(tileMessage(may('ptz'))!.what, { kind: 'denied', past: false, other: false });
    assert.equal(tileMessage(may('live')), null);
  });

  it('of the past only what concerns it', () => {
    const backoff = { state: 'backoff', since: 100, cause: 'unauthorized' } as StreamState;
    assert.equal(tileMessage({ ...fine, recorder: backoff, past: true }), null);
    const gap = { kind: 'gap', since: 50, until: 80, cause: 'ended' } as const;
    assert.deepEqual(tileMessage({ ...fine, player: gap, past: true }), {
      what: { kind: 'gap', cause: 'ended', past: true },
      since: 50,
      next: 80,
    });
    assert.equal(tileMessage({ ...fine, player: opening, past: true })!.what.kind, 'opening');
  });

  it('names of codecs and sizes', () => {
    assert.equal(codecName('hev1.1.6.L93.B0,mp4a.40.2'), 'H.265');
    assert.equal(codecName('avc1.64001f'), 'H.264');
    assert.equal(codecName('xyz9.1'), 'xyz9');
    assert.equal(sizeName(1920, 1080), '1080p');
    assert.equal(sizeName(704, 576), '704×576');
    assert.equal(sizeName(1080, 1920), '1080p');
    assert.equal(sizeName(0, 0), '');
  });
});

describe('digital zoom', () => {
  const tile = { w: 800, h: 450 };

  it('keeps the point under the pointer and never shows what is beside the picture', () => {
    const step = fc.record({
      factor: fc.double({ min: 0.2, max: 5, noNaN: true }),
      x: fc.double({ min: 0, max: 800, noNaN: true }),
      y: fc.double({ min: 0, max: 450, noNaN: true }),
      pan: fc.double({ min: -900, max: 900, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let zoom = NO_ZOOM;
        for (const { factor, x, y, pan } of steps) {
          zoom = panBy(zoomAt(zoom, factor, { x, y }, tile), pan, -pan, tile);
          assert.ok(zoom.scale >= 1 && zoom.scale <= ZOOM_MAX);
          assert.ok(zoom.x <= 0 && zoom.x + tile.w * zoom.scale >= tile.w - 1e-6);
          assert.ok(zoom.y <= 0 && zoom.y + tile.h * zoom.scale >= tile.h - 1e-6);
        }
      }),
    );
    const { scale, x, y } = zoomAt(NO_ZOOM, 2, { x: 400, y: 100 }, tile);
    assert.deepEqual([scale, (400 - x) / scale, (100 - y) / scale], [2, 400, 100]);
    assert.equal(zoomAt({ scale: 1.5, x: -10, y: 0 }, 0.1, { x: 0, y: 0 }, tile), NO_ZOOM);
  });
});

describe('the stick', () => {
  it('is still in the middle, slow near it, and never faster than 1', () => {
    assert.deepEqual(stickSpeed(0.05, -0.05), { pan: 0, tilt: 0 });
    assert.deepEqual(stickSpeed(1, 0), { pan: 1, tilt: 0 });
    assert.deepEqual(stickSpeed(0, 5), { pan: 0, tilt: -1 });
    assert.ok(stickSpeed(0.4, 0).pan < 0.2);
    fc.assert(
      fc.property(fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: -3, max: 3, noNaN: true }), (x, y) => {
        const { pan, tilt } = stickSpeed(x, y);
        assert.ok(Math.hypot(pan, tilt) <= 1.01 && pan * x >= 0 && tilt * y <= 0);
      }),
    );
  });
});

describe('the name of a saved picture', () => {
  it('says the camera and the time in the zone of display', () => {
    const at = Date.UTC(2026, 9, 25, 0, 59, 7);
    assert.equal(snapshotName('Front door', at, 'Europe/Madrid'), 'Front door_2026-10-25_02-59-07.png');
    assert.equal(snapshotName('Front door', at, 'Asia/Kathmandu'), 'Front door_2026-10-25_06-44-07.png');
  });

  it('has nothing in it that a file system refuses', () => {
    assert.equal(snapshotName('../a:b\\c', 0, 'UTC'), '-a-b-c_1970-01-01_00-00-00.png');
    assert.equal(snapshotName('...', 0, 'UTC'), 'camera_1970-01-01_00-00-00.png');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (name) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must not be there
        assert.ok(!/[\u0000-\u001f<>:"/\\|?*]/.test(snapshotName(name, 0, 'UTC')));
      }),
      { numRuns: 25 },
    );
  });
});
