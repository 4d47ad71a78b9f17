import type { EvaluatedObjective } from '../../../core/domain/ports/error-budgets.ts';
import type { Freeze } from '../schemas/freeze.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Severity } from '../../../schemas/config/names.ts';
import type { SloWindow } from '../../../schemas/slo/slo.ts';
import type { BurnAlert, SloStatus } from '../../../schemas/slo/slo-status.ts';
import { minuteText, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { freezeId, type Hash } from './ids.ts';
import type { FreezePolicy } from './policy.ts';
import {
  describesPresent,
  exclusionInWords,
  freezingBurn,
  isFreezingSeverity,
  spentInWords,
} from './budget/spending.ts';
import { EVALUATION } from './state.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { list } from '../../../core/domain/correlation/words.ts';
import { percent } from './words.ts';

/** The part of an objective that its freezes describe. */
export type Objective = EvaluatedObjective['slo'];

/**
 * Builds the freeze for a spent budget. Its reason stays as it is while the budget changes, so it is in the past tense with
 * its time. The caller ensures that `policy.budget` is not null. */
export function budgetFreeze(
  slo: Objective,
  status: Pick<SloStatus, 'budget' | 'corrected'>,
  policy: FreezePolicy,
  at: Timestamp,
  hash: Hash,
): Freeze {
  const liftBelow = policy.budget?.liftBelow ?? 1;
  return {
    ...objectiveFreezeFields('budget', slo, policy, at, hash),
    reason: `at ${minuteText(at)}, the error budget of ${objectiveName(slo)} was spent: ${spentInWords(status)} of what ${objectiveInWords(slo)} allows${exclusionInWords(status)}`,
    ends_when: `less than ${percent(liftBelow)} of the budget is spent, as old errors leave its window`,
    opened_by: EVALUATION,
  };
}

/** Builds the freeze for a high burn rate found by an evaluation. Its reason is about its start. */
export const burnFreeze = (
  slo: Objective,
  { factor, long, short }: BurnAlert,
  status: Pick<SloStatus, 'corrected'>,
  policy: FreezePolicy,
  at: Timestamp,
  hash: Hash,
): Freeze => ({
  ...objectiveFreezeFields('burn', slo, policy, at, hash),
  reason: `at ${minuteText(at)}, the error budget of ${objectiveName(slo)} burned more than ${factor} times as fast as ${objectiveInWords(slo)} allows, over ${long} and ${short}${exclusionInWords(status)}`,
  ends_when: BURN_ENDS_WHEN,
  opened_by: EVALUATION,
});

/**
 * Builds the freeze by the burn rate that a freeze by the spent budget covers. Null: the budget does not burn. A person who
 * lifts the one lifts both.
 */
export function coveredBurnFreeze(
  slo: Objective,
  status: SloStatus,
  policy: FreezePolicy,
  at: Timestamp,
  hash: Hash,
): Freeze | null {
  const burn = describesPresent(status, policy, at) ? freezingBurn(status, policy) : undefined;
  return burn === undefined ? null : burnFreeze(slo, burn, status, policy, at, hash);
}

/**
 * Builds the freeze for an incoming burn alert, before an evaluation finds the same burn rate. Null: by policy, alerts
 * of this severity do not freeze.
 *
 * @param alert `by` is the sender, such as `alertmanager`
 */
export function burnFreezeByAlert(
  slo: Objective,
  alert: { severity: Severity; title: string; by: string },
  policy: FreezePolicy,
  at: Timestamp,
  hash: Hash,
): Freeze | null {
  if (!freezesByAlert(alert.severity, policy)) return null;
  return {
    ...objectiveFreezeFields('burn', slo, policy, at, hash),
    reason: `at ${minuteText(at)}, the error budget of ${objectiveName(slo)} burned too fast, according to the alert "${alert.title}"`,
    ends_when: BURN_ENDS_WHEN,
    opened_by: alert.by,
  };
}

/**
 * Returns whether a burn alert of this severity freezes. Alerts of other severities, firing or resolved, have no effect
 * on freezes.
 */
export function freezesByAlert(severity: Severity, policy: Pick<FreezePolicy, 'burn'>): boolean {
  const burn = BURN_SEVERITY[severity];
  return burn !== null && isFreezingSeverity(burn, policy);
}

const BURN_SEVERITY: Readonly<Record<Severity, BurnAlert['severity'] | null>> = {
  critical: 'page',
  warning: 'ticket',
  info: null,
};

const BURN_ENDS_WHEN = 'the budget burns slowly enough';

const objectiveFreezeFields = (
  cause: 'budget' | 'burn',
  slo: Objective,
  policy: FreezePolicy,
  at: Timestamp,
  hash: Hash,
) => ({
  ...FREEZE_DEFAULTS,
  id: freezeId(hash, cause, [slo.id], at),
  cause,
  service: slo.service,
  environment: slo.environment,
  starts_at: at,
  not_before: policy.minimumSeconds > 0 ? plusSeconds(at, policy.minimumSeconds) : null,
  opened_at: at,
  slo: slo.id,
});

/** The part of an incident that its freeze describes. */
export type OpenIncident = Pick<
  IncidentRecord,
  'id' | 'number' | 'service' | 'environment' | 'title' | 'severity' | 'status' | 'opened_at'
>;

/** Builds the freeze for an open incident. Null: by policy the incident does not freeze, or it is resolved. */
export function incidentFreeze(
  incident: OpenIncident,
  { incidents }: Pick<FreezePolicy, 'incidents'>,
  hash: Hash,
): Freeze | null {
  const { id, service, environment, title, severity, status, opened_at } = incident;
  const isSevere = severity === 'critical' || (severity === 'warning' && incidents === 'warning');
  if (incidents === 'off' || status === 'resolved' || !isSevere) return null;
  return {
    ...FREEZE_DEFAULTS,
    id: freezeId(hash, 'incident', [id], opened_at),
    cause: 'incident',
    service,
    environment,
    reason: `a ${severity} incident opened at ${minuteText(opened_at)}: ${title} (${incidentName(incident)})`,
    ends_when: 'the incident is resolved',
    starts_at: opened_at,
    opened_by: EVALUATION,
    opened_at,
    incident_id: id,
  };
}

/** Defaults of a new freeze. */
export const FREEZE_DEFAULTS = {
  service: null,
  environment: null,
  team: null,
  until: null,
  not_before: null,
  ended_at: null,
  ended_by: null,
  end_reason: null,
  settled_at: null,
  slo: null,
  incident_id: null,
  calendar: null,
  overrides: [],
} as const satisfies Partial<Freeze>;

const objectiveName = ({ id, displayName }: Objective): string =>
  displayName === '' || displayName === id ? id : `${displayName} (${id})`;

/** Formats the objective, as in `99.9 % over 28 days`. */
const objectiveInWords = ({ target, window }: Objective): string =>
  `${Number((target * 100).toFixed(6))} % over ${windowInWords(window)}`;

export function windowInWords(window: SloWindow): string {
  if (window.kind === 'calendar')
    return window.count === 1 ? `a calendar ${window.unit}` : `${window.count} calendar ${window.unit}s`;
  const units: [number, string][] = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  let rest = window.seconds;
  const parts = units.flatMap(([seconds, unit]) => {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    return count === 0 ? [] : [`${count} ${unit}${count === 1 ? '' : 's'}`];
  });
  return list(parts);
}
