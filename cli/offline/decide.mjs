/** What a deployment is told while Firebreak cannot be reached, and on what that rests. */
import { isPinnedAs } from './pinned.mjs';
import { readState } from './signed-state.mjs';
import { lastOf } from './state-file.mjs';

/** @import { Thumbprints } from './keys.mjs' */
/** @import { State } from './signed-state.mjs' */
/** @import { Place } from './state-file.mjs' */

/**
 * `isRollback`: it may be one; whether it is, the state says.
 *
 * @typedef {{ version: string | undefined, commit: string | undefined, change: string | undefined, isRollback: boolean }} Asked
 */

/**
 * `state`: it is what the last signed state says; `policy`: what policy in it says where nothing newer is known;
 * `setting`: what the caller has set for this case.
 *
 * @typedef {{ allowed: boolean, because: string, by: 'state' | 'policy' | 'setting', evaluated_at: string | null }} Decision
 */

/** @typedef {{ state: State } | { problem: string }} Remembered */

/** What was signed so far in the future of this machine was signed while its clock was right, or is wrong now. */
const AHEAD_MAX_SECONDS = 60;

/**
 * @param {string} file
 * @param {Place} place
 * @param {Thumbprints} trusted
 * @returns {Promise<Remembered>}
 */
export async function recall(file, place, trusted) {
  const kept = await lastOf(file, place);
  if ('problem' in kept) return kept;
  if (trusted.size === 0)
    return { problem: `no key of ${place.server} is known here (FIREBREAK_KEYS), so ${file} cannot be believed` };
  const read = readState(kept.state, kept.keys, trusted);
  if (!read.ok) return { problem: `what is in ${file} is not believed: ${read.problem}` };
  const { service, environment } = read.state;
  if (isAlike(service, place.service) && isAlike(environment, place.environment)) return { state: read.state };
  return { problem: `what is in ${file} is not believed: it was signed for ${service} in ${environment}` };
}

/** Firebreak takes a name for the known one that differs in case and blanks alone. @param {string} one @param {string} other */
const isAlike = (one, other) => keyOf(one) === keyOf(other);

/** @param {string} name */
const keyOf = (name) => name.normalize('NFKC').toLowerCase().replaceAll(/\s/gu, '');

/**
 * @param {Asked} asked
 * @param {Remembered} remembered
 * @param {'allow' | 'deny'} onOutage where nothing is remembered
 * @param {Date} now
 * @returns {Decision}
 */
export function decideAlone(asked, remembered, onOutage, now) {
  if ('problem' in remembered) {
    const because = `${remembered.problem}, and on-outage is ${onOutage}`;
    return { allowed: onOutage === 'allow', because, by: 'setting', evaluated_at: null };
  }
  const { state } = remembered;
  const { evaluated_at } = state;
  const said = `Firebreak said at ${evaluated_at.slice(0, 16).replace('T', ' ')} UTC`;
  /** @type {(by: 'state' | 'policy', allowed: boolean, because: string) => Decision} */
  const decided = (by, allowed, because) => ({ allowed, because: `${said} ${because}`, by, evaluated_at });

  const bad = pinnedAmong(state, asked);
  if (bad !== undefined) return decided('state', false, `that ${bad} is known bad`);
  const old = whyOld(state, now);
  if (old !== undefined)
    return decided('policy', state.on_outage === 'allow', `what holds, ${old}; policy says ${state.on_outage}`);
  if (state.allowed) return decided('state', true, `that deploys are allowed${reasonsFor(state, asked)}`);
  if (asked.isRollback && isKnownGood(state, asked))
    return decided(
      'state',
      true,
      `that ${asked.version ?? asked.commit ?? ''} is known good, and a rollback to it passes`,
    );
  return decided('state', false, `that deploys are frozen${reasonsFor(state, asked)}${notExempt(asked)}`);
}

/**
 * It was signed for whoever tells no version. That this could not be looked at does not hold where one is told.
 *
 * @param {State} state @param {Asked} asked
 */
function reasonsFor({ reasons }, { version }) {
  const said = reasons.flatMap(({ code, text }) => (version !== undefined && code === 'pinned_version' ? [] : [text]));
  return said.length === 0 ? '' : `: ${said.join('; ')}`;
}

/**
 * A version that is known good is not the bad one of the same commit.
 *
 * @param {State} state @param {Asked} asked @returns {string | undefined}
 */
function pinnedAmong(state, asked) {
  const commits =
    asked.isRollback && asked.version !== undefined && isKnownGood(state, asked) ? [] : state.pinned_commits;
  return [asked.version, asked.commit].find(
    (name) => name !== undefined && isPinnedAs(name, { versions: state.pinned, commits }),
  );
}

/** By its version; by its commit only where no version is told, as Firebreak itself does. @type {(state: State, asked: Asked) => boolean} */
const isKnownGood = ({ known_good }, { version, commit }) =>
  known_good.some((good) =>
    version === undefined ? good.commit !== null && good.commit === commit : good.version === version,
  );

/** @param {State} state @param {Date} now @returns {string | undefined} undefined: it is as good as new */
function whyOld({ iat, exp, next_transition_at }, now) {
  const seconds = now.getTime() / 1000;
  if (seconds >= exp) return 'which is too old by policy';
  if (iat > seconds + AHEAD_MAX_SECONDS) return 'which is in the future by the clock of this machine';
  // Written so that a time that cannot be read counts as passed.
  if (next_transition_at !== null && !(Date.parse(next_transition_at) > now.getTime()))
    return 'which may have changed since';
  return undefined;
}

/** @param {Asked} asked */
function notExempt({ change, isRollback, version, commit }) {
  if (change === 'hotfix' || change === 'security')
    return `; that this is a ${change} cannot be shown while nobody can be asked`;
  if (change === 'rollback' && isRollback)
    return `; ${version ?? commit ?? 'a version that was not told'} is not among the versions that it knows as good`;
  return '';
}
