import type { Change } from '../schemas/change.ts';
import type { Config } from '../schemas/config.ts';
import type { DecisionView, Effect, IncidentRecord } from '../schemas/incident.ts';
import { secondsBetween } from '../schemas/time.ts';
import { candidatesOf, CLOCK_TOLERANCE_SECONDS, LONGEST_LOOK_BACK_SECONDS } from './correlation/candidates.ts';
import type { RelatedChange } from './correlation/evidence.ts';
import { spell } from './correlation/words.ts';
import { dependenciesOf } from './dependencies.ts';
import { onsetOf } from './onset.ts';
import type { Decision, DecisionInputs } from './rollback.ts';
import { endOf } from './versions.ts';

/** An onset is looked for at most this long before an alert, and an alert may be as old when it is heard. */
const ONSET_BEFORE_OPENING_SECONDS = 3600;

/** Each function has a clock of its own. */
const OWN_CLOCKS_SECONDS = 60;

/** From this many judgements on, a late change is listed and not judged. Someone may be importing a history. */
const JUDGEMENTS_MAX = 10;

/**
 * Whether a change that has just been recorded may be a candidate of this incident that its judgements do not know.
 * Rough: the onset is known to the judgement only, and `wasMissed` decides by it.
 */
export function mayConcern(services: Config['services'], incident: IncidentRecord, change: Change): boolean {
  return (
    incident.status !== 'resolved' &&
    incident.crowd === undefined &&
    change.status !== 'cancelled' &&
    change.made_for !== incident.id &&
    secondsBetween(incident.opened_at, change.recorded_at) >= -OWN_CLOCKS_SECONDS &&
    beganBefore(incident, change) &&
    (change.status === 'started' ||
      secondsBetween(endOf(change), incident.opened_at) <= LONGEST_LOOK_BACK_SECONDS + ONSET_BEFORE_OPENING_SECONDS) &&
    relatedTo(services, incident, change) !== null
  );
}

/**
 * A change that is recorded as it begins has begun after an incident that is open by then, such as a fix. A clock may be
 * wrong where a change is recorded later.
 */
function beganBefore({ opened_at }: IncidentRecord, { started_at, recorded_at }: Change): boolean {
  const after = secondsBetween(opened_at, started_at);
  if (after <= 0) return true;
  return after <= CLOCK_TOLERANCE_SECONDS && secondsBetween(started_at, recorded_at) > CLOCK_TOLERANCE_SECONDS;
}

/** How a change is related to the service of an incident. Null: not at all. */
export function relatedTo(
  services: Config['services'],
  { service, environment, unmatched }: Pick<IncidentRecord, 'service' | 'environment' | 'unmatched'>,
  change: Change,
): RelatedChange | null {
  if (change.environment !== environment) return null;
  if (change.service === service) return { change, relation: 'same', distance: 0 };
  const dependencies = unmatched === null ? dependenciesOf(services, service) : [];
  const found = dependencies.find((each) => each.service === change.service);
  return found === undefined ? null : { change, relation: found.relation, distance: found.distance };
}

/** Whether the change is a candidate, by the onset of a judgement that did not know the change. */
export function wasMissed({ evidence }: Pick<DecisionInputs, 'evidence'>, late: RelatedChange): boolean {
  if (evidence.changes.some(({ change }) => change.id === late.change.id)) return false;
  return candidatesOf({ ...evidence, changes: [late] }, onsetOf(evidence.onset).at).length > 0;
}

/** Where an incident stands with its newest judgement. */
export type Standing = {
  status: IncidentRecord['status'];
  number: number;
  decision: Pick<DecisionView, 'kind' | 'state'>;
  /** The rollback that the judgement has led to. Absent: none has begun. */
  effect?: Pick<Effect, 'state'> | undefined;
  askedBy: DecisionInputs['asked']['by'];
  /** What was judged has come to its end. */
  concluded: boolean;
};

export const APPROVED = 'not judged again, because a rollback was approved';

/** Why an incident is not judged again although a change was recorded late. Null: it is. */
export function whyNotAgain({ status, number, decision, effect, askedBy, concluded }: Standing): string | null {
  if (status === 'mitigating' || effect?.state === 'intended' || effect?.state === 'accepted')
    return 'not judged again, because a mitigation is in progress';
  if (status === 'mitigated') return 'not judged again, because the incident is mitigated';
  if (!concluded && decision.kind === 'roll_back') return 'judged again right before the rollback';
  if (!concluded && decision.kind === 'approve' && decision.state === 'approved') return APPROVED;
  if (!concluded && decision.state === 'waiting' && askedBy === 'person')
    return 'not judged again, because a person asked for a rollback';
  if (number >= JUDGEMENTS_MAX) return `not judged again, because the incident has been judged ${number} times`;
  return null;
}

/** Whether a question, or an act, would be about the same rollback as the one before: that is not asked or done twice. */
export function isSameRollback(
  before: Pick<DecisionView, 'kind' | 'target' | 'from_version' | 'to_version'>,
  now: Pick<Decision, 'place' | 'from' | 'to'>,
): boolean {
  return (
    (before.kind === 'approve' || before.kind === 'roll_back') &&
    before.from_version !== null &&
    before.target?.service === now.place?.service &&
    before.target?.environment === now.place?.environment &&
    before.from_version === now.from &&
    before.to_version === now.to
  );
}

const CALLED: Readonly<Record<Change['kind'], string>> = {
  deploy: 'Deploy',
  rollback: 'Rollback',
  hotfix: 'Hotfix',
  flag: 'Flag',
  config: 'Configuration change',
  migration: 'Migration',
  infrastructure: 'Infrastructure change',
  experiment: 'Experiment',
};

/** @example 'Deploy v42 was recorded 4 min after the alert; judged again' */
export function lateWords(
  { service, opened_at, by_hand }: Pick<IncidentRecord, 'service' | 'opened_at' | 'by_hand'>,
  change: Change,
  what: string,
): string {
  const of = change.service === service ? '' : ` of ${change.service}`;
  const after = spell(Math.max(0, secondsBetween(opened_at, change.recorded_at)));
  const since = by_hand === true ? 'the incident was opened' : 'the alert';
  return `${CALLED[change.kind]} ${change.version}${of} was recorded ${after} after ${since}; ${what}`;
}
