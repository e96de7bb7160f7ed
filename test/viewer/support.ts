import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, connect as openTcp, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { silentLog } from '../../src/platform/index.ts';
import { createNodeClock, createNodeProcesses, createNodeRandom } from '../../src/platform/node/index.ts';
import type { Role } from '../../src/protocol/index.ts';
import { createVirtualCamera, type VirtualCamera, type VirtualCameraOptions } from '../../src/virtual-camera/index.ts';
import { freePort, NodeUnderTest } from '../e2e/node-process.ts';
import { until } from '../support/wait.ts';
import { PIXEL_PROBE, shownNow } from './pixel-probe.ts';

/** The built viewer that is tried; another folder than web/dist only while somebody works on it. */
export const VIEWER = resolve(process.env['VIEWER_DIST'] ?? join(import.meta.dirname, '../../web/dist'));
export const SCREENSHOTS = resolve(import.meta.dirname, '../screenshots');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export const WALL_SCREEN = { width: 1600, height: 900 };
export const LAPTOP = { width: 1100, height: 700 };
export const PHONE = { width: 390, height: 844 };

/** The picture of a camera on the wall, for the pixel probe. */
export function tile(source: string): string {
  return `.wall-tile[data-camera$="/${source}"] video`;
}

export interface WorldOptions {
  /** Cameras of the node, `cam1` and so on; all show the same two pictures. */
  cameras?: number;
  /** How many of them are configured from the start; default all. */
  configured?: number;
  camera?: VirtualCameraOptions;
  /** Further lines of config.yaml, where they need it by the port people reach the node at. */
  config?: string | ((port: number) => string);
  /** Further lines for a source's entry, indented by four. */
  source?: string;
  segment?: string;
  /** Further arguments of the browser. */
  chromium?: readonly string[];
}

/** A node beside the world's own, in its own folder and behind a network of its own. */
export class Neighbour {
  readonly node: NodeUnderTest;
  readonly network: Network;

  constructor(node: NodeUnderTest, network: Network) {
    this.node = node;
    this.network = network;
  }

  get address(): string {
    return `http://127.0.0.1:${this.network.port}/`;
  }

  async invite(role: Role = 'owner'): Promise<string> {
    return inviteTo(this.node, role);
  }

  /** Changes its configuration by hand. */
  configure(change: (text: string) => string): void {
    configureNode(this.node, change);
  }

  /** Starts it (again), by the configuration as it is now. */
  async start(): Promise<void> {
    await startNode(this.node);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await endNode(this.node, signal);
  }
}

/** A real node with virtual cameras, and a browser: everything one test file needs. */
export class ViewerWorld {
  readonly node: NodeUnderTest;
  readonly camera: VirtualCamera;
  readonly network: Network;
  readonly browser: Browser;
  readonly #folder: string;
  readonly #deaf: () => void;
  readonly #neighbours: Neighbour[] = [];

  private constructor(
    parts: { node: NodeUnderTest; camera: VirtualCamera; network: Network; browser: Browser; folder: string },
    deaf: () => void,
  ) {
    this.node = parts.node;
    this.camera = parts.camera;
    this.network = parts.network;
    this.browser = parts.browser;
    this.#folder = parts.folder;
    this.#deaf = deaf;
  }

