/** What Firebreak has said of a place and signed: read, and only believed when a key that is trusted has signed it. */
import { createPublicKey, verify } from 'node:crypto';
import { jsonIn, objectIn, thumbprintOf } from './keys.mjs';

/** @import { PublicKey, Thumbprints } from './keys.mjs' */

/**
 * What a plain deploy was told, and what a client needs besides to decide alone.
 *
 * @typedef {object} State
 * @property {string} service
 * @property {string} environment
 * @property {boolean} allowed
 * @property {{ code: string, text: string }[]} reasons
 * @property {string[]} pinned versions that are known bad
 * @property {{ version: string, commit: string }[]} pinned_commits commits that were recorded with these
 * @property {{ version: string, commit: string | null }[]} known_good versions that a rollback may go to
 * @property {string} evaluated_at
 * @property {string | null} next_transition_at when it may have changed by itself
 * @property {'allow' | 'deny'} on_outage what policy wants where nothing newer is known
 * @property {number} iat epoch seconds
 * @property {number} exp epoch seconds
 */

/** A compact JWS of ours has some kilobytes; what is longer is not looked at. */
const TOKEN_MAX_CHARS = 262_144;

const SIGNATURE_BYTES = 64;

/**
 * Its times are not looked at: a state that has expired was signed all the same.
 *
 * @param {string} token a compact JWS
 * @param {readonly PublicKey[]} keys from anywhere
 * @param {Thumbprints} trusted from elsewhere than the token
 * @returns {{ ok: true, state: State } | { ok: false, problem: string }}
 */
export function readState(token, keys, trusted) {
  const [head = '', body = '', signature = '', more] = token.length > TOKEN_MAX_CHARS ? [] : token.split('.');
  const { alg, kid, crit } = objectIn(decoded(head));
  if (more !== undefined || signature === '') return no('it is no signed state');
  if (alg !== 'ES256' || crit !== undefined) return no('it is not signed with ES256');
  if (typeof kid !== 'string' || !trusted.has(kid))
    return no(`it is signed with the key ${String(kid).slice(0, 64)}, which is not trusted here`);
  const key = keys.find((each) => thumbprintOf(each) === kid);
  if (key === undefined) return no(`the key ${kid}, with which it is signed, is not there`);
  if (!fits(`${head}.${body}`, signature, key)) return no('its signature is invalid: it was forged or altered');
  const state = stateIn(decoded(body));
  return state === undefined
    ? no('it is signed, but no state of a freeze that this version knows')
    : { ok: true, state };
}

/** @param {string} problem @returns {{ ok: false, problem: string }} */
const no = (problem) => ({ ok: false, problem });

/** @param {string} data @param {string} signature @param {PublicKey} jwk */
function fits(data, signature, jwk) {
  const bytes = Buffer.from(signature, 'base64url');
  // A text whose last bits are others, or with other letters in between, is another text, though it reads as the same.
  if (bytes.length !== SIGNATURE_BYTES || bytes.toString('base64url') !== signature) return false;
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return verify('sha256', Buffer.from(data), { key, dsaEncoding: 'ieee-p1363' }, bytes);
  } catch {
    return false; // no point of the curve
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
    pinned,
    // Absent in what was signed by older versions.
    pinned_commits: Array.isArray(pinned_commits) ? pinned_commits.flatMap((one) => commitIn(one) ?? []) : [],
    known_good: Array.isArray(known_good) ? known_good.flatMap((one) => versionIn(one) ?? []) : [],
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
const decoded = (part) => jsonIn(Buffer.from(part, 'base64url').toString());
