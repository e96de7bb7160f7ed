import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Store } from '../../web/src/engine/store.ts';
import { CameraNames } from '../../web/src/model/camera-names.ts';
import type { Camera } from '../../web/src/model/cameras.ts';
import { Settings } from '../../web/src/model/settings.ts';
import { shownName } from '../../web/src/model/shown-name.ts';
import { deviceName } from '../../web/src/pages/pairing/device-name.ts';
import { needsTls, originToAllow, pageAddress } from '../../web/src/pages/pairing/page-origin.ts';
import { invitationFrom, typedAddress, typedCode } from '../../web/src/pages/pairing/typed-text.ts';
import { invitationIn, pageIn, withPage } from '../../web/src/shell/address-text.ts';
import { isMissingFile } from '../../web/src/shell/missing-file.ts';
import { answerFor } from '../../web/src/shell/offline.ts';
import { newestLoss, wholeness } from '../../web/src/shell/wholeness.ts';
import { keyNames, matches } from '../../web/src/ui/key-chord.ts';
import { visibleRows } from '../../web/src/ui/visible-rows.ts';

const CODE =
  'AY1sp9FviY1SPH0BOZIMHPfj5GKdQlrTVI6R0uI-davGt4RwmQuGKBkDu9-v_Dktm5R-Ftq42TQJganJsUdj3Fytt8Z3HMCosWtydqds2D00pX_pXubjijy_3V3ZOmW-eWsByHkBBH8AAAGh1TTjqCk';

test('an invitation is read from the part of the address no server sees, and from nowhere else', () => {
  assert.equal(invitationIn(`#i=${CODE}`), `i=${CODE}`);
  for (const hash of ['', '#', '#i=', `#x=${CODE}`, `#i=${CODE}&x`, '#i=a b', `#i=${'a'.repeat(4_097)}`]) {
    assert.equal(invitationIn(hash), null, hash.slice(0, 20));
  }
});

test('pages stand in the query; the wall stands without one, and nothing of an invitation is left', () => {
  for (const page of ['health', 'devices', 'cameras', 'settings', 'pair'] as const) {
    const address = withPage(`http://127.0.0.1:8456/folder/?x=1#i=${CODE}`, page);
    assert.equal(address, `/folder/?x=1&page=${page}`);
    assert.equal(pageIn(address.slice(address.indexOf('?'))), page);
  }
  assert.equal(withPage('http://127.0.0.1/?page=health', 'wall'), '/');
  for (const search of ['', '?page=', '?page=admin', '?page=wall']) assert.equal(pageIn(search), 'wall');
});

test('an invitation is found in whatever was pasted around it', () => {
  const said = [
    CODE,
    `i=${CODE}`,
    `http://192.168.1.2:8456/#i=${CODE}`,
    `  https://viewer.example/x/#i=${CODE}\n`,
    `bin/constitute-nvr client pair 'http://10.0.0.1:8456/#i=${CODE}'`,
    `bin/constitute-nvr client pair '${CODE}'`,
  ];
  for (const text of said) assert.equal(invitationFrom(text), `i=${CODE}`, text);
  for (const text of ['', 'hello', 'http://192.168.1.2:8456/', CODE.slice(0, 100)]) {
    assert.equal(invitationFrom(text), null, text);
  }
});

test('digits and addresses are taken as people type them', () => {
  assert.equal(typedCode('0471-18 15'), '0471 1815');
  assert.equal(typedCode('047'), '047');
  assert.equal(typedCode('047118159999'), '0471 1815');
  const addresses: [string, string][] = [
    ['192.168.1.20', '192.168.1.20:8456'],
    [' http://192.168.1.20:9000/x?y#z ', '192.168.1.20:9000'],
    ['[fd00::1]', '[fd00::1]:8456'],
    ['https://nvr.example/', 'nvr.example:443'],
    ['http://192.168.1.20/?page=pair', '192.168.1.20:80'],
    ['nvr.local:8456', 'nvr.local:8456'],
    ['', ''],
  ];
  for (const [typed, address] of addresses) assert.equal(typedAddress(typed), address);
});

