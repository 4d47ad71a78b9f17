/** File of the last signed answers for many services and environments. Callers must verify the signatures. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jsonIn, objectIn, publicKeysIn } from './keys.mjs';

/** @import { PublicKey } from './keys.mjs' */

/** @typedef {{ server: string, service: string, environment: string }} CheckTarget `server` is the address of Firebreak */
/** @typedef {CheckTarget & { state: string, keys: readonly PublicKey[] }} StoredAnswer */

/**
 * Maximum number of entries, one for each service and environment: more than any team deploys. Above it, the least
 * recently checked entries are dropped.
 */
const ENTRIES_MAX = 500;
const FILE_MAX_BYTES = 8 * 1024 * 1024;

/** A lock is held for milliseconds only. If one is older than this, its holder has died. */
const LOCK_STALE_MS = 10_000;

/** Together 3 seconds: several processes can wait for the lock one after the other. */
const LOCK_TRIES = 150;
const LOCK_PAUSE_MS = 20;

/**
 * Returns the last stored answer for a service and environment.
 *
 * @param {string} file
 * @param {CheckTarget} target
 * @returns {Promise<StoredAnswer | { problem: string }>}
 */
export async function lastAnswerFor(file, target) {
  const all = await readAll(file);
  if ('problem' in all) return all;
  return (
    all.answers.find((stored) => isSameTarget(stored, target)) ?? {
      problem: `${file} has no answer for this service and environment`,
    }
  );
}

/**
 * Stores an answer. Concurrent writers do not lose entries, and readers always find a complete file.
 *
 * @param {string} file
 * @param {StoredAnswer} answer
 */
export async function storeAnswer(file, answer) {
  await withLock(file, async () => {
    const all = await readAll(file);
    // An unreadable file is of no use: start a new one.
    const others = 'problem' in all ? [] : all.answers.filter((stored) => !isSameTarget(stored, answer));
    await replaceFile(file, textOf([answer, ...others]));
  });
}

/**
 * Replaces a file atomically, readable only by its owner.
 *
 * @param {string} file
 * @param {string} text
 */
export async function replaceFile(file, text) {
  const temporaryFile = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(temporaryFile, text, { mode: 0o600, flag: 'wx' });
    await rename(temporaryFile, file);
  } catch (error) {
    await rm(temporaryFile, { force: true });
    throw error;
  }
}

/**
 * Runs an action under an exclusive lock on the file.
 *
 * @template T
 * @param {string} file its folder is created
 * @param {() => Promise<T>} action
 */
export async function withLock(file, action) {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const lock = `${file}.lock`;
  await acquireLock(lock);
  try {
    return await action();
  } finally {
    await rm(lock, { force: true });
  }
}

/** @param {string} lock */
async function acquireLock(lock) {
  for (let attempt = 0; attempt < LOCK_TRIES; attempt += 1) {
    try {
      await (await open(lock, 'wx')).close();
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const status = await stat(lock).catch(() => undefined);
    if (status !== undefined && Date.now() - status.mtimeMs > LOCK_STALE_MS) await rm(lock, { force: true });
    else await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
  throw new Error(`${lock} is held by another process; if no other process runs, remove it`);
}

/** @param {string} file @returns {Promise<{ answers: StoredAnswer[] } | { problem: string }>} */
async function readAll(file) {
  try {
    const status = await stat(file);
    if (!status.isFile()) return { problem: `${file} is not a regular file` };
    if (status.size > FILE_MAX_BYTES) return { problem: `${file} is larger than ${FILE_MAX_BYTES} bytes` };
    const { places } = objectIn(jsonIn(await readFile(file, 'utf8')));
    if (!Array.isArray(places)) return { problem: `${file} is incomplete or was not written by Firebreak` };
    return { answers: places.flatMap((stored) => answerIn(stored) ?? []) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { problem: `${file} does not exist` };
    return { problem: `cannot read ${file}: ${error instanceof Error ? error.message : 'unknown'}` };
  }
}

/** @param {unknown} value @returns {StoredAnswer | undefined} */
function answerIn(value) {
  const { server, service, environment, state, ...rest } = objectIn(value);
  const texts = [server, service, environment, state].every((stored) => typeof stored === 'string');
  if (!texts) return undefined;
  return {
    server: String(server),
    service: String(service),
    environment: String(environment),
    state: String(state),
    keys: publicKeysIn(rest),
  };
}

/** @param {StoredAnswer[]} answers newest first @returns {string} JSON of as many as fit into the size limit */
function textOf(answers) {
  const lines = answers.slice(0, ENTRIES_MAX).map((stored) => JSON.stringify(stored));
  let bytes = 0;
  const fitting = lines.filter((stored) => (bytes += Buffer.byteLength(stored) + 2) < FILE_MAX_BYTES - 32);
  return `{"places":[\n${fitting.join(',\n')}\n]}\n`;
}

/** @param {CheckTarget} one @param {CheckTarget} other */
const isSameTarget = (one, other) =>
  one.server === other.server && one.service === other.service && one.environment === other.environment;

/** @param {unknown} error */
const codeOf = (error) => objectIn(error)['code'];
