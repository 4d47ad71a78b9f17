/** Verifies and parses signed freeze states. */
import { createPublicKey, verify } from 'node:crypto';
import { jsonIn, objectIn, thumbprintOf } from './keys.mjs';

/** @import { PublicKey, Thumbprints } from './keys.mjs' */

/**
 * Answer to the freeze check of a deploy (no rollback or hotfix), with the data that a client needs to decide offline.
 *
 * @typedef {object} State
 * @property {string} service
 * @property {string} environment
 * @property {boolean} allowed
 * @property {{ code: string, text: string }[]} reasons
 * @property {{ version: string, commit: string | null }[]} pins versions known bad. Commit null: of each commit of this name
 * @property {{ version: string, commit: string }[]} pinned_commits commits recorded with the pinned versions
 * @property {{ version: string, commit: string | null }[]} known_good permitted targets of a rollback
 * @property {string} evaluated_at
 * @property {string | null} next_transition_at when the answer can change without an event
 * @property {'allow' | 'deny'} on_outage outage policy for an outdated state
 * @property {number} iat epoch seconds
 * @property {number} exp epoch seconds
 */

/** Signed states have a few kilobytes; longer input is rejected unread. */
const TOKEN_MAX_CHARS = 262_144;

const SIGNATURE_BYTES = 64;

/**
 * Verifies the signature. Does not check times: the caller decides whether to use an expired state.
 *
 * @param {string} token a compact JWS
 * @param {readonly PublicKey[]} keys from any source
 * @param {Thumbprints} trusted from another source than the token
 * @returns {{ ok: true, state: State } | { ok: false, problem: string }}
 */
export function readState(token, keys, trusted) {
  const [header = '', claims = '', signature = '', more] = token.length > TOKEN_MAX_CHARS ? [] : token.split('.');
  const { alg, kid, crit } = objectIn(parsePart(header));
  if (more !== undefined || signature === '') return invalid('not a signed state');
  if (alg !== 'ES256' || crit !== undefined) return invalid('not signed with ES256');
  if (typeof kid !== 'string' || !trusted.has(kid))
    return invalid(`signed with key ${String(kid).slice(0, 64)}, which is not trusted here`);
  const key = keys.find((candidate) => thumbprintOf(candidate) === kid);
  if (key === undefined) return invalid(`the signing key ${kid} is missing`);
  if (!isSignedBy(`${header}.${claims}`, signature, key)) return invalid('invalid signature: forged or altered');
  const state = stateIn(parsePart(claims));
  return state === undefined
    ? invalid('signed, but not a freeze state that this version supports')
    : { ok: true, state };
}

/** @param {string} problem @returns {{ ok: false, problem: string }} */
const invalid = (problem) => ({ ok: false, problem });

/** @param {string} data @param {string} signature @param {PublicKey} jwk */
function isSignedBy(data, signature, jwk) {
  const bytes = Buffer.from(signature, 'base64url');
  // Buffer.from ignores trailing bits and characters outside base64url. Only the canonical encoding is accepted.
  if (bytes.length !== SIGNATURE_BYTES || bytes.toString('base64url') !== signature) return false;
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, bytes);
  } catch {
    return false; // not a point on the curve
  }
}

/** @param {unknown} claims @returns {State | undefined} */
function stateIn(claims) {
  const { iss, typ, service, environment, allowed, reasons, pinned, known_good, on_outage, iat, exp, ...times } =
    objectIn(claims);
  const { evaluated_at, next_transition_at, pinned_commits } = times;
  if (iss !== 'firebreak' || typ !== 'freeze-state') return undefined;
  if (!isText(service) || !isText(environment) || !isText(evaluated_at) || typeof allowed !== 'boolean')
    return undefined;
  if (next_transition_at !== null && !isText(next_transition_at)) return undefined;
  if (on_outage !== 'allow' && on_outage !== 'deny') return undefined;
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) return undefined;
  if (!Array.isArray(pinned) || !pinned.every(isText) || !Array.isArray(reasons)) return undefined;
  return {
    service,
    environment,
    allowed,
    reasons: reasons.flatMap((reason) => reasonIn(reason) ?? []),
    pins: pinsIn(pinned, times['pins']),
    // Absent from states of older versions.
    pinned_commits: Array.isArray(pinned_commits) ? pinned_commits.flatMap((value) => commitIn(value) ?? []) : [],
    known_good: Array.isArray(known_good) ? known_good.flatMap((value) => versionIn(value) ?? []) : [],
    evaluated_at,
    next_transition_at,
    on_outage,
    iat: Number(iat),
    exp: Number(exp),
  };
}

/** @param {unknown} value @returns {State['reasons'][number] | undefined} */
function reasonIn(value) {
  const { code, text } = objectIn(value);
  return isText(text) ? { code: isText(code) ? code : '', text } : undefined;
}

/**
 * Returns the pinned versions with their commits, which states of older versions lack.
 *
 * @param {string[]} versions @param {unknown} pins @returns {State['pins']}
 */
function pinsIn(versions, pins) {
  const known = Array.isArray(pins) ? pins.flatMap((value) => versionIn(value) ?? []) : [];
  const others = versions.filter((version) => !known.some((pin) => pin.version === version));
  return [...known, ...others.map((version) => ({ version, commit: null }))];
}

/** @param {unknown} value @returns {State['known_good'][number] | undefined} */
function versionIn(value) {
  const { version, commit } = objectIn(value);
  return isText(version) ? { version, commit: isText(commit) ? commit : null } : undefined;
}

/** @param {unknown} value @returns {State['pinned_commits'][number] | undefined} */
function commitIn(value) {
  const { version, commit } = objectIn(value);
  return isText(version) && isText(commit) ? { version, commit } : undefined;
}

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === 'string';

/** @param {string} part in base64url */
const parsePart = (part) => jsonIn(Buffer.from(part, 'base64url').toString());