test('a page that a node may not know is told by what must be written there', () => {
  const at = '192.168.1.5:8456';
  for (const [page, addresses, origin] of [
    ['http://192.168.1.5:8456/', [at], null],
    ['http://[fd00::1]/', ['[fd00::1]:80'], null],
    ['http://localhost:8456/', ['localhost:8456'], null],
    ['http://192.168.1.6:8456/', [at], 'http://192.168.1.6:8456'],
    ['http://nvr.lan:8456/', ['nvr.lan:8456'], 'http://nvr.lan:8456'],
    ['https://192.168.1.5/folder/', ['192.168.1.5:443'], 'https://192.168.1.5'],
  ] as const) {
    assert.equal(originToAllow(new URL(page), addresses), origin, page);
  }
  assert.ok(needsTls(new URL('https://nvr.example/'), [at, '127.0.0.1:8456']));
  assert.ok(!needsTls(new URL('https://nvr.example/'), ['127.0.0.1:8456', '[::1]:8456']));
  assert.ok(!needsTls(new URL('http://nvr.example/'), [at]));
  assert.equal(pageAddress(new URL('https://nvr.example/')), 'nvr.example:443');
  assert.equal(pageAddress(new URL('http://192.168.1.5/')), '192.168.1.5:80');
});

test('a browser is called what people call it', () => {
  const join = (browser: string, system: string) => `${browser} / ${system}`;
  const cases: [string, string][] = [
    [
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36',
      'Chrome / Linux',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0',
      'Edge / Windows',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1',
      'Safari / iPhone',
    ],
    ['Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0', 'Firefox / Android'],
    ['', 'Web'],
  ];
  for (const [agent, name] of cases) assert.equal(deviceName(agent, join), name);
});

test('the service worker answers for its own files and for nothing else', () => {
  const scope = new URL('http://127.0.0.1:8456/viewer/');
  const ask = (path: string, mode = 'cors', method = 'GET') =>
    answerFor({ method, mode, url: new URL(path, scope).href }, scope);
  assert.equal(ask('./', 'navigate'), 'page');
  assert.equal(ask('./?page=health', 'navigate'), 'page');
  assert.equal(ask('assets/index-Abc_123.js'), 'kept');
  assert.equal(ask('icon-192.png'), 'kept');
  for (const path of [
    'session',
    'health',
    'metrics',
    'files.json',
    'sw.js',
    'download/00ff',
    '../other',
    'assets/x/y.js',
  ]) {
    assert.equal(ask(path), 'network', path);
  }
  assert.equal(ask('http://elsewhere/viewer/assets/a.js'), 'network');
  assert.equal(ask('assets/a.js', 'cors', 'POST'), 'network');
});

test('a part of the page that its server does not have any more is told from one that broke', () => {
  for (const [error, missing] of [
    [new TypeError('Failed to fetch dynamically imported module: http://127.0.0.1/assets/a.js'), true],
    [new TypeError('error loading dynamically imported module: http://127.0.0.1/assets/a.js'), true],
    [new TypeError('Importing a module script failed.'), true],
    [new Error('Unable to preload CSS for /assets/a.css'), true],
    [new TypeError('x is not a function'), false],
    ['dynamically imported module', false],
  ] as const) {
    assert.equal(isMissingFile(error), missing, String(error));
  }
});

test('names of cameras are kept for when their node is away, until it is forgotten', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const all = new Store<readonly Camera[]>([]);
  const names = new CameraNames(all, storage);
  const camera = (key: string, name: string) => ({ key, name }) as Camera;
  all.set([camera('a/cam1', 'Door'), camera('b/cam1', 'Yard')]);
  all.set([]);
  assert.deepEqual([names.of('a/cam1'), names.of('b/cam1'), names.of('a/cam2')], ['Door', 'Yard', null]);
  names.forget('b');
  const later = new CameraNames(new Store<readonly Camera[]>([]), storage);
  assert.deepEqual([later.of('a/cam1'), later.of('b/cam1')], ['Door', null]);
  const [key] = [...kept.keys()];
  for (const text of ['', '{', 'null', '7', '{"a/cam1":7}']) {
    kept.set(key!, text);
    assert.equal(new CameraNames(new Store<readonly Camera[]>([]), storage).of('a/cam1'), null, text);
  }
});

test('cameras of one name at several nodes are told apart by their place, else by their node', () => {
  const camera = (node: string, name: string, site: string) =>
    ({ node, name, site, nodeName: `node ${node}` }) as Camera;
  const [door, other, third, yard] = [
    camera('a', 'Door', 'Home'),
    camera('b', 'Door', 'Office'),
    camera('c', 'Door', 'Office'),
    camera('a', 'Yard', 'Home'),
  ] as const;
  assert.equal(shownName(door, [door, yard]), 'Door');
  assert.equal(shownName(door, [door, other, yard]), 'Door · Home');
  assert.equal(shownName(yard, [door, other, yard]), 'Yard');
  assert.equal(shownName(other, [door, other, third]), 'Door · node b');
  assert.equal(shownName(camera('a', 'Door', ''), [other]), 'Door · node a');
});

