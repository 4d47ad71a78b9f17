import { oldOnset } from '../../../core/domain/rollback/old-onset.ts';
import { evidenceLevelOf } from '../../../core/domain/rollback/target-policy.ts';
import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { isOneOfMany } from '../../../core/domain/incidents/incident-group.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { SelectedRunbook } from '../../../core/domain/ports/runbooks.ts';
import { inversesOf } from '../../../core/domain/runbooks/inverses.ts';
import { type PlannedInverse, type PlannedStep, planOf } from '../../../core/domain/runbooks/plan.ts';
import { stepsBasedOnSuspect } from '../../../core/domain/runbooks/suspect-steps.ts';
import type { Against, StepGuards } from '../../../core/domain/rollback/guard.ts';
import { resolveText } from '../../../core/domain/runbooks/templates.ts';
import type { Declarations, Variables } from '../../../core/domain/runbooks/variables.ts';
import { declarationsOf } from '../../../core/domain/runbooks/located-steps.ts';
import { modesFor } from '../../../core/domain/automation/automation.ts';
import { missingEvidence } from '../../../core/domain/rollback/evidence-level.ts';
import { doubtFactsOf } from '../../../core/domain/rollback/guard.ts';
import { weighed } from '../../../core/domain/rollback/rollback.ts';
import { allLackRequestScope, haveReturned, sendersOfCause } from '../../../core/domain/alerts/senders.ts';
import type { EvidenceLevel } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { readAutomation } from '../judge-incident.ts';
import type { Outline, RunbookInput } from './outline.ts';
import { variablesOf } from './variables.ts';

type ContextDeps = Pick<Deps, 'changes' | 'config' | 'decisions' | 'incidents' | 'runbooks'>;

/** Everything that a step needs when it runs. */
export type StepContext = {
  incident: IncidentRecord;
  serviceEnvironment: ServiceEnvironment;
  selected: SelectedRunbook;
  /** The runbook's step; for an undo, the step to undo. */
  step: PlannedStep;
  inverse: PlannedInverse | null;
  declared: Declarations;
  variables: Variables;
  /** Display name with its placeholders resolved. */
  name: string;
};

/**
 * Reads the context of a step from the current state, except for the runbook, which keeps its chosen version.
 *
 * @throws if the incident, the runbook, or the step does not exist
 */
export async function contextOf(
  deps: ContextDeps,
  { incidentId, number }: RunbookInput,
  outline: Pick<Outline, 'id' | 'undoes'>,
  ends: StepEnds,
): Promise<StepContext> {
  const [incident, selected] = await Promise.all([
    deps.incidents.read(incidentId),
    deps.runbooks.get(incidentId, number),
  ]);
  if (incident === undefined || selected === undefined)
    throw new Error(`incident ${incidentId} or its runbook ${number} does not exist`);
  const plan = planOf(selected.runbook);
  const id = outline.undoes ?? outline.id;
  const step = [...plan.steps, ...plan.failureSteps].find((each) => each.id === id);
  if (step === undefined) throw new Error(`Runbook ${selected.runbook.name} has no step ${id}`);
  const inverse = outline.undoes === null ? null : (inversesOf(plan, [id]).run[0] ?? null);
  const declared = declarationsOf(selected.runbook);
  const variables = await variablesOf(deps, incident, selected, ends);
  const serviceEnvironment = { service: incident.service, environment: incident.environment };
  const text = resolveText(step.name, declared, variables);
  return {
    incident,
    serviceEnvironment,
    selected,
    step,
    inverse,
    declared,
    variables,
    name: inverse === null ? text : `Undo: ${text}`,
  };
}

type GuardDeps = Pick<Deps, 'automation' | 'clock' | 'config' | 'decisions' | 'effects' | 'incidents'>;

/**
 * Reads the guards of a step that changes production, strongly consistent.
 *
 * @param reroute what is known about a shift of traffic. Absent: the step shifts none, or it is only planned
 */
