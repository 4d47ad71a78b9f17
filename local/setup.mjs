/**
 * Sets up what is missing in this folder: the packages of package-lock.json, the Node that runs the product, and the
 * DynamoDB binary of this platform. Takes a few milliseconds if nothing is missing.
 *
 * No imports from the project or its packages: nothing may be installed yet.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** @typedef {(text: string) => void} Say reports progress to the user */

/** The oldest Node that can run the set-up, and the oldest that can run the product. */
const OLDEST_TO_SET_UP = 20;
const OLDEST_TO_RUN = 24;

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const projectBin = join(root, 'node_modules', '.bin');
const projectNode = join(projectBin, 'node');

/** Folder of Node's compile cache: it reduces the start time of a program by a third. */
export const compiled = join(root, 'node_modules/.cache/firebreak-compiled');

/** Returns the environment for programs of this project. */
export const environment = () => ({ NODE_COMPILE_CACHE: compiled, ...process.env });

/** Thrown if the set-up fails because of the machine, not the code: its message is shown without a stack trace. */
export class SetupError extends Error {}

/** Returns PATH without this project's own programs: npm must not run on the Node that it is about to replace. */
export const pathWithoutProjectPrograms = () =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => resolve(folder) !== projectBin)
    .join(delimiter);

/**
 * Prepares this folder for running, once even if two processes start at the same time.
 *
 * @param {{ database: boolean, development?: boolean, say: Say }} options `database`: the program needs DynamoDB;
 * `development`: it needs the packages that `npm ci --omit=dev` omits
 * @returns {Promise<string>} path of the Node to run the product with
 * @throws {SetupError} if this machine cannot be set up, with what to do
 */
export async function setUp({ database, development = false, say }) {
  if (process.platform === 'win32') throw new SetupError('Windows is not supported directly: run this inside WSL.');
  if (ownMajor() < OLDEST_TO_SET_UP) {
    throw new SetupError(`Node ${process.versions.node} is too old: Node ${OLDEST_TO_SET_UP} or newer is required.`);
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
 * Returns whether node_modules contains what package-lock.json lists. npm writes its own record as the last step of a
 * successful install. Optional packages (binaries of other platforms), and development packages if only the product is
 * run, may be missing.
 *
 * @param {boolean} development
 */
function packagesMatchLock(development) {
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const installed = packagesIn('node_modules/.package-lock.json');
  // The Node package of an earlier version, whose binary was not verified by a hash.
  if (installed['node_modules/node'] !== undefined) return false;
  return Object.entries(packagesIn('package-lock.json')).every(([path, entry]) => {
    const found = installed[path];
    if (path === '') return true; // the project itself
    if (!found) return entry.optional === true || entry.devOptional === true || (entry.dev === true && !development);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** Returns the Node to run with: the project's own, otherwise the one that runs this file if it is new enough. */
function runtime() {
  if (majorOf(projectNode) >= OLDEST_TO_RUN) return projectNode;
  return ownMajor() >= OLDEST_TO_RUN ? process.execPath : undefined;
}

/**
 * Returns the major version of the Node at `path`; 0 if there is none, or none that runs on this machine.
 *
 * @param {string} path
 */
function majorOf(path) {
  if (!existsSync(path)) return 0;
  const output = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '';
  return Number(/^v(\d+)\./.exec(output)?.[1] ?? 0);
}

const dynoxide = `@dynoxide/${process.platform}-${process.arch}`;

const hasDynamo = () =>
  Boolean(process.env['FIREBREAK_DYNOXIDE_BIN']) ||
  Boolean(process.env['AWS_ENDPOINT_URL_DYNAMODB']) ||
  existsSync(join(root, 'node_modules', dynoxide, 'package.json'));

/**
 * Runs npm with its output on stderr: stdout is for the program's lines, which scripts read.
 *
 * @param {string[]} args
 * @returns {number | string} the exit code, or why npm did not run
 */
function npm(args) {
  const quiet = ['--loglevel=error', '--no-fund', '--no-audit', '--no-update-notifier'];
  // Without a network, npm's default retries add up to more than a minute of silence.
  const tries = [
    '--prefer-offline',
    '--fetch-retries=3',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=5000',
  ];
  const done = spawnSync('npm', [...args, ...tries, ...quiet], {
    cwd: root,
    env: { ...process.env, PATH: pathWithoutProjectPrograms() },
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
      `set-up failed: "npm ci" in ${root} failed (${ended}); see its output above.\n` +
        'The first start needs npm 10 or newer and access to a package registry. Fix this and start again.',
    );
  }
  say(`set up in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/**
 * Node's binaries are optional packages, one for each platform, with hashes in package-lock.json. npm silently omits a
 * package that the registry lacks or that does not match its hash.
 */
const noNode = () =>
  new SetupError(
    `set-up failed: no Node ${OLDEST_TO_RUN} for ${process.platform}-${process.arch} at ${projectNode}.\n` +
      'Its package does not exist for this platform, is not in the registry, or does not match its hash in package-lock.json; ' +
      'or optional packages are disabled (omit=optional in an .npmrc).\n' +
      `Fix this, or install Node ${OLDEST_TO_RUN} or newer on this machine, and start again.`,
  );

/**
 * package-lock.json contains only the linux-x64 binary, because a registry that lacks one of the others would fail
 * every `npm ci`. Binaries of other platforms are installed by name and not saved.
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
      'or set AWS_ENDPOINT_URL_DYNAMODB to a running DynamoDB (DynamoDB Local, or AWS).',
  );
}

const lockFile = join(root, '.setup-lock');
const LOCK_MAX_AGE_MINUTES = 15;

/**
 * Runs `work` while no other process sets up this folder: two concurrent `npm ci` in one folder destroy each other's
 * work.
 *
 * @param {Say} say
 * @param {() => void} work
 */
async function underLock(say, work) {
  let printed = false;
  while (!takeLock()) {
    if (!printed) say(`waiting for another process that sets up this folder (if there is none, delete ${lockFile}) …`);
    printed = true;
    await sleep(200);
  }
  try {
    work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Takes the lock. A lock whose holder is gone, or that is very old, counts as free. */
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
    if (!hasCode(error, 'ENOENT')) throw error; // released in the meantime
  }
  return false;
}

/** @param {number} pid 0 (file created, but not yet filled) counts as alive */
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
