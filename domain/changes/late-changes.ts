import type { Change } from '../../schemas/changes/change.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../schemas/incidents/incident.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import { candidatesOf, CLOCK_TOLERANCE_SECONDS, LONGEST_LOOK_BACK_SECONDS } from '../correlation/candidates.ts';
import type { RelatedChange } from '../correlation/evidence.ts';
import { formatDuration } from '../correlation/words.ts';
import { callersOf, dependenciesOf } from '../catalogue/dependencies.ts';
import { onsetOf } from '../correlation/onset.ts';
import type { Decision, DecisionInputs } from '../rollback/judgement.ts';
import { endOf } from './versions.ts';

/** Maximum time between the onset and the alert, and maximum age of an alert on receipt. */
const ONSET_BEFORE_OPENING_SECONDS = 3600;

/** Tolerance for the clocks of different Lambda functions. */
const OWN_CLOCKS_SECONDS = 60;

/**
 * Number of judgements from which a late change is listed without another judgement, because someone may be importing a
 * history.
 */
const JUDGEMENTS_MAX = 10;

/**
 * Returns whether a newly recorded change may be a candidate that the incident's judgements do not know. A rough check:
 * only a judgement knows the onset, and `wasMissed` decides with it.
 */
export function mayConcern(services: Config['services'], incident: IncidentRecord, change: Change): boolean {
  return (
    incident.status !== 'resolved' &&
    incident.group_reason === undefined &&
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
 * Returns whether the change began before the incident. A change recorded at its start, while the incident is open,
 * began after it, for example as a fix. If it was recorded later, its clock may be wrong.
 */
function beganBefore({ opened_at }: IncidentRecord, { started_at, recorded_at }: Change): boolean {
  const after = secondsBetween(opened_at, started_at);
  if (after <= 0) return true;
  return after <= CLOCK_TOLERANCE_SECONDS && secondsBetween(started_at, recorded_at) > CLOCK_TOLERANCE_SECONDS;
}

/** Returns the relation of a change to the incident's service. Null: none. */
export function relatedTo(
  services: Config['services'],
  { service, environment, unmatched }: Pick<IncidentRecord, 'service' | 'environment' | 'unmatched'>,
  change: Change,
): RelatedChange | null {
  if (change.environment !== environment) return null;
  if (change.service === service) return { change, relation: 'same', distance: 0 };
  const known = unmatched === null ? [...dependenciesOf(services, service), ...callersOf(services, service)] : [];
  const found = known.find((each) => each.service === change.service);
  return found === undefined ? null : { change, relation: found.relation, distance: found.distance };
}

/** Returns whether the change is a candidate, given the onset of a judgement that did not know it. */
export function wasMissed({ evidence }: Pick<DecisionInputs, 'evidence'>, late: RelatedChange): boolean {
  if (evidence.changes.some(({ change }) => change.id === late.change.id)) return false;
  return candidatesOf({ ...evidence, changes: [late] }, onsetOf(evidence)).length > 0;
}

/** State of an incident with its newest judgement. */
export type JudgedIncident = {
  status: IncidentRecord['status'];
  number: number;
  decision: Pick<DecisionView, 'kind' | 'state'>;
  /** Rollback that resulted from the judgement. Absent: none has started. */
  effect?: Pick<Effect, 'state'> | undefined;
  requestedBy: DecisionInputs['request']['by'];
  /** The process that started with the judgement has ended. */
  concluded: boolean;
};

export const APPROVED = 'not judged again, because a rollback was approved';

/** Returns why an incident is not judged again after a late change. Null: it is judged again. */
export function whyNotAgain({
  status,
  number,
  decision,
  effect,
  requestedBy: askedBy,
  concluded,
}: JudgedIncident): string | null {
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

/**
 * Returns whether a new decision concerns the same rollback as the previous one, which must not be requested or
 * executed twice.
 */
export function isSameRollback(
  before: Pick<DecisionView, 'kind' | 'target' | 'from_version' | 'to_version'>,
  now: Pick<Decision, 'target' | 'from' | 'to'>,
): boolean {
  return (
    (before.kind === 'approve' || before.kind === 'roll_back') &&
    before.from_version !== null &&
    before.target?.service === now.target?.service &&
    before.target?.environment === now.target?.environment &&
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
  const after = formatDuration(Math.max(0, secondsBetween(opened_at, change.recorded_at)));
  const since = by_hand === true ? 'the incident was opened' : 'the alert';
  return `${CALLED[change.kind]} ${change.version}${of} was recorded ${after} after ${since}; ${what}`;
}
