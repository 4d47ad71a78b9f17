/** Freeze checks while Firebreak is unreachable, from the last signed answer, policy, or the caller's setting. */
import { isPinnedAs } from './pinned.mjs';
import { readState } from './signed-state.mjs';
import { lastOf } from './state-file.mjs';

/** @import { Thumbprints } from './keys.mjs' */
/** @import { State } from './signed-state.mjs' */
/** @import { CheckTarget } from './state-file.mjs' */

/**
 * `isRollback`: the caller declares a rollback; the signed state verifies it.
 *
 * @typedef {{ version: string | undefined, commit: string | undefined, change: string | undefined, isRollback: boolean }} DeployRequest
 */

/**
 * Basis of the decision. `state`: the last signed state; `policy`: the outage policy in it, because the state is outdated;
 * `setting`: the caller's setting for outages.
 *
 * @typedef {{ allowed: boolean, because: string, by: 'state' | 'policy' | 'setting', evaluated_at: string | null }} Decision
 */

/** @typedef {{ state: State } | { problem: string }} Remembered */

/** Tolerated clock skew. A state from further in the future means that a clock was or is wrong. */
const AHEAD_MAX_SECONDS = 60;

/**
 * @param {string} file
 * @param {CheckTarget} target
 * @param {Thumbprints} trusted
 * @returns {Promise<Remembered>}
 */
export async function recall(file, target, trusted) {
  const saved = await lastOf(file, target);
  if ('problem' in saved) return saved;
  if (trusted.size === 0)
    return { problem: `no trusted key for ${target.server} (FIREBREAK_KEYS), so ${file} cannot be verified` };
  const read = readState(saved.state, saved.keys, trusted);
  if (!read.ok) return { problem: `${file} is not trusted: ${read.problem}` };
  const { service, environment } = read.state;
  if (isAlike(service, target.service) && isAlike(environment, target.environment)) return { state: read.state };
  return { problem: `${file} is not trusted: it was signed for ${service} in ${environment}` };
}

/** Compares names as Firebreak does: case and blanks do not count. @param {string} one @param {string} other */
const isAlike = (one, other) => keyOf(one) === keyOf(other);

/** @param {string} name */
const keyOf = (name) => name.normalize('NFKC').toLowerCase().replaceAll(/\s/gu, '');

/**
 * @param {DeployRequest} query
 * @param {Remembered} remembered
 * @param {'allow' | 'deny'} onOutage answer without a stored state
 * @param {Date} now
 * @returns {Decision}
 */
export function decideOffline(query, remembered, onOutage, now) {
  if ('problem' in remembered) {
    const because = `${remembered.problem}, and on-outage is ${onOutage}`;
    return { allowed: onOutage === 'allow', because, by: 'setting', evaluated_at: null };
  }
  const { state } = remembered;
  const { evaluated_at } = state;
  const last = `the last signed answer (${evaluated_at.slice(0, 16).replace('T', ' ')} UTC)`;
  /** @type {(by: 'state' | 'policy', allowed: boolean, because: string) => Decision} */
  const decided = (by, allowed, because) => ({ allowed, because: `${last} ${because}`, by, evaluated_at });

  const bad = pinnedAmong(state, query);
  if (bad !== undefined) return decided('state', false, `lists ${bad} as known bad`);
  const old = whyOld(state, now);
  if (old !== undefined)
    return decided('policy', state.on_outage === 'allow', `${old}; the outage policy is ${state.on_outage}`);
  if (state.allowed) return decided('state', true, `allows deploys${reasonsFor(state, query)}`);
  if (query.isRollback && isKnownGood(state, query))
    return decided(
      'state',
      true,
      `lists ${query.version ?? query.commit ?? ''} as known good, so a rollback to it is allowed`,
    );
  return decided('state', false, `freezes deploys${reasonsFor(state, query)}${notExempt(query)}`);
}

/**
 * The state was signed for a check without a version, so it can contain a reason about the missing version. That reason
 * does not apply when the caller names a version.
 *
 * @param {State} state @param {DeployRequest} request
 */
function reasonsFor({ reasons }, { version }) {
  const texts = reasons.flatMap(({ code, text }) => (version !== undefined && code === 'pinned_version' ? [] : [text]));
  return texts.length === 0 ? '' : `: ${texts.join('; ')}`;
}

/**
 * Returns the pinned version or commit, if any. A known good version is not blocked by a bad version of the same commit.
 *
 * @param {State} state @param {DeployRequest} request @returns {string | undefined}
 */
function pinnedAmong(state, request) {
  const commits =
    request.isRollback && request.version !== undefined && isKnownGood(state, request) ? [] : state.pinned_commits;
  return [request.version, request.commit].find(
    (name) => name !== undefined && isPinnedAs(name, { versions: state.pinned, commits }),
  );
}

/** Matches by version; by commit only if the caller names no version, as Firebreak does. @type {(state: State, request: DeployRequest) => boolean} */
const isKnownGood = ({ known_good }, { version, commit }) =>
  known_good.some((good) =>
    version === undefined ? good.commit !== null && good.commit === commit : good.version === version,
  );

/** @param {State} state @param {Date} now @returns {string | undefined} undefined: the state still applies */
function whyOld({ iat, exp, next_transition_at }, now) {
  const seconds = now.getTime() / 1000;
  if (seconds >= exp) return 'is older than policy permits';
  if (iat > seconds + AHEAD_MAX_SECONDS) return "is in the future by this machine's clock";
  // The negation makes an unreadable time count as passed.
  if (next_transition_at !== null && !(Date.parse(next_transition_at) > now.getTime()))
    return 'may have changed since then';
  return undefined;
}

/** @param {DeployRequest} request */
function notExempt({ change, isRollback, version, commit }) {
  if (change === 'hotfix' || change === 'security') return `; the ${change} exemption cannot be verified offline`;
  if (change === 'rollback' && isRollback)
    return `; ${version ?? commit ?? 'an unspecified version'} is not in its list of versions known good`;
  return '';
}