  /** Starts everything; ends what it started where something of it fails. */
  static async start(options: WorldOptions = {}): Promise<ViewerWorld> {
    const { cameras = 4, configured = cameras, segment = '4s', source = '', config = '' } = options;
    const folder = mkdtempSync(join(tmpdir(), 'nvr-viewer-'));
    const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
    try {
      const camera = createVirtualCamera(
        { clock: createNodeClock(), random: createNodeRandom(), log: silentLog, processes: createNodeProcesses() },
        {
          cameras,
          main: { width: 1280, height: 720, fps: 25, gop: 25, bitrate: 1_500_000 },
          sub: { width: 480, height: 270, fps: 25, gop: 25, bitrate: 300_000 },
          ...options.camera,
        },
      );
      ends.push(() => camera.stop());
      await camera.start();
      const port = await freePort();
      const network = await Network.open(port);
      ends.push(() => network.close());
      const numbers = Array.from({ length: configured }, (_, index) => index + 1);
      const further = typeof config === 'string' ? config : config(network.port);
      const node = new NodeUnderTest(folder, configOf({ port, network, camera, numbers, source, segment, further }));
      ends.push(() => endNode(node, 'SIGTERM'));
      const killed = () => void node.node?.child.kill('SIGKILL');
      process.on('exit', killed);
      await startNode(node);
      const browser = await chromium.launch({
        executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
        args: [
          '--no-sandbox',
          '--disable-dev-shm-usage',
          '--disable-background-networking',
          ...(options.chromium ?? []),
        ],
      });
      ends.push(() => browser.close());
      return new ViewerWorld({ node, camera, network, browser, folder }, () => process.off('exit', killed));
    } catch (error) {
      for (const end of ends.reverse()) await end();
      throw error;
    }
  }

  /** Where people open it. */
  get address(): string {
    return `http://127.0.0.1:${this.network.port}/`;
  }

  /** An address that pairs the browser that opens it. The first device becomes owner, whatever is asked. */
  async invite(role: Role = 'owner'): Promise<string> {
    return inviteTo(this.node, role);
  }

  /** Changes the node's configuration by hand. */
  configure(change: (text: string) => string): void {
    configureNode(this.node, change);
  }

  /** An invitation that leads to this address, once the node has read its configuration. */
  async invitationAt(address: string): Promise<string> {
    let invitation = '';
    await until(`invitations lead to ${address}`, async () => {
      invitation = await this.invite();
      return invitation.startsWith(`${address}#`);
    });
    return invitation;
  }

