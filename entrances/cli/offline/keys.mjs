/**
 * Signing keys that are trusted while Firebreak cannot be reached. Keys are trusted by their thumbprint (RFC 7638, SHA-256),
 * so the keys themselves can be stored beside the signed data: write access to that file does not help an attacker. Plain
 * JavaScript without packages, because the GitHub action runs it with the Node of the runner.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** @typedef {{ kty: 'EC', crv: 'P-256', x: string, y: string }} PublicKey */
/** @typedef {ReadonlySet<string>} Thumbprints */

/** 32 bytes in base64url: a thumbprint, or a coordinate of the curve P-256. */
const BASE64URL_32_BYTES = /^[A-Za-z0-9_-]{43}$/;

/** A key file has a few lines; a larger file is something else. */
const FILE_MAX_BYTES = 65_536;

/** The setting for trusted keys is unusable. Continuing without it would trust other keys. */
export class UnusableKeys extends Error {
  /** @override */
  name = 'UnusableKeys';
}

/** @param {PublicKey} key */
export const thumbprintOf = ({ x, y }) =>
  createHash('sha256')
    .update(JSON.stringify({ crv: 'P-256', kty: 'EC', x, y }))
    .digest('base64url');

/** @param {readonly PublicKey[]} keys @returns {Thumbprints} */
export const thumbprintsOf = (keys) => new Set(keys.map(thumbprintOf));

/**
 * @param {unknown} jwks as it is at `/.well-known/jwks.json`
 * @returns {PublicKey[]} the public parts of all ES256 keys; empty for other input
 */
export function publicKeysIn(jwks) {
  const { keys } = objectIn(jwks);
  return Array.isArray(keys) ? keys.flatMap((key) => publicKeyIn(key) ?? []) : [];
}

/** @param {unknown} key @returns {PublicKey | undefined} */
function publicKeyIn(key) {
  const { kty, crv, x, y } = objectIn(key);
  const isEs256 = kty === 'EC' && crv === 'P-256' && isOf32Bytes(x) && isOf32Bytes(y);
  return isEs256 ? { kty, crv, x, y } : undefined;
}

/**
 * Parses `--keys` or `FIREBREAK_KEYS`: thumbprints separated by commas or blanks, a file of thumbprints, or a JWKS file.
 *
 * @param {string} setting
 * @param {string} cwd base of relative file names
 * @returns {Thumbprints}
 * @throws {UnusableKeys}
 */
export function trustedBy(setting, cwd) {
  const thumbprints = thumbprintsIn(setting);
  if (thumbprints !== undefined) return thumbprints;
  const file = resolve(cwd, setting.trim());
  const text = readKeyFile(file);
  const trusted = thumbprintsIn(text) ?? thumbprintsOf(publicKeysIn(jsonIn(text)));
  if (trusted.size > 0) return trusted;
  throw new UnusableKeys(
    `${file} contains no keys: expected a JWKS with P-256 keys, or thumbprints of 43 characters ` +
      '(to print them: firebreak freeze keys)',
  );
}

/** @param {string} text @returns {Thumbprints | undefined} undefined: other text */
function thumbprintsIn(text) {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  return words.length > 0 && words.every(isOf32Bytes) ? new Set(words) : undefined;
}

/** @param {string} file */
function readKeyFile(file) {
  try {
    const status = statSync(file);
    if (status.isFile() && status.size <= FILE_MAX_BYTES) return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UnusableKeys(`cannot read the trusted keys: ${error instanceof Error ? error.message : 'unknown'}`);
  }
  throw new UnusableKeys(`${file} is not a key file: not a regular file, or larger than ${FILE_MAX_BYTES} bytes`);
}

/** @param {unknown} text @returns {text is string} */
const isOf32Bytes = (text) => typeof text === 'string' && BASE64URL_32_BYTES.test(text);

/** @param {unknown} value @returns {Record<string, unknown>} */
export const objectIn = (value) =>
  typeof value === 'object' && value !== null ? /** @type {Record<string, unknown>} */ (value) : {};

/** @param {string} text @returns {unknown} undefined: not JSON */
export function jsonIn(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