test('what somebody wanted is no loss, and the newest loss is the one that counts', () => {
  const gap = (cause: 'unreachable' | 'unwanted' | 'disabled' | 'full', startAt: number, endAt: number | null) => ({
    cause,
    startAt,
    endAt,
  });
  assert.equal(newestLoss([]), null);
  assert.equal(newestLoss([gap('unwanted', 0, 10), gap('disabled', 20, null)]), null);
  assert.deepEqual(
    newestLoss([gap('full', 0, 10), gap('unreachable', 5, 30), gap('unwanted', 40, 50)]),
    gap('unreachable', 5, 30),
  );
  assert.equal(newestLoss([gap('full', 0, null), gap('full', 5, 30)])!.endAt, null);

  const a = { name: 'a', gap: gap('full', 0, 10) };
  const b = { name: 'b', gap: gap('unreachable', 0, 30) };
  assert.deepEqual(wholeness([a, b], 5), { missingNow: 0, since: 30 });
  assert.deepEqual(wholeness([a, { name: 'c', gap: gap('full', 40, null) }], 5), { missingNow: 1, since: 10 });
  assert.deepEqual(wholeness([{ name: 'd', gap: null }], 5), { missingNow: 0, since: 5 });
  assert.deepEqual(wholeness([], null), { missingNow: 0, since: null });
});

test('keys match as they are named', () => {
  const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) => ({
    key,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...held,
  });
  assert.ok(matches('l', press('l')));
  assert.ok(matches('l', press('L')));
  assert.ok(!matches('l', press('L', { shiftKey: true })));
  assert.ok(matches('Shift+g', press('G', { shiftKey: true })));
  assert.ok(matches('?', press('?', { shiftKey: true })));
  assert.ok(matches('Space', press(' ')));
  assert.ok(matches('+', press('+', { shiftKey: true })));
  assert.ok(matches('Ctrl++', press('+', { ctrlKey: true })));
  assert.ok(matches('Ctrl+s', press('s', { metaKey: true })));
  assert.ok(!matches('s', press('s', { ctrlKey: true })));
  assert.ok(matches('Shift+ArrowLeft', press('ArrowLeft', { shiftKey: true })));
  assert.ok(!matches('ArrowLeft', press('ArrowLeft', { shiftKey: true })));
  assert.deepEqual(keyNames('Shift+ArrowLeft'), ['Shift', '←']);
  assert.deepEqual(keyNames('+'), ['+']);
  assert.deepEqual(keyNames('l'), ['L']);
});

test('a long list draws what is seen, and its height is that of all rows', () => {
  fc.assert(
    fc.property(
      fc.nat(5_000),
      fc.integer({ min: 20, max: 60 }),
      fc.nat(400_000),
      fc.integer({ min: 50, max: 2_000 }),
      (count, rowHeight, scrolled, height) => {
        const scrollTop = Math.min(scrolled, Math.max(0, count * rowHeight - height));
        const { first, last, before, after } = visibleRows(count, rowHeight, scrollTop, height);
        assert.equal(before + (last - first) * rowHeight + after, count * rowHeight);
        assert.ok(first * rowHeight <= scrollTop);
        assert.ok(last === count || last * rowHeight >= scrollTop + height);
        assert.ok(last - first <= Math.ceil(height / rowHeight) + 16);
      },
    ),
  );
  assert.deepEqual(visibleRows(3, 34, 0, Number.POSITIVE_INFINITY), { first: 0, last: 3, before: 0, after: 0 });
});

test('settings are kept, and what is not ours is passed over', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const first = new Settings(storage);
  assert.deepEqual([first.language.get(), first.theme.get(), first.timeZone.get()], [null, 'auto', null]);
  first.language.set('es');
  first.theme.set('light');
  first.timeZone.set('Asia/Kathmandu');
  first.read.set(['a']);
  const second = new Settings(storage);
  assert.deepEqual(
    [second.language.get(), second.theme.get(), second.timeZone.get(), second.read.get()],
    ['es', 'light', 'Asia/Kathmandu', ['a']],
  );
  const [key] = [...kept.keys()];
  for (const text of ['', 'null', '7', '{', '{"language":"fr","theme":1,"timeZone":{},"read":[1]}']) {
    kept.set(key!, text);
    const other = new Settings(storage);
    assert.deepEqual(
      [other.language.get(), other.theme.get(), other.timeZone.get(), other.read.get()],
      [null, 'auto', null, []],
      text,
    );
  }
});
