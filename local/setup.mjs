/**
 * Sets up what is missing in this folder: the packages of package-lock.json, the Node that runs the product, and the
 * DynamoDB binary of this platform. Finding that nothing is missing takes a few milliseconds.
 *
 * No imports from the project or its packages: nothing may be installed yet.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** @typedef {(text: string) => void} Say tells the person who waits what is going on */

/** The oldest Node that can set up, and the oldest that can run the product. */
const OLDEST_TO_SET_UP = 20;
const OLDEST_TO_RUN = 24;

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const projectBin = join(root, 'node_modules', '.bin');
const projectNode = join(projectBin, 'node');

/** Where Node keeps what it has compiled: a program that finds its files there is up in two thirds of the time. */
export const compiled = join(root, 'node_modules/.cache/firebreak-compiled');

/** What programs of this project are started with. */
export const environment = () => ({ NODE_COMPILE_CACHE: compiled, ...process.env });

/** What stops the set-up. It is about the machine, not about this code: its message is shown without a stack. */
export class SetupError extends Error {}

/** PATH without this project's own programs: npm must not run on the Node that it is about to replace. */
export const pathOutside = () =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => resolve(folder) !== projectBin)
    .join(delimiter);

/**
 * Makes this folder ready to run, once even when two processes begin at the same time.
 *
 * @param {{ database: boolean, development?: boolean, say: Say }} options `database`: the program needs a DynamoDB;
 *   `development`: it needs the packages that `npm ci --omit=dev` leaves out
 * @returns {Promise<string>} path of the Node to run the product with
 * @throws {SetupError} when this machine can't be set up, with what to do
 */
export async function setUp({ database, development = false, say }) {
  if (process.platform === 'win32') throw new SetupError('Windows is not supported directly: run this inside WSL.');
  if (ownMajor() < OLDEST_TO_SET_UP) {
    throw new SetupError(`Node ${process.versions.node} is too old: Node ${OLDEST_TO_SET_UP} or newer is needed.`);
  }
  if (!isSetUp(database, development)) {
    await underLock(say, () => {
      if (!packagesMatchLock(development)) installPackages(say);
      if (!runtime()) throw noNode();
      if (database && !hasDynamo()) installDynoxide(say);
    });
  }
  return runtime() ?? process.execPath;
}

/**
 * @param {boolean} database
 * @param {boolean} development
 */
const isSetUp = (database, development) =>
  packagesMatchLock(development) && runtime() !== undefined && (!database || hasDynamo());

const ownMajor = () => Number(process.versions.node.split('.')[0]);

/**
 * @typedef {{ version?: string, integrity?: string, dev?: boolean, optional?: boolean, devOptional?: boolean }} Entry
 * @param {string} file of npm, relative to the root
 * @returns {Record<string, Entry>} the packages in it, by the path that each has or would have
 */
function packagesIn(file) {
  const lock = /** @type {{ packages: Record<string, Entry> }} */ (JSON.parse(readFileSync(join(root, file), 'utf8')));
  return lock.packages;
}

/**
 * Whether node_modules holds what package-lock.json names. npm leaves its own record of what it installed, as the last
 * thing of a successful install; a package that may be absent (optional: another platform's binary; for development, where
 * the product alone is run) may be absent.
 *
 * @param {boolean} development
 */