export async function guardsOf(
  deps: GuardDeps,
  context: StepContext,
  reroute?: StepGuards['reroute'],
): Promise<StepGuards> {
  const { incident, serviceEnvironment, selected, step, inverse } = context;
  const { killSwitch, automation } = await readAutomation(deps);
  const { services } = await deps.config.current();
  const entry = environmentEntry(services, serviceEnvironment);
  const requires_approval = inverse === null ? step.approval !== null : inverse.person;
  if (selected.by !== undefined) {
    // The service requires two approvals, and starting the runbook counts as the first.
    const needsSecondPerson = inverse === null && entry?.autoRollback.approvals === 2;
    return manualGuards(
      {
        service: serviceEnvironment.service,
        guard: killSwitch,
        requires_approval,
        ...(needsSecondPerson && { second_to: selected.by }),
        // The person who started it knows the destination.
        ...(reroute && { reroute: { ...reroute, unclear: null } }),
      },
      incident,
    );
  }
  const against = await againstOf(deps, context, evidenceLevelOf(entry));
  const configured = entry?.autoRollback.mode ?? 'shadow';
  const { mode } = selected.runbook;
  const { items } = await deps.incidents.signals(incident.id, { limit: 200 });
  const parent = incident.parent_id === undefined ? undefined : await deps.incidents.read(incident.parent_id);
  // The tokens of the senders don't allow to request rollbacks.
  const firing = items.filter(({ status }) => status === 'firing');
  const lacksScope = allLackRequestScope(firing);
  const [onset] = firing.map(({ startsAt }) => startsAt).toSorted();
  const [receivedAt] = firing.map(({ first_seen_at }) => first_seen_at).toSorted();
  const old = onset && receivedAt ? oldOnset({ onset, receivedAt }, entry?.autoRollback.maxOnsetAgeMinutes) : null;
  return {
    service: serviceEnvironment.service,
    matched: incident.unmatched === null,
    guard: killSwitch,
    incident_paused: incident.automation_paused,
    one_of_many: isOneOfMany(incident, parent),
    demoted: Object.hasOwn(automation.demoted, serviceEnvironment.service),
    modes: [configured, ...modesFor(automation, serviceEnvironment, services), ...(mode === undefined ? [] : [mode])],
    requires_approval,
    ...(lacksScope && { sender_lacks_scope: true as const }),
    ...(haveReturned(firing) && { returned_only: true as const }),
    ...(old !== null && { onset_old: old }),
    ...(reroute && { reroute }),
    ...(against !== null && { against }),
    ...(countsAgainstAutomation(context) && {
      limits: await limitsOf(deps, serviceEnvironment, sendersOfCause(items)),
    }),
  };
}

/** Counts the acts of the last hour, of decisions and of runbooks. @param senders of the alerts */
async function limitsOf(
  { clock, effects }: GuardDeps,
  serviceEnvironment: ServiceEnvironment,
  senders: readonly string[],
): Promise<NonNullable<StepGuards['limits']>> {
  const anHourAgo = plusSeconds(clock.now(), -3600);
  const [ofService, automatic] = await Promise.all([
    effects.rollbacksSince(serviceEnvironment, anHourAgo),
    effects.automaticSince(anHourAgo),
  ]);
  return {
    rollbacks_last_hour: ofService,
    organisation_rollbacks_last_hour: automatic.all,
    ...(senders.length > 0 && { sender_rollbacks_last_hour: automatic.of(senders) }),
  };
}

/**
 * Returns whether an action counts towards the limits per hour, and a failed verification against the service's automation:
 * once per runbook, however many changes it made, and never for an undo or for a runbook that a person started.
 */
export const countsAgainstAutomation = ({
  inverse,
  selected,
  variables,
}: Pick<StepContext, 'inverse' | 'selected' | 'variables'>): boolean =>
  inverse === null &&
  selected.by === undefined &&
  !planOf(selected.runbook).steps.some(
    ({ id, mutating, uses }) => mutating && uses !== 'rollback' && variables.steps[id]?.status === 'succeeded',
  );

/** Builds the guards of a runbook that a person started. As for a rollback by a person, limits of automation don't apply. */
const manualGuards = (
  guards: Pick<StepGuards, 'service' | 'guard' | 'requires_approval' | 'second_to' | 'reroute'>,
  { unmatched }: IncidentRecord,
): StepGuards => ({
  ...guards,
  matched: unmatched === null,
  incident_paused: false,
  one_of_many: false,
  demoted: false,
  modes: [],
});

/** Returns the suspect that a step acts against. Null: the step doesn't depend on a suspect, or undoes another step. */
async function againstOf(
  deps: GuardDeps,
  { incident, selected, step, inverse }: StepContext,
  level: EvidenceLevel,
): Promise<Against | null> {
  const [top] = incident.suspects;
  if (top === undefined || inverse !== null || !stepsBasedOnSuspect(selected.runbook).has(step.id)) return null;
  const inputs = await deps.decisions.inputs(incident.id, incident.mitigations);
  // Ranks the suspects again, from the inputs of the latest judgement.
  const found = inputs && weighed(inputs);
  const ranked = found?.suspects.find(({ change_id }) => change_id === top.change_id);
  return {
    change_id: top.change_id,
    suspect: ranked ? doubtFactsOf(ranked) : null,
    lacking: inputs && found && ranked ? missingEvidence(level, ranked, inputs.evidence, found.onset.at) : null,
    neighbours_unreadable: inputs?.neighbours_unreadable ?? false,
    monitoring_failure_only: inputs?.monitoring_failure_only ?? false,
  };
}
