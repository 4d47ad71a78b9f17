import type { Change } from '../../schemas/changes/change.ts';
import type { Cleared } from '../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../schemas/incidents/reason.ts';
import { lowestMode, Mode, type Version } from '../../schemas/config/names.ts';
import { clearedWords } from '../changes/cleared-suspects.ts';
import { CONFIDENT, type RankedSuspect } from '../correlation/correlate.ts';
import type { DecisionInputs, TargetInputs } from './rollback.ts';
import { putsVersionLive, type RollbackTarget } from '../changes/versions.ts';

/** Maximum number of automatic rollbacks of one service and environment per hour; beyond it, a person is asked. */
export const ROLLBACKS_PER_HOUR = 3;

/** Maximum for all services together: an error of Firebreak is more likely than so many bad deploys within an hour. */
export const ORGANISATION_ROLLBACKS_PER_HOUR = 10;

/** Maximum for alerts of one token, so that it can't use up the limit of all. */
export const SENDER_ROLLBACKS_PER_HOUR = 5;

/** Returns the reasons for which a possible rollback needs approval. */
export function whyAsk(
  inputs: DecisionInputs,
  target: TargetInputs,
  top: RankedSuspect,
  way: Extract<RollbackTarget, { kind: 'version' }>,
): Reason[] {
  const { change } = top;
  const reasons = migrations(way.undoes, target.policy.unknownMigration);
  if (alreadyRolledBack(target.changes, change, way.version))
    reasons.push(
      reason(
        'already_rolled_back',
        `${change.version} was already rolled back before, so another rollback may start a loop`,
      ),
    );
  if (target.rollbacks_last_hour >= ROLLBACKS_PER_HOUR)
    reasons.push(
      reason(
        'rate_limited',
        `${target.rollbacks_last_hour} rollbacks of this service in the last hour; the limit without approval is ${ROLLBACKS_PER_HOUR}`,
      ),
    );
  if (inputs.organisation_rollbacks_last_hour >= ORGANISATION_ROLLBACKS_PER_HOUR)
    reasons.push(organisationLimit(inputs.organisation_rollbacks_last_hour));
  if ((inputs.sender_rollbacks_last_hour ?? 0) >= SENDER_ROLLBACKS_PER_HOUR)
    reasons.push(senderLimit(inputs.sender_rollbacks_last_hour ?? 0));
  reasons.push(...whyUnsure(doubtable(top), { ...inputs, needs_proof: target.policy.evidence === 'version' }));
  return reasons;
}

/** The properties of a suspect that are checked before any automatic action against it. */
export type Doubtable = Pick<RankedSuspect, 'version' | 'confidence' | 'relation' | 'timing' | 'proven' | 'reasons'> & {
  service: string;
  status: Change['status'];
};

export const doubtable = ({
  change,
  version,
  confidence,
  relation,
  timing,
  proven,
  reasons,
}: RankedSuspect): Doubtable => ({
  version,
  confidence,
  relation,
  timing,
  proven,
  reasons,
  service: change.service,
  status: change.status,
});

/** Returns why a suspect is too uncertain for an automatic action against it: a rollback, or a runbook step. */
export function whyUnsure(
  { version, confidence, relation, timing, proven, reasons: said, service, status }: Doubtable,
  {
    needs_proof,
    neighbours_unreadable,
    one_of_many,
  }: { needs_proof: boolean; neighbours_unreadable: boolean; one_of_many: boolean },
): Reason[] {
  const reasons: Reason[] = [];
  if (timing === 'clock_skew') reasons.push(reason('clock_skew', said.join('; ')));
  if (status === 'failed')
    reasons.push(reason('deploy_failed', `the deploy of ${version} failed, so the running version is unknown`));
  if (relation !== 'same')
    reasons.push(reason('another_service', `the suspect is a change of ${service}, a dependency of this service`));
  if (needs_proof && !proven)
    reasons.push(
      reason(
        'version_not_proven',
        'monitoring does not distinguish its version from others, which the policy requires (evidence: version)',
      ),
    );
  if (neighbours_unreadable) reasons.push(reason('neighbours_unreadable', 'other failing services could not be read'));
  // If many services fail at once, low confidence is a consequence of that.
  if (confidence < CONFIDENT && !one_of_many)
    reasons.push(reason('no_confident_suspect', `confidence ${confidence} is below ${CONFIDENT}`));
  return reasons;
}

export const organisationLimit = (count: number): Reason =>
  reason(
    'organisation_limit',
    `${count} automatic rollbacks of all services in the last hour; the limit without approval is ${ORGANISATION_ROLLBACKS_PER_HOUR}`,
  );

export const senderLimit = (count: number): Reason =>
  reason(
    'sender_limit',
    `${count} automatic rollbacks for alerts of the same token in the last hour; the limit without approval is ${SENDER_ROLLBACKS_PER_HOUR}`,
  );

