/**
 * Sets up what is missing in this folder: the packages of package-lock.json and, only if the running Node is too old for
 * the product, a newer one in scripts/node. Takes a few milliseconds if nothing is missing.
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

/** A package of its own, so that nobody else installs Node. Its lock file has the hashes. */
const nodePackage = join(root, 'scripts/node');
const packagedBin = join(nodePackage, 'node_modules/.bin');
const packagedNode = join(packagedBin, 'node');

/** Folder of Node's compile cache: it reduces the start time of a program by a third. */
export const compiled = join(root, 'node_modules/.cache/firebreak-compiled');

/**
 * Options of Node for the product, the same in the unit of systemd and in the container. Without a limit, young objects take
 * 16 to 32 MB in each of the two large threads; with 4 MB, no figure gets worse, and with less, none better. `local/memory.ts`
 * needs the collector.
 */
export const PRODUCT_OPTIONS = ['--max-semi-space-size=4', '--expose-gc'];

/** Returns the environment for programs of this project. */
export const environment = () => ({ NODE_COMPILE_CACHE: compiled, ...process.env });

/** Thrown if the set-up fails because of the machine, not the code: its message is shown without a stack trace. */
export class SetupError extends Error {}

/** Returns PATH without this project's own programs: npm must not run on the Node that it is about to replace. */
export const pathWithoutProjectPrograms = () =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => ![projectBin, packagedBin].includes(resolve(folder)))
    .join(delimiter);

/**
 * Returns PATH for programs of this project: its own programs first, and `node` is the one that runs them.
 *
 * @param {string} node path of the Node that runs them
 */
export const pathOfPrograms = (node) =>
  [projectBin, ...(node.startsWith(nodePackage) ? [packagedBin] : []), pathWithoutProjectPrograms()].join(delimiter);

/**
 * Prepares this folder for running, once even if two processes start at the same time.
 *
 * @param {{ development?: boolean, say: Say }} options `development`: the program needs the packages that
 * `npm ci --omit=dev` omits
 * @returns {Promise<string>} path of the Node to run the product with
 * @throws {SetupError} if this machine cannot be set up, with what to do
 */
export async function setUp({ development = false, say }) {
  if (process.platform === 'win32') throw new SetupError('Windows is not supported directly: run this inside WSL.');
  if (ownMajor() < OLDEST_TO_SET_UP) {
    throw new SetupError(`Node ${process.versions.node} is too old: Node ${OLDEST_TO_SET_UP} or newer is required.`);
  }
  if (!hasPackages(development) || !runtime()) {
    await underLock(say, () => {
      if (!hasPackages(development)) installPackages(development, say);
      if (!runtime()) installNode(say);
    });
  }
  return runtime() ?? process.execPath;
}

const ownMajor = () => Number(process.versions.node.split('.')[0]);

/**
 * Returns whether node_modules contains what package-lock.json lists.
 *
 * @param {boolean} development whether development packages must be there
 */
const hasPackages = (development) =>
  matchesLock(root, development) &&
  // Node was a package of earlier versions. npm would put it before the machine's own.
  !existsSync(join(projectBin, 'node'));

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, dev?: boolean, optional?: boolean, devOptional?: boolean }} Entry
 * @param {string} folder
 * @param {string} file of npm, relative to the folder
 * @returns {Record<string, Entry>} the packages in it, by the path that each has or would have
 */
function packagesIn(folder, file) {
  const lock = /** @type {{ packages: Record<string, Entry> }} */ (
    JSON.parse(readFileSync(join(folder, file), 'utf8'))
  );
  return lock.packages;
}

/**
 * Returns npm's record of what is in node_modules; undefined if there is none, or another process is writing it.
 *
 * @param {string} folder
 */
function installedIn(folder) {
  try {
    return packagesIn(folder, 'node_modules/.package-lock.json');
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Returns whether node_modules of a folder contains what its package-lock.json lists. npm writes its own record as the
 * last step of a successful install. Optional packages (binaries of other platforms), and development packages if only
 * the product is run, may be missing. Links to folders of this project have neither a version nor a hash.
 *
 * @param {string} folder
 * @param {boolean} development
 */
function matchesLock(folder, development) {
  const installed = installedIn(folder);
  if (installed === undefined) return false;
  return Object.entries(packagesIn(folder, 'package-lock.json')).every(([path, entry]) => {
    const found = installed[path];
    if (!path.includes('node_modules/') || entry.link) return true; // the project itself, and its folders
    if (!found) return entry.optional === true || entry.devOptional === true || (entry.dev === true && !development);
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** Returns the Node to run with: the one that runs this file if it is new enough, otherwise the packaged one. */
function runtime() {
  if (ownMajor() >= OLDEST_TO_RUN) return process.execPath;
  return matchesLock(nodePackage, false) && majorOf(packagedNode) >= OLDEST_TO_RUN ? packagedNode : undefined;
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

/**
 * Runs `npm ci` with its output on stderr: stdout is for the program's lines, which scripts read.
 *
 * @param {string} folder
 * @param {string[]} options
 * @returns {number | string} the exit code, or why npm did not run
 */
function npmCi(folder, options) {
  const quiet = ['--loglevel=error', '--no-fund', '--no-audit', '--no-update-notifier'];
  // Without a network, npm's default retries add up to more than a minute of silence.
  const tries = [
    '--prefer-offline',
    '--fetch-retries=3',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=5000',
  ];
  const done = spawnSync('npm', ['ci', ...options, ...tries, ...quiet], {
    cwd: folder,
    env: { ...process.env, PATH: pathWithoutProjectPrograms() },
    stdio: ['ignore', process.stderr, process.stderr],
  });
  return done.error?.message ?? done.status ?? `ended by ${done.signal}`;
}

/**
 * @param {boolean} development
 * @param {Say} say
 */
function installPackages(development, say) {
  const began = Date.now();
  const options = development ? [] : ['--omit=dev'];
  const command = ['npm', 'ci', ...options].join(' ');
  say(`setting up: installing the packages of package-lock.json into node_modules (${command}) …`);
  const ended = npmCi(root, options);
  if (ended !== 0) {
    throw new SetupError(
      `set-up failed: "${command}" in ${root} failed (${ended}); see its output above.\n` +
        'The first start needs npm 10 or newer and access to a package registry. Fix this and start again.',
    );
  }
  say(`set up in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/**
 * Installs Node. Its binaries are optional packages, one for each platform, with hashes in package-lock.json. npm
 * silently omits a package that the registry lacks or that does not match its hash.
 *
 * @param {Say} say
 */
function installNode(say) {
  say(
    `setting up: installing Node into scripts/node, because Node ${process.versions.node} is older than ${OLDEST_TO_RUN} …`,
  );
  const ended = npmCi(nodePackage, ['--include=optional']);
  if (ended === 0 && runtime()) return;
  throw new SetupError(
    `set-up failed: no Node ${OLDEST_TO_RUN} for ${process.platform}-${process.arch} at ${packagedNode} (npm ci: ${ended}).\n` +
      'Its package does not exist for this platform, is not in the registry, or does not match its hash in ' +
      `package-lock.json.\nFix this, or install Node ${OLDEST_TO_RUN} or newer on this machine, and start again.`,
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