  /** A second node that is up, with cameras of the world by their numbers; ended with the world. */
  async neighbour(numbers: readonly number[]): Promise<Neighbour> {
    const port = await freePort();
    const network = await Network.open(port);
    const { camera } = this;
    const folder = join(this.#folder, `neighbour${this.#neighbours.length}`);
    const node = new NodeUnderTest(folder, configOf({ port, network, camera, numbers }));
    const neighbour = new Neighbour(node, network);
    this.#neighbours.push(neighbour);
    process.once('exit', () => void node.node?.child.kill('SIGKILL'));
    await neighbour.start();
    return neighbour;
  }

  /** A browser of its own: other keys, other settings. */
  async open(options: BrowserOptions = {}): Promise<Viewer> {
    return Viewer.open(this, options);
  }

  /** A browser that was paired by opening an invitation, and whose wall is there. */
  async paired(options: BrowserOptions & { role?: Role } = {}): Promise<Viewer> {
    const viewer = await this.open(options);
    await viewer.pair(await this.invite(options.role ?? 'owner'), options.name);
    return viewer;
  }

  /** Waits until every stream of the node (of these sources) is recorded. */
  async recording(sources?: readonly string[]): Promise<void> {
    await until(
      'the cameras are recorded',
      async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${this.network.target}/metrics`)).text();
        const running = [...metrics.matchAll(/^nvr_stream_running\{source="(\w+)",.*\} (\d)$/gm)];
        const asked = running.filter(([, source]) => sources?.includes(source!) ?? true);
        return asked.length > 0 && asked.every(([, , value]) => value === '1');
      },
      30_000,
    );
  }

  /** Ends the node in order and starts it again at the same place; `between` runs while it is away. */
  async restartNode(between: () => Promise<void> = async () => {}): Promise<void> {
    await endNode(this.node, 'SIGTERM');
    await between();
    await startNode(this.node);
  }

  async stop(): Promise<void> {
    this.#deaf();
    await this.browser.close();
    for (const neighbour of this.#neighbours) {
      await neighbour.end('SIGTERM');
      neighbour.network.close();
    }
    await endNode(this.node, 'SIGTERM');
    this.network.close();
    await this.camera.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface ConfigParts {
  port: number;
  network: Network;
  camera: VirtualCamera;
  /** Of the cameras. */
  numbers: readonly number[];
  source?: string;
  segment?: string;
  further?: string;
}

/** What a node is told: where it is, and its cameras. */
function configOf({ port, network, camera, numbers, source = '', segment = '4s', further = '' }: ConfigParts): string {
  const sources = numbers.map((number) => {
    const [main, sub] = ['main', 'sub'].map((stream) => `/cam${number}/${stream}`);
    const urls = camera.mounts.includes(sub!)
      ? `    url: ${camera.url(main!)}\n    sub: ${camera.url(sub!)}\n`
      : `    url: ${camera.url(main!)}\n`;
    return `  cam${number}:\n    name: Camera ${number}\n${urls}${source}`;
  });
  const head = `listen: 127.0.0.1:${port}\naddresses: [127.0.0.1:${network.port}]\nlog: warn\nstorage:\n  segment: ${segment}\n`;
  return `${head}${further}sources:${sources.length > 0 ? `\n${sources.join('')}` : ' {}\n'}`;
}

function configureNode({ data }: NodeUnderTest, change: (text: string) => string): void {
  const path = join(data, 'config.yaml');
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

async function inviteTo(node: NodeUnderTest, role: Role): Promise<string> {
  const { invitation } = await node.json<{ invitation: string }>(['devices', 'invite', '--role', role]);
  return invitation;
}

async function startNode(node: NodeUnderTest): Promise<void> {
  const running = node.begin(['start', '--no-qr', '--viewer', VIEWER]);
  node.node = running;
  await until('the node is up', () => {
    assert.equal(running.child.exitCode, null, `the node ended: ${running.err()}`);
    return /^devices {6}.*\n/m.test(running.out());
  });
  assert.match(running.out(), /^viewer {7}http/m, `no viewer is built in ${VIEWER}`);
}

async function endNode(node: NodeUnderTest, signal: NodeJS.Signals): Promise<void> {
  if (node.node) await node.stop(signal);
}

/** The only way to the node: TCP that can be cut. */
export class Network {
  readonly target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  private constructor(target: number) {
    this.target = target;
  }

  static async open(target: number): Promise<Network> {
    const network = new Network(target);
    await network.mend();
    return network;
  }

  get port(): number {
    return this.#port;
  }

  /** Everything open is reset and nothing new is let through. */
  cut(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets everything through (again), at the same port. */
  mend(): Promise<void> {
    const server = createServer((near) => {
      const far = openTcp(this.target, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.setNoDelay(true);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
    });
    this.#server = server;
    return new Promise((done, fail) => {
      server.once('error', fail);
      server.listen(this.#port, '127.0.0.1', () => {
        this.#port = (server.address() as AddressInfo).port;
        done();
      });
    });
  }

  close(): void {
    this.cut();
  }
}

export interface BrowserOptions {
  size?: { width: number; height: number };
  locale?: 'en-GB' | 'es-ES';
  theme?: 'light' | 'dark';
  /** False: the page is not kept for when there is no link, and every file comes from the node. */
  serviceWorker?: boolean;
  /** What the device calls itself; default the page's own suggestion. */
  name?: string;
  timeZone?: string;
  touch?: boolean;
}

/** One browser with the page open, and everything it complained about. */
export class Viewer {
  readonly world: ViewerWorld;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Errors the page threw or wrote to its console. */
  readonly errors: string[] = [];
  /** Violations of the Content-Security-Policy, Trusted Types included. */
  readonly violations: string[] = [];
  /** Every address asked for. */
  readonly requests: string[] = [];

  private constructor(world: ViewerWorld, context: BrowserContext, page: Page) {
    this.world = world;
    this.context = context;
    this.page = page;
  }

  static async open(world: ViewerWorld, options: BrowserOptions): Promise<Viewer> {
    const { size = LAPTOP, locale = 'en-GB', theme = 'dark', timeZone = 'Europe/Madrid', touch = false } = options;
    const { serviceWorker = true } = options;
    const context = await world.browser.newContext({
      viewport: size,
      locale,
      colorScheme: theme,
      timezoneId: timeZone,
      hasTouch: touch,
      acceptDownloads: true,
      serviceWorkers: serviceWorker ? 'allow' : 'block',
      reducedMotion: 'no-preference',
    });
    await context.exposeBinding('reportViolation', (_, text: string) => void viewer.violations.push(text));
    await context.addInitScript(`{
      addEventListener('securitypolicyviolation', (event) =>
        reportViolation(event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample + ' at ' + event.sourceFile + ':' + event.lineNumber));
      ${PIXEL_PROBE}
    }`);
    const page = await context.newPage();
    page.setDefaultTimeout(12_000);
    const viewer = new Viewer(world, context, page);
    context.on('request', (request) => void viewer.requests.push(request.url()));
    page.on('websocket', (socket) => void viewer.requests.push(socket.url()));
    page.on('pageerror', (error) => void viewer.errors.push(String(error.stack ?? error)));
    page.on('console', (message) => {
      const text = message.text();
      if (/Content.Security.Policy|TrustedHTML|TrustedScript/i.test(text)) viewer.violations.push(text);
      else if (message.type() === 'error') viewer.errors.push(text);
    });
    return viewer;
  }

  /** Opens an invitation, pairs, and waits for the wall. */
  async pair(invitation: string, name?: string): Promise<void> {
    await this.page.goto(invitation);
    if (name !== undefined)
      await this.page.getByRole('textbox', { name: /^(name of this device|nombre de este dispositivo)/i }).fill(name);
    await this.page.getByRole('button', { name: PAIR }).click();
    await this.wall().waitFor();
  }

  wall(): Locator {
    return this.page.locator('.shell[data-page=wall]:not([data-first])');
  }

  /** Waits until a live picture of a virtual camera is seen. */
  async playing(selector = 'video', deadlineMs = 15_000): Promise<void> {
    await until(
      `a picture of now is seen at ${selector}`,
      async () => ((await this.age(selector)) ?? 1e9) < 2_000,
      deadlineMs,
    );
  }

  /** How old the picture on the screen is, ms; null where there is none. */
  async age(selector = 'video'): Promise<number | null> {
    const shown = await shownNow(this.page, selector);
    return shown && shown.shownAt - shown.madeAt;
  }

  /** Opens a page of the app by its address. */
  async show(page: string): Promise<void> {
    const url = new URL(this.page.url());
    url.hash = '';
    if (page === 'wall') url.searchParams.delete('page');
    else url.searchParams.set('page', page);
    await this.page.goto(url.href);
  }

  /** A picture of what is seen, kept in test/screenshots. */
  async screenshot(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    await this.drawn();
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  /** Until a change of theme or size is drawn, colours have changed and what moves has come to rest. */
  async drawn(): Promise<void> {
    await this.page.evaluate(async () => {
      // The theme follows in the next frame, what is drawn on canvases in the one after it.
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const ending = document.getAnimations().filter((each) => each.effect?.getComputedTiming().endTime !== Infinity);
      await Promise.allSettled(ending.map(({ finished }) => finished));
    });
  }

  /** What axe finds wrong, each as one line; empty is good. */
  async axe(): Promise<string[]> {
    await this.drawn();
    if (!(await this.page.evaluate(() => 'axe' in globalThis))) {
      await this.page.evaluate(readFileSync(AXE, 'utf8'));
    }
    return this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResult> } };
      const { violations } = await axe.run();
      return violations.flatMap(({ id, help, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary ?? ''}`),
      );
    });
  }

  /** Fails where the page complained about anything so far. */
  assertQuiet(allowed: RegExp = /^$/): void {
    assert.deepEqual(this.violations, [], 'violations of the policy');
    assert.deepEqual(
      this.errors.filter((text) => !allowed.test(text)),
      [],
      'errors of the page',
    );
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

/** What the button of the pairing page says, in both languages. */
const PAIR = /^(pair|emparejar)$/i;

interface AxeResult {
  violations: { id: string; help: string; nodes: { target: string[]; failureSummary?: string }[] }[];
}