function packagesMatchLock(development) {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const installed = packagesIn('node_modules/.package-lock.json');
  // The Node of an earlier version, whose binary nobody has compared with a hash.
  if (installed['node_modules/node'] !== undefined) return false;
  return Object.entries(packagesIn('package-lock.json')).every(([path, entry]) => {
    const found = installed[path];
    if (path === '') return true; // the project itself
    if (!found) return entry.optional === true || entry.devOptional === true || (entry.dev === true && !development);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** The Node to run with: the project's own, else the one that runs this file when it is new enough. */
function runtime() {
  if (majorOf(projectNode) >= OLDEST_TO_RUN) return projectNode;
  return ownMajor() >= OLDEST_TO_RUN ? process.execPath : undefined;
}

/**
 * The major version of the Node at `path`; 0 when there is none, or none that runs on this machine.
 *
 * @param {string} path
 */
function majorOf(path) {
  if (!existsSync(path)) return 0;
  const said = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '';
  return Number(/^v(\d+)\./.exec(said)?.[1] ?? 0);
}

const dynoxide = `@dynoxide/${process.platform}-${process.arch}`;

const hasDynamo = () =>
  Boolean(process.env['FIREBREAK_DYNOXIDE_BIN']) ||
  Boolean(process.env['AWS_ENDPOINT_URL_DYNAMODB']) ||
  existsSync(join(root, 'node_modules', dynoxide, 'package.json'));

/**
 * Runs npm, its output shown on stderr: stdout is for the program's lines, which scripts read.
 *
 * @param {string[]} args
 * @returns {number | string} the exit code, or why it did not get that far
 */
function npm(args) {
  const quiet = ['--loglevel=error', '--no-fund', '--no-audit', '--no-update-notifier'];
  // npm's own waits between tries add up to more than a minute of silence when there is no network.
  const tries = [
    '--prefer-offline',
    '--fetch-retries=3',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=5000',
  ];
  const done = spawnSync('npm', [...args, ...tries, ...quiet], {
    cwd: root,
    env: { ...process.env, PATH: pathOutside() },
    stdio: ['ignore', process.stderr, process.stderr],
  });
  return done.error?.message ?? done.status ?? `ended by ${done.signal}`;
}

/** @param {Say} say */
function installPackages(say) {
  const began = Date.now();
  say('setting up: installing the packages of package-lock.json into node_modules (npm ci) …');
  const ended = npm(['ci']);
  if (ended !== 0) {
    throw new SetupError(
      `set-up failed: "npm ci" in ${root} did not succeed (${ended}); what it said is above.\n` +
        'The first start needs npm 10 or newer and a package registry that it can reach. Fix that and start again.',
    );
  }
  say(`set up in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/**
 * The binaries of Node are optional packages, one for each platform, whose hash is in package-lock.json. npm leaves out one
 * that the registry does not have, or that is not what the hash says, without an error.
 */
const noNode = () =>
  new SetupError(
    `set-up failed: there is no Node ${OLDEST_TO_RUN} that runs on ${process.platform}-${process.arch} at ${projectNode}.\n` +
      'Its package is not for this platform, is not at the registry, or is not what its hash in package-lock.json says; ' +
      'or optional packages are left out (omit=optional in an .npmrc).\n' +
      `Correct that, or install Node ${OLDEST_TO_RUN} or newer on this machine, and start again.`,
  );

/**
 * The binary of linux-x64 is in package-lock.json. Those of other platforms are not: a registry that lacks one of them
 * would fail every `npm ci`. They are installed by name and not saved.
 *
 * @param {Say} say
 */
function installDynoxide(say) {
  const version = packagesIn('package-lock.json')['node_modules/@dynoxide/linux-x64']?.version;
  say(`setting up: installing ${dynoxide} ${version}, the local DynamoDB of this platform …`);
  const ended = npm(['install', '--no-save', `${dynoxide}@${version}`]);
  if (ended === 0 && hasDynamo()) return;
  throw new SetupError(
    `set-up failed: no local DynamoDB for ${process.platform}-${process.arch} (npm install ${dynoxide}@${version}: ${ended}).\n` +
      'Either install dynoxide yourself and set FIREBREAK_DYNOXIDE_BIN to its path, ' +
      'or set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB that already runs (DynamoDB Local, or AWS).',
  );
}

const lockFile = join(root, '.setup-lock');
const LOCK_MAX_AGE_MINUTES = 15;

/**
 * Runs `work` while no other process sets up this folder: two `npm ci` in one folder destroy each other's work.
 *
 * @param {Say} say
 * @param {() => void} work
 */
async function underLock(say, work) {
  let told = false;
  while (!takeLock()) {
    if (!told) say(`waiting for another process that sets up this folder (if there is none, delete ${lockFile}) …`);
    told = true;
    await sleep(200);
  }
  try {
    work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Takes the lock; one whose holder is gone, or that is very old, counts as free. */
function takeLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  try {
    const ageMinutes = (Date.now() - statSync(lockFile).mtimeMs) / 60_000;
    if (ageMinutes > LOCK_MAX_AGE_MINUTES || !isAlive(Number(readFileSync(lockFile, 'utf8')))) rmSync(lockFile);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // it was released meanwhile
  }
  return false;
}

/** @param {number} pid 0 (written, but not yet filled in) counts as alive */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
const hasCode = (error, code) => error instanceof Error && 'code' in error && error.code === code;
