import { environmentEntry } from '../../domain/catalogue/catalogue.ts';
import { modesFor } from '../../domain/automation/automation.ts';
import { manyOpened, type Opening } from '../../domain/incidents/incident-group.ts';
import { expectationOf } from '../../domain/experiments/expectation.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { JudgementRequest } from '../../domain/incidents/response.ts';
import type { Decision, DecisionInputs, KillSwitch, TargetInputs } from '../../domain/rollback/judgement.ts';
import { DECIDE_VERSION } from '../../domain/rollback/guards.ts';
import { decide } from '../../domain/rollback/rollback.ts';
import { policyOfTarget } from '../../domain/rollback/target-policy.ts';
import { requestsRollbackWithoutScope } from '../../domain/alerts/routing.ts';
import { allLackRequestScope, sendersOf } from '../../domain/alerts/senders.ts';
import { type Automation, untouchedAutomation } from '../../schemas/access/access.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { DecisionView, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import { abortedCanary } from './canary/aborted.ts';
import { degradedVersion } from './canary/degraded.ts';
import { evidenceOf } from './evidence.ts';

/** Number of newest changes read per service and environment: enough to find a good version before several bad ones. */
const CHANGES_READ = 50;

/** `alertReceivedAt`: receipt of the newest alert. Null: unknown, because the judgement was read from the table. */
export type Judged = {
  decision: DecisionView;
  inputs: DecisionInputs;
  incident: IncidentRecord;
  alertReceivedAt: Timestamp | null;
};

/**
 * Gathers the inputs, judges, and stores both. Returns the stored judgement if there is one for this number.
 *
 * @throws if the incident does not exist
 */
export async function judge(deps: Deps, id: IncidentId, number: number, request: JudgementRequest): Promise<Judged> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined) throw new Error(`incident ${id} does not exist`);
  const known = await deps.decisions.get(id, number);
  const storedInputs = known && (await deps.decisions.inputs(id, number));
  if (known && storedInputs) return { decision: known, inputs: storedInputs, incident, alertReceivedAt: null };
  const { inputs, alertReceivedAt } = await gather(deps, incident, request);
  const decision = decide(inputs);
  const seconds = answerSeconds((await deps.config.current()).services, inputs, decision.target ?? incident);
  return {
    decision: await deps.decisions.keep(id, number, decision, inputs, seconds / deps.timeScale),
    inputs,
    incident,
    alertReceivedAt,
  };
}

/** Returns for how long a question about this service waits for an answer. */
export const answerSeconds = (
  services: Config['services'],
  { request }: Pick<DecisionInputs, 'request'>,
  serviceEnvironment: ServiceEnvironment,
): number =>
  request.approval?.seconds ??
  (environmentEntry(services, serviceEnvironment)?.autoRollback?.approvalTimeoutMinutes ?? 60) * 60;

/** Judges by the current state without storing the result, to check whether a decision still holds. */
export async function judgeNow(deps: Deps, incident: IncidentRecord, requested: JudgementRequest): Promise<Decision> {
  const { inputs } = await gather(deps, incident, requested);
  return decide(inputs);
}

