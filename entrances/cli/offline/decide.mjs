/** Freeze checks while Firebreak is unreachable, from the last signed answer, policy, or the caller's setting. */
import { isPinned, isPinnedAs, isSameCommit, isSameVersionName, partsOf } from './pinned.mjs';
import { readState } from './signed-state.mjs';
import { lastAnswerFor } from './state-file.mjs';

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

/** @typedef {{ state: State } | { problem: string }} StoredState */

/** Tolerated clock skew. A state from further in the future means that a clock was or is wrong. */
const CLOCK_SKEW_MAX_SECONDS = 60;

/**
 * Reads the last signed answer for a service and environment, and verifies it.
 *
 * @param {string} file
 * @param {CheckTarget} target
 * @param {Thumbprints} trusted
 * @returns {Promise<StoredState>}
 */
export async function readStoredState(file, target, trusted) {
  const answer = await lastAnswerFor(file, target);
  if ('problem' in answer) return answer;
  if (trusted.size === 0)
    return { problem: `no trusted key for ${target.server} (FIREBREAK_KEYS), so ${file} cannot be verified` };
  const verified = readState(answer.state, answer.keys, trusted);
  if (!verified.ok) return { problem: `${file} is not trusted: ${verified.problem}` };
  const { service, environment } = verified.state;
  if (isSameName(service, target.service) && isSameName(environment, target.environment))
    return { state: verified.state };
  return { problem: `${file} is not trusted: it was signed for ${service} in ${environment}` };
}

/** Compares names as Firebreak does: case and blanks do not count. @param {string} one @param {string} other */
const isSameName = (one, other) => normalizedName(one) === normalizedName(other);

/** @param {string} name */
const normalizedName = (name) => name.normalize('NFKC').toLowerCase().replaceAll(/\s/gu, '');

/**
 * Decides about a deploy without Firebreak.
 *
 * @param {DeployRequest} query
 * @param {StoredState} stored
 * @param {'allow' | 'deny'} onOutage answer without a stored state
 * @param {Date} now
 * @returns {Decision}
 */
export function decideOffline(query, stored, onOutage, now) {
  if ('problem' in stored) {
    const because = `${stored.problem}, and on-outage is ${onOutage}`;
    return { allowed: onOutage === 'allow', because, by: 'setting', evaluated_at: null };
  }
  const { state } = stored;
  const { evaluated_at } = state;
  const answerText = `the last signed answer (${evaluated_at.slice(0, 16).replace('T', ' ')} UTC)`;
  /** @type {(by: 'state' | 'policy', allowed: boolean, because: string) => Decision} */
  const decisionOf = (by, allowed, because) => ({ allowed, because: `${answerText} ${because}`, by, evaluated_at });

  const pinned = pinnedNameOf(state, query);
  if (pinned !== undefined) return decisionOf('state', false, `lists ${pinned} as known bad`);
  const outdated = outdatedReason(state, now);
  if (outdated !== undefined)
    return decisionOf('policy', state.on_outage === 'allow', `${outdated}; the outage policy is ${state.on_outage}`);
  if (state.allowed) return decisionOf('state', true, `allows deploys${reasonsFor(state, query)}`);
  if (query.isRollback && isKnownGood(state, query))
    return decisionOf(
      'state',
      true,
      `lists ${query.version ?? query.commit ?? ''} as known good, so a rollback to it is allowed`,
    );
  return decisionOf('state', false, `freezes deploys${reasonsFor(state, query)}${exemptionNote(query)}`);
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
function pinnedNameOf(state, request) {
  const { version, commit } = request;
  if (version !== undefined && state.pins.some((pin) => isPinned({ version, commit }, pin))) return version;
  const commits =
    request.isRollback && version !== undefined && isKnownGood(state, request) ? [] : state.pinned_commits;
  return [version, commit].find((name) => {
    if (name === undefined) return false;
    // The name of the version itself is compared above, together with its commit.
    const versions = state.pins.map((pin) => pin.version).filter((pinned) => pinned !== name || name === commit);
    return isPinnedAs(name, { versions, commits });
  });
}

/**
 * Matches by version, unless both commits are known and differ; by commit only if the caller names no version, as Firebreak does.
 * One of several versions of the same name needs its commit.
 *
 * @type {(state: State, request: DeployRequest) => boolean}
 */
const isKnownGood = ({ known_good }, { version, commit }) =>
  known_good.some((good) => {
    if (version === undefined) return good.commit !== null && good.commit === commit;
    const [known, asked] = [partsOf(good.version), partsOf(version)];
    if (!isSameVersionName(known.name, asked.name)) return false;
    const [knownCommit, askedCommit] = [good.commit ?? known.commit, commit ?? asked.commit];
    if (askedCommit === undefined) return known.commit === undefined;
    return knownCommit === undefined || isSameCommit(knownCommit, askedCommit);
  });

/** @param {State} state @param {Date} now @returns {string | undefined} undefined: the state still applies */
function outdatedReason({ iat, exp, next_transition_at }, now) {
  const seconds = now.getTime() / 1000;
  if (seconds >= exp) return 'is older than policy permits';
  if (iat > seconds + CLOCK_SKEW_MAX_SECONDS) return "is in the future by this machine's clock";
  // The negation makes an unreadable time count as passed.
  if (next_transition_at !== null && !(Date.parse(next_transition_at) > now.getTime()))
    return 'may have changed since then';
  return undefined;
}

/** @param {DeployRequest} request */
function exemptionNote({ change, isRollback, version, commit }) {
  if (change === 'hotfix' || change === 'security') return `; the ${change} exemption cannot be verified offline`;
  if (change === 'rollback' && isRollback)
    return `; ${version ?? commit ?? 'an unspecified version'} is not in its list of versions known good`;
  return '';
}
