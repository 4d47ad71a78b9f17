import { environmentEntry } from '../../core/domain/catalogue/catalogue.ts';
import { pinnedVersions } from '../../core/domain/changes/identified-versions.ts';
import type { Evidence } from '../../core/domain/correlation/evidence.ts';
import { modesFor } from '../../core/domain/automation/automation.ts';
import {
  groupRollbackOf,
  isOneOfMany,
  manyOpened,
  type Opening,
  timeAround,
} from '../../core/domain/incidents/incident-group.ts';
import { problemStart } from '../../core/domain/incidents/new-onset.ts';
import type { SignalView } from '../../core/domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { AutomaticActions } from '../../core/domain/ports/decisions.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { type Explanations, readExplanations } from '../../core/domain/ports/extensions.ts';
import type { JudgementRequest } from '../../core/domain/incidents/response.ts';
import type { Decision, DecisionInputs, KillSwitch, TargetInputs } from '../../core/domain/rollback/judgement.ts';
import { DECIDE_VERSION } from '../../core/domain/rollback/guards.ts';
import { WAITS_MAX } from '../../core/domain/rollback/wait.ts';
import { decide } from '../../core/domain/rollback/rollback.ts';
import { policyOfTarget } from '../../core/domain/rollback/target-policy.ts';
import { requestsRollbackWithoutScope } from '../../core/domain/alerts/routing.ts';
import { allLackRequestScope, haveReturned, sendersOf } from '../../core/domain/alerts/senders.ts';
import { type Automation, untouchedAutomation } from '../../schemas/access/access.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { PinView } from '../../schemas/changes/pin.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { DecisionView, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import { abortedDeploy } from './judge/aborted.ts';
import { degradedVersion } from './judge/degraded.ts';
import { evidenceOf } from './evidence.ts';
import { type IncidentKey, openedTogether } from './failing.ts';

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
 * Gathers the inputs, judges, and stores both. Returns the stored judgement if there is one for this number. Null:
 * the incident was resolved meanwhile.
 *
 * @param about what is known of the incident. Absent: it is read first
 * @throws if the incident does not exist
 */
export async function judgeIncident(
  deps: Deps,
  id: IncidentId,
  number: number,
  request: JudgementRequest,
  about?: IncidentKey,
): Promise<Judged | null> {
  const [incident, known, read] = await Promise.all([
    deps.incidents.read(id),
    deps.decisions.get(id, number),
    about && readAround(deps, about),
  ]);
  if (incident === undefined) throw new Error(`incident ${id} does not exist`);
  const around = read ?? (await readAround(deps, incident));
  const storedInputs = known && (await deps.decisions.inputs(id, number));
  if (known && storedInputs) return { decision: known, inputs: storedInputs, incident, alertReceivedAt: null };
  const [{ inputs: gathered, alertReceivedAt }, waits] = await Promise.all([
    gather(deps, incident, around, request),
    waitsLeft(deps, incident, number),
  ]);
  const inputs = { ...gathered, waits_left: waits };
  const decided = decide(inputs);
  const seconds = answerSeconds((await deps.config.current()).services, inputs, decided.target ?? incident);
  const decision = await deps.decisions.keep(id, number, decided, inputs, seconds / deps.timeScale);
  return decision && { decision, inputs, incident, alertReceivedAt };
}

/** Returns how many decisions to wait are possible in place of this one. Those of the same problem count. */
async function waitsLeft(
  { decisions }: Pick<Deps, 'decisions'>,
  { id, new_onset: onset }: IncidentRecord,
  number: number,
): Promise<number> {
  const before = number - 1;
  if (before <= (onset?.judged ?? 0)) return WAITS_MAX;
  const [decision, inputs] = await Promise.all([decisions.get(id, before), decisions.inputs(id, before)]);
  return (inputs?.waits_left ?? 0) - Number(decision?.kind === 'wait');
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
export async function judgeNow(
  deps: Deps,
  incident: IncidentRecord,
  requested: JudgementRequest,
  around?: Around,
): Promise<Decision> {
  const { inputs } = await gather(deps, incident, around ?? (await readAround(deps, incident)), requested);
  return decide(inputs);
}

/**
 * What a judgement reads in any case. `explanations`: of alerts, by features; null: they can't be read.
 */
export type Around = {
  config: Config;
  since: Timestamp;
  own: readonly Change[];
  killSwitch: KillSwitch;
  automation: Automation;
  signals: readonly SignalView[];
  automatic: AutomaticActions;
  rollbacks: number;
  pins: readonly PinView[];
  opened: OpenedAround;
  explanations: readonly Explanations[] | null;
};

/**
 * Incidents that opened around a problem. `began`: its start. `areMany`: many did. `together`: those that may be related to it;
 * whoever needs them handles the error.
 */
type OpenedAround = { began: Timestamp; areMany: boolean; together: Promise<Opening[]> };

async function readOpened(deps: Deps, incident: IncidentKey, config: Promise<Config>): Promise<OpenedAround> {
  const together = config.then((known) => openedTogether(deps, incident, known));
  together.catch(() => undefined);
  const areMany = await config.then(({ routes }) => oneOfManyOpened(deps, incident, routes.manyAtOnce));
  return { began: problemStart(incident), areMany, together };
}

/** Reads around an incident together, since each read is a call to the platform. It need not wait for the incident itself. */
export async function readAround(deps: Deps, incident: IncidentKey): Promise<Around> {
  const { service, environment } = incident;
  const since = plusSeconds(deps.clock.now(), -3600);
  const config = deps.config.current();
  const [own, { killSwitch, automation }, signals, automatic, rollbacks, pins, opened, explanations] =
    await Promise.all([
      deps.changes.recent({ service, environment }, CHANGES_READ),
      readAutomation(deps),
      deps.incidents.signals(incident.id, { limit: 200 }),
      deps.effects.automaticSince(since),
      deps.effects.rollbacksSince({ service, environment }, since),
      deps.pins.of({ service, environment }),
      readOpened(deps, incident, config),
      readExplanations(deps),
    ]);
  return {
    config: await config,
    since,
    own,
    killSwitch,
    automation,
    signals: signals.items,
    automatic,
    rollbacks,
    pins,
    opened,
    explanations,
  };
}

async function gather(
  deps: Deps,
  incident: IncidentRecord,
  around: Around,
  requested: JudgementRequest,
): Promise<{ inputs: DecisionInputs; alertReceivedAt: Timestamp | null }> {
  const { config, own, killSwitch, automation, signals, automatic } = around;
  const since = incident.new_onset?.recovered_at ?? '';
  // What fires since an earlier problem says nothing about a new one.
  const firing = signals.filter(({ status, startsAt }) => status === 'firing' && startsAt >= since);
  // The start of an older alert that only joined must not count as the start of the problem.
  const requesting = firing.filter((signal) => signal.requestsRollback);
  const cause = requested.by === 'alert' && requesting.length > 0 ? requesting : firing;
  const senders = sendersOf(cause);
  // Another problem can have begun since the run has read the incident.
  const opened =
    around.opened.began === problemStart(incident)
      ? around.opened
      : await readOpened(deps, incident, deps.config.current());
  const [parent, aborted, degraded] = await Promise.all([
    incident.parent_id && deps.incidents.read(incident.parent_id),
    abortedDeploy(deps, firing),
    degradedVersion(deps, firing),
  ]);
  const expectedFrom = explainedBy(around.explanations ?? [], firing, deps.clock.now());
  const { evidence: gathered, neighboursUnreadable } = await evidenceOf(deps, incident, {
    config,
    cause,
    own,
    aborted,
    degraded,
    together: opened.together,
  });
  const evidence = { ...gathered, ...earlierThatGoesOn(incident, signals) };
  const related = await relatedEvidence(deps, incident, evidence, config);
  const groupIncidents = await incidentsOfGroup(deps, incident, parent || undefined);
  const concerned = new Map<string, ServiceEnvironment>([[incident.service, incident]]);
  for (const { change } of evidence.changes) if (!concerned.has(change.service)) concerned.set(change.service, change);
  const targets = await Promise.all(
    [...concerned.values()].map((serviceEnvironment) =>
      targetOf(deps, serviceEnvironment, {
        config,
        automation,
        since: around.since,
        ...(serviceEnvironment === incident && { around }),
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
      ...(requested.proposed && { proposed: requested.proposed }),
      ...(requested.moved_known && { moved_known: requested.moved_known }),
    },
    matched: incident.unmatched === null,
    ...(expectedFrom !== null && { expected_from: expectedFrom }),
    monitoring_failure_only: firing.length > 0 && firing.every((signal) => signal.monitoringFailure),
    evidence: related.length === 0 ? evidence : { ...evidence, related },
    targets,
    guard: killSwitch,
    incident_paused: incident.automation_paused,
    one_of_many: isOneOfMany(incident, parent || undefined) || opened.areMany,
    ...(parent && { group_rollback: groupRollbackOf(parent) }),
    ...(groupIncidents.length > 0 && { group_incidents: groupIncidents }),
    neighbours_unreadable: neighboursUnreadable,
    organisation_rollbacks_last_hour: automatic.all,
    ...(senders.length > 0 && { sender_rollbacks_last_hour: automatic.of(senders) }),
    ...(lacksRequestScope(requested, firing) && { sender_lacks_scope: true as const }),
    ...(haveReturned(cause) && { returned_only: true as const }),
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

/** Returns what is known of the problem before the newest one, if it goes on because nothing was mitigated. */
function earlierThatGoesOn(
  { opened_at: since, new_onset: onset }: IncidentRecord,
  signals: readonly SignalView[],
): Pick<Evidence, 'earlier_goes_on'> {
  if (onset === undefined || onset.after !== undefined) return {};
  const earlier = signals.filter(({ status, startsAt }) => status === 'firing' && startsAt < onset.recovered_at);
  return { earlier_goes_on: { since, requests: earlier.some(({ requestsRollback }) => requestsRollback) } };
}

/** Number of dependencies whose own evidence is read. */
const RELATED_READ = 3;

/**
 * Returns the evidence about failing dependencies with changes that can be the cause, as their own incidents read it: a
 * change is judged by the health of its own service.
 */
async function relatedEvidence(
  deps: Deps,
  incident: IncidentRecord,
  { at, changes, failing }: Evidence,
  config: Config,
): Promise<Evidence[]> {
  const failingNames = new Set(failing.map(({ service }) => service));
  const names = new Set(
    changes.flatMap(({ relation, change: { service } }) =>
      (relation === 'dependency' || relation === 'shared') && failingNames.has(service) ? [service] : [],
    ),
  );
  return Promise.all(
    [...names].slice(0, RELATED_READ).map(async (service) => {
      const serviceEnvironment = { service, environment: incident.environment };
      const [open, own] = await Promise.all([
        deps.incidents.openAt(serviceEnvironment),
        deps.changes.recent(serviceEnvironment, CHANGES_READ),
      ]);
      const { cleared: _cleared, ...alike } = incident;
      const other = open ?? { ...alike, ...serviceEnvironment };
      const signals = open === undefined ? [] : (await deps.incidents.signals(open.id, { limit: 200 })).items;
      const firing = signals.filter(({ status }) => status === 'firing');
      const [aborted, degraded] = await Promise.all([abortedDeploy(deps, firing), degradedVersion(deps, firing)]);
      const requesting = firing.filter(({ requestsRollback }) => requestsRollback);
      const cause = requesting.length > 0 ? requesting : firing;
      return (await evidenceOf(deps, other, { config, cause, own, aborted, degraded, at })).evidence;
    }),
  );
}

/**
 * Returns the open incidents of the same group of a dependency that decide about a rollback of their own services, so that
 * each question is asked once.
 */
async function incidentsOfGroup(
  { incidentGroups }: Pick<Deps, 'incidentGroups'>,
  { id }: IncidentRecord,
  parent: IncidentRecord | undefined,
): Promise<NonNullable<DecisionInputs['group_incidents']>> {
  if (parent?.group_reason?.because !== 'shared_dependency') return [];
  return (await incidentGroups.children(parent.id)).flatMap(({ incident: child }) =>
    child.id !== id && child.status !== 'resolved' && child.requests_rollback
      ? [{ service: child.service, incident_id: child.id, number: child.number }]
      : [],
  );
}

/** Returns the name of what explains all firing alerts, such as an experiment. Null: nothing does. */
function explainedBy(explanations: readonly Explanations[], firing: readonly Signal[], now: Timestamp): string | null {
  for (const one of explanations) {
    const name = one.nameFor(firing, now);
    if (name !== null) return name;
  }
  return null;
}

/**
 * Returns whether many incidents opened around the start of the open problem of this one. False if they can't be read: then the evidence is
 * incomplete as well, which requires approval.
 */
async function oneOfManyOpened(
  { incidentGroups }: Deps,
  incident: IncidentKey,
  policy: Config['routes']['manyAtOnce'],
): Promise<boolean> {
  if (policy.incidents === false) return false;
  const { environment } = incident;
  const began = problemStart(incident);
  const areMany = manyOpened({ environment, opened_at: began }, policy);
  let hasManyAround = false;
  try {
    await incidentGroups.newestOpenings(timeAround(began, policy), (opening) => (hasManyAround = areMany(opening)));
    return hasManyAround;
  } catch {
    return false;
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
    /** What is read of this target already. */
    around?: Pick<Around, 'own' | 'rollbacks' | 'pins'>;
  },
): Promise<TargetInputs> {
  const serviceEnvironment = { service, environment };
  const entry = environmentEntry(known.config.services, serviceEnvironment);
  const { around } = known;
  const [changes, rollbacks, pins] = await Promise.all([
    around?.own ?? deps.changes.recent(serviceEnvironment, CHANGES_READ),
    around?.rollbacks ?? deps.effects.rollbacksSince(serviceEnvironment, known.since),
    around?.pins ?? deps.pins.of(serviceEnvironment),
  ]);
  return {
    ...serviceEnvironment,
    ...policyOfTarget(entry),
    modes: modesFor(known.automation, serviceEnvironment, known.config.services),
    demoted: Object.hasOwn(known.automation.demoted, service),
    rollbacks_last_hour: rollbacks,
    pinned: pinnedVersions(pins, changes),
    changes: changes.map((change) => ({ ...change, commits: [] })),
  };
}

/** Reads the kill switch and the modes, strongly consistent. If they can't be read, nothing is done automatically. */
export async function readAutomation(
  deps: Pick<Deps, 'automation'>,
): Promise<{ killSwitch: KillSwitch; automation: Automation }> {
  try {
    const automation = await deps.automation.read();
    const { paused, by, reason } = automation;
    return { killSwitch: { state: 'read', paused, ...(paused && { by, reason }) }, automation };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { killSwitch: { state: 'unreadable', detail }, automation: untouchedAutomation };
  }
}