export const SENDER_MAY_NOT_ASK: Reason = {
  code: 'sender_may_not_ask',
  text: 'the token that sent the alerts lacks the scope rollback:request, so a rollback is only suggested',
};

/** Returns the reasons from migrations among the undone changes: migrated data does not revert with the old version. */
function migrations(undoes: readonly Change[], unknown: 'approve' | 'act'): Reason[] {
  const { known, untold } = migrationsIn(undoes);
  const first = known[0];
  if (first !== undefined)
    return [
      reason(
        'migration_in_deploy',
        `${first.version} has a migration, so the old version may not work with the migrated data`,
      ),
    ];
  const last = untold.at(-1);
  if (last === undefined || unknown === 'act') return [];
  const text = `it is unknown whether ${last.version} has a migration (has_migration was not recorded)`;
  return [reason('migration_unknown', text)];
}

/**
 * Returns the changes with a migration, and those without that information. A change that names its safe version
 * (`rollback_safe_to`) has considered migrations.
 */
export function migrationsIn(undoes: readonly Change[]): { known: Change[]; untold: Change[] } {
  const open = undoes.filter((change) => change.rollback_safe_to === null && change.kind !== 'rollback');
  return {
    known: open.filter((change) => change.has_migration === true || change.kind === 'migration'),
    untold: open.filter((change) => putsVersionLive(change) && change.has_migration === null),
  };
}

/** Returns the lowest mode of all limits, with the reasons of each limit below `act`. */
export function capOf(
  inputs: DecisionInputs,
  target: TargetInputs,
  top: RankedSuspect,
): { mode: Mode; reasons: Reason[] } {
  const limits: { mode: Mode; reason: Reason }[] = [];
  const limit = (mode: Mode, code: ReasonCode, text: string) => limits.push({ mode, reason: reason(code, text) });
  // If the suspect belongs to another service, the limits of both services apply.
  const places = top.relation === 'same' ? [target] : [target, ...inputs.targets.slice(0, 1)];
  const inForce = lowestMode('act', ...places.flatMap(({ policy, modes }) => [policy.mode, ...modes]));
  if (inForce !== 'act') limit(inForce, `mode_${inForce}`, `automation is in mode ${inForce}`);
  if (inputs.asked.mode !== null && inputs.asked.mode !== 'act')
    limit(inputs.asked.mode, 'runbook_mode', `the runbook is in mode ${inputs.asked.mode}`);
  if (inputs.asked.approval !== undefined) limit('approve', 'runbook_asks', 'the runbook requires approval');
  if (inputs.guard.state === 'read' && inputs.guard.paused) limit('suggest', 'paused', 'the kill switch is on');
  if (inputs.incident_paused) limit('suggest', 'incident_paused', 'a person paused the automation of this incident');
  if (inputs.sender_may_not_ask === true) limits.push({ mode: 'suggest', reason: SENDER_MAY_NOT_ASK });
  else if (inputs.asked.by === 'nobody')
    limit('suggest', 'not_asked', 'no alert requests a rollback (label action: auto-rollback)');
  if (inputs.asked.by === 'verification')
    limit('approve', 'first_did_not_help', 'the previous mitigation did not help, so the next one requires approval');
  for (const { service, demoted } of places) if (demoted) limits.push({ mode: 'approve', reason: demotion(service) });
  if (inputs.evidence.cleared !== undefined) limit('approve', 'suspect_cleared', notAlone(inputs.evidence.cleared));
  if (inputs.one_of_many)
    limit(
      'approve',
      'one_of_many',
      'several services are failing at once, so a deploy of one service is probably not the cause',
    );
  if (inputs.monitoring_failure_only)
    limit('suggest', 'monitoring_failure', 'the alerts report a failure of monitoring, not of the service');
  const mode = lowestMode('act', ...limits.map((each) => each.mode));
  const strongestFirst = limits.toSorted((a, b) => Mode.options.indexOf(a.mode) - Mode.options.indexOf(b.mode));
  return { mode, reasons: strongestFirst.map((each) => each.reason) };
}

/** Explains a clearing: the person who cleared a suspect is working on the incident and knows more than is measured. */
const notAlone = (cleared: readonly Cleared[]): string => `${clearedWords(cleared)}; a person must decide`;

export const demotion = (service: string): Reason =>
  reason(
    'automation_budget_spent',
    `automation of ${service} was wrong too often; it asks for approval until a person sets its mode again`,
  );

/** Returns whether the suspect's version was rolled back before, by Firebreak or by a recorded rollback. */
const alreadyRolledBack = (changes: readonly Change[], suspect: Change, target: Version): boolean =>
  changes.some(
    (change) =>
      (change.version === suspect.version && change.rolled_back_by !== null) ||
      (change.kind === 'rollback' &&
        change.previous_version === suspect.version &&
        change.version === target &&
        change.status === 'succeeded'),
  );

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