async function gather(
  deps: Deps,
  incident: IncidentRecord,
  requested: JudgementRequest,
): Promise<{ inputs: DecisionInputs; alertReceivedAt: Timestamp | null }> {
  const config = await deps.config.current();
  const anHourAgo = plusSeconds(deps.clock.now(), -3600);
  const [own, { killSwitch, automation }, signals, organisationRollbacks] = await Promise.all([
    deps.changes.recent(incident, CHANGES_READ),
    readAutomation(deps),
    deps.incidents.signals(incident.id, { limit: 200 }),
    deps.effects.automaticSince(anHourAgo),
  ]);
  const firing = signals.items.filter((signal) => signal.status === 'firing');
  // The start of an older alert that only joined must not count as the start of the problem.
  const requesting = firing.filter((signal) => signal.requestsRollback);
  const cause = requested.by === 'alert' && requesting.length > 0 ? requesting : firing;
  const senders = sendersOf(cause);
  const [senderRollbacks, opened, parent, expectedFrom, aborted, degraded] = await Promise.all([
    senders.length > 0 ? deps.effects.automaticSince(anHourAgo, senders) : null,
    openedAround(deps, incident, config.routes.manyAtOnce.minutes),
    incident.parent_id && deps.incidents.read(incident.parent_id),
    explainedBy(deps, firing),
    abortedCanary(deps, firing),
    degradedVersion(deps, firing),
  ]);
  const { evidence, neighboursUnreadable } = await evidenceOf(deps, incident, {
    config,
    cause,
    own,
    aborted,
    degraded,
  });
  const concerned = new Map<string, ServiceEnvironment>([[incident.service, incident]]);
  for (const { change } of evidence.changes) if (!concerned.has(change.service)) concerned.set(change.service, change);
  const targets = await Promise.all(
    [...concerned.values()].map((serviceEnvironment) =>
      targetOf(deps, serviceEnvironment, {
        config,
        automation,
        since: anHourAgo,
        ...(serviceEnvironment === incident && { changes: own }),
      }),
    ),
  );
  const inputs: DecisionInputs = {
    decide_version: DECIDE_VERSION,
    request: {
      by: requested.by,
      name: requested.name,
      mode: requested.mode ?? null,
      ...(requested.approval && { approval: requested.approval }),
      ...(requested.from && { from: requested.from }),
      ...(requested.to && { to: requested.to }),
    },
    matched: incident.unmatched === null,
    ...(expectedFrom !== null && { expected_from: expectedFrom }),
    monitoring_failure_only: firing.length > 0 && firing.every((signal) => signal.monitoringFailure),
    evidence,
    targets,
    guard: killSwitch,
    incident_paused: incident.automation_paused,
    one_of_many: incident.parent_id !== undefined || manyOpened(incident, opened, config.routes.manyAtOnce),
    ...(parent && { group_rollback: parent.group_rollback?.incident_id ?? null }),
    neighbours_unreadable: neighboursUnreadable,
    organisation_rollbacks_last_hour: organisationRollbacks,
    ...(senderRollbacks !== null && { sender_rollbacks_last_hour: senderRollbacks }),
    ...(lacksRequestScope(requested, firing) && { sender_lacks_scope: true as const }),
    config_version: config.version,
  };
  return {
    inputs,
    alertReceivedAt:
      cause
        .map((signal) => signal.first_seen_at)
        .toSorted()
        .at(-1) ?? null,
  };
}

/**
 * Returns the name of the experiment that explains all firing alerts. Null: none does, or the experiments can't be read.
 */
async function explainedBy(
  { experiments, clock, log }: Pick<Deps, 'experiments' | 'clock' | 'log'>,
  firing: readonly Signal[],
): Promise<string | null> {
  if (firing.length === 0) return null;
  try {
    const running = await experiments.unfinished();
    const now = clock.now();
    const found = running.find((one) =>
      firing.every((signal) => expectationOf(signal, [one], now).kind === 'expected'),
    );
    return found?.name ?? null;
  } catch (error) {
    log.error('the experiments could not be read, so they explain no alert', { error: String(error) });
    return null;
  }
}

/** Returns no incidents if they can't be read. Then the evidence is incomplete as well, which requires approval. */
async function openedAround(
  { incidentGroups }: Deps,
  { opened_at: at }: IncidentRecord,
  minutes: number,
): Promise<Opening[]> {
  try {
    return await incidentGroups.openedSince(plusSeconds(at, -minutes * 60));
  } catch {
    return [];
  }
}

/** Returns whether only senders without the scope rollback:request asked, by label or through a runbook. */
const lacksRequestScope = ({ by }: JudgementRequest, firing: readonly Signal[]): boolean =>
  by === 'none' ? firing.some(requestsRollbackWithoutScope) : by === 'runbook' && allLackRequestScope(firing);

async function targetOf(
  deps: Deps,
  { service, environment }: ServiceEnvironment,
  known: {
    config: Config;
    automation: Automation;
    since: Parameters<Deps['effects']['rollbacksSince']>[1];
    changes?: readonly Change[];
  },
): Promise<TargetInputs> {
  const serviceEnvironment = { service, environment };
  const entry = environmentEntry(known.config.services, serviceEnvironment);
  const [changes, rollbacks, pins] = await Promise.all([
    known.changes ?? deps.changes.recent(serviceEnvironment, CHANGES_READ),
    deps.effects.rollbacksSince(serviceEnvironment, known.since),
    deps.pins.of(serviceEnvironment),
  ]);
  return {
    ...serviceEnvironment,
    ...policyOfTarget(entry),
    modes: modesFor(known.automation, serviceEnvironment),
    demoted: Object.hasOwn(known.automation.demoted, service),
    rollbacks_last_hour: rollbacks,
    pinned: pins.map(({ version }) => version),
    changes: changes.map((change) => ({ ...change, commits: [] })),
  };
}

/** Reads the kill switch and the modes, strongly consistent. If they can't be read, nothing is done automatically. */
export async function readAutomation(
  deps: Pick<Deps, 'automation'>,
): Promise<{ killSwitch: KillSwitch; automation: Automation }> {
  try {
    const automation = await deps.automation.read();
    return { killSwitch: { state: 'read', paused: automation.paused }, automation };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { killSwitch: { state: 'unreadable', detail }, automation: untouchedAutomation };
  }
}
