import { modesFor } from '../../domain/automation/automation.ts';
import { clearedWords, clearingOfVersion } from '../../domain/changes/cleared-suspects.ts';
import { demotion } from '../../domain/rollback/guards.ts';
import { sendersOf } from '../../domain/alerts/senders.ts';
import { shippedSince } from '../../domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { ActAnswer, Deployer, Held, RollbackRequest } from '../../domain/rollback/targets.ts';
import {
  type Cleared,
  type DecisionView,
  type IncidentRecord,
  NOBODY_OBJECTED,
} from '../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../schemas/incidents/reason.ts';
import { type IncidentId, lowestMode, type Mode, type Version } from '../../schemas/config/names.ts';
import type { JudgementRequest } from '../../domain/incidents/response.ts';
import type { Decision } from '../../domain/rollback/rollback.ts';
import { wake } from '../wake.ts';
import { entryOf, judgeNow, readAutomation } from './judge.ts';

/** Returns the idempotency key of a judgement's rollback, the same for every attempt. */
export const rollbackKey = (id: IncidentId, number: number): string => `${id}.roll-back.${number}`;

export type RollbackOrder = ServiceEnvironment & {
  incidentId: IncidentId;
  /** Number of the decision. */
  number: number;
  key: string;
  from: Version;
  to: Version;
  fromCommit: string | null;
  toCommit: string | null;
  asked: JudgementRequest['by'];
  /** This decision asked for approval and was approved, or had no objection where that suffices. */
  approved: boolean;
  reason: string;
};

export type Attempted = ActAnswer | { kind: 'withheld'; reason: Reason };

/**
 * Makes one attempt at a rollback. Reads the guards again directly before the call, strongly consistent, because the
 * decision may be minutes old. Without a person's approval, also judges again. Withholds the rollback if a guard applies
 * or can't be read.
 */
export async function rollBackOnce(deps: Deps, order: RollbackOrder): Promise<Attempted> {
  const entry = entryOf((await deps.config.current()).services, order);
  const deployer = await deployerAt(deps, order);
  if (entry === undefined || deployer === undefined) return withheld('no_deployer', NO_DEPLOYER);
  const before = await deps.effects.get(order.incidentId, order.key);
  // The run before this one may have died after the rollback.
  if (before?.state === 'succeeded') return { kind: 'succeeded', id: null };
  const tried = before !== undefined;
  const agreed = await hasAgreed(deps, order);
  // After an earlier attempt, measurements may already show the effect of that attempt.
  const otherwise = agreed || tried ? undefined : await whyOtherwise(deps, order);
  const no = (await whyNot(deps, order, { configured: entry.autoRollback.mode, tried, agreed })) ?? otherwise;
  if (no !== undefined)
    return {
      kind: 'withheld',
      reason: tried
        ? { ...no, text: `${no.text}; an earlier attempt may have been accepted, so check the CD system` }
        : no,
    };
  const intent = await deps.effects.intendAct(
    order.incidentId,
    {
      key: order.key,
      kind: 'roll-back',
      target: deployer.target,
      ...(deployer.standIn && { stand_in: true }),
      class: deployer.effectClass,
      detail: `Rolling back ${order.from} to ${order.to}`,
    },
    {
      place: { service: order.service, environment: order.environment },
      resource: deployer.resource,
      automatic: !agreed,
      ...(!agreed && { senders: await sendersFor(deps, order) }),
      ours: order.asked !== 'person',
    },
  );
  if (!intent.ok) return { kind: 'withheld', reason: intent.reason };
  return deployer.rollBack(requestOf(order));
}

/** Returns the senders of the alerts that caused the rollback. */
async function sendersFor({ incidents }: Pick<Deps, 'incidents'>, { incidentId }: RollbackOrder): Promise<string[]> {
  const { items } = await incidents.signals(incidentId, { limit: 200 });
  const firing = items.filter(({ status }) => status === 'firing');
  const asking = firing.filter(({ asksRollback }) => asksRollback);
  return sendersOf(asking.length > 0 ? asking : firing);
}

const requestOf = (order: RollbackOrder): RollbackRequest => ({
  service: order.service,
  environment: order.environment,
  from: order.from,
  to: order.to,
  fromCommit: order.fromCommit,
  toCommit: order.toCommit,
  incident: order.incidentId,
  reason: order.reason,
  key: order.key,
});

/** Returns the deployer of a service and environment. Undefined: none is configured, or its configuration is incomplete. */
export async function deployerAt(
  deps: Pick<Deps, 'config' | 'deployerFor'>,
  place: ServiceEnvironment,
): Promise<Deployer | undefined> {
  const entry = entryOf((await deps.config.current()).services, place);
  return entry?.deployer && deps.deployerFor(entry.deployer, place);
}

/** Returns whether a person requested or approved the rollback. A question without objection does not count. */
async function hasAgreed(
  deps: Pick<Deps, 'decisions'>,
  { asked, approved, incidentId, number }: RollbackOrder,
): Promise<boolean> {
  if (asked === 'person') return true;
  return approved && (await deps.decisions.get(incidentId, number))?.answered_by !== NOBODY_OBJECTED;
}

/**
 * Judges again, and returns the reason if the rollback would no longer be done. Alerts of other failing services arrive
 * some seconds after the first, and the service may have recovered.
 */
async function whyOtherwise(deps: Deps, order: RollbackOrder): Promise<Reason | undefined> {
  const incident = await deps.incidents.read(order.incidentId);
  if (incident === undefined || incident.status === 'resolved') return undefined; // whyNot reports it
  const now = await judgeNow(deps, incident, { by: order.asked, who: '' });
  const { place, from, to } = now;
  const theSame = place?.service === order.service && from === order.from && to === order.to;
  // A question without objection suffices only if the mode alone requires approval.
  if (theSame && (now.kind === 'roll_back' || (order.approved && asksByModeAlone(now)))) return undefined;
  const said = now.reasons.map(({ text }) => text).join('; ');
  return reason(
    'judged_otherwise',
    `another judgement directly before the rollback decided against it: ${said}`.slice(0, 500),
  );
}

/** Returns whether only the mode requires approval, by one person. */
export const asksByModeAlone = ({
  kind,
  reasons,
  approvals,
}: Pick<Decision, 'kind' | 'reasons'> & { approvals: { needed: number } }): boolean =>
  kind === 'approve' &&
  approvals.needed === 1 &&
  reasons.every(({ code }) => code === 'mode_approve' || code === 'suspect');

/** Returns the first guard that forbids the rollback at this moment. */
async function whyNot(
  deps: Deps,
  order: RollbackOrder,
  { configured, tried, agreed }: { configured: Mode; tried: boolean; agreed: boolean },
): Promise<Reason | undefined> {
  const incident = await deps.incidents.read(order.incidentId);
  if (incident === undefined || incident.status === 'resolved')
    return reason('incident_closed', 'the incident was resolved in the meantime');
  const { guard, automation } = await readAutomation(deps);
  if (guard.state === 'unreadable')
    return reason('guard_unreadable', `the kill switch could not be read: ${guard.detail}`);
  if (guard.paused) return reason('paused', 'the kill switch is on');
  if (incident.automation_paused && order.asked !== 'person')
    return reason('incident_paused', 'a person paused the automation of this incident');
  const cleared = tried ? undefined : await clearedSince(deps, incident, order, agreed);
  if (cleared !== undefined) return reason('suspect_cleared', clearedWords([cleared]));
  const mode = lowestMode(configured, ...modesFor(automation, order));
  const needed: Mode = order.approved ? 'approve' : 'act';
  if (order.asked !== 'person' && mode !== 'act' && lowestMode(mode, needed) !== needed)
    return reason(`mode_${mode}`, `automation is now in mode ${mode}`);
  if (!agreed && incident.parent_id !== undefined)
    return reason('one_of_many', 'several services are failing at once, so a person must decide');
  if (!agreed && Object.hasOwn(automation.demoted, order.service)) return demotion(order.service);
  if ((await deps.pins.of(order)).some(({ version }) => version === order.to))
    return reason('pinned', `${order.to} is now pinned as known bad`);
  const newer = shippedSince(await deps.changes.recent(order, 50), order.from);
  // The CD system may have reported the rollback by an earlier attempt, which is no newer deploy.
  const ours = tried && newer?.version === order.to;
  if (newer !== undefined && !ours)
    return reason('superseded', `${newer.version} was deployed in the meantime, so ${order.from} is no longer running`);
  return undefined;
}

/** Returns the clearing of the version to roll back. After a person's approval, only a clearing since the decision counts. */
async function clearedSince(
  deps: Pick<Deps, 'decisions'>,
  { cleared }: IncidentRecord,
  { incidentId, number, service, from }: RollbackOrder,
  agreed: boolean,
): Promise<Cleared | undefined> {
  const found = clearingOfVersion(cleared, { service, version: from });
  if (found === undefined || !agreed) return found;
  const decision = await deps.decisions.get(incidentId, number);
  return decision !== undefined && found.at > decision.at ? found : undefined;
}

/**
 * Reports once that the rollback is waiting for a person: on the timeline, which also appears in the channel, and by a
 * page if there was none yet.
 */
export async function noteWaiting(deps: Deps, order: RollbackOrder, answer: Attempted): Promise<Attempted> {
  if (answer.kind !== 'in_progress' || answer.waitsFor === undefined) return answer;
  const { incidentId: id, key, from, to } = order;
  if ((await deps.effects.get(id, key))?.state === 'accepted') return answer;
  const text = `The rollback from ${from} to ${to} is waiting for a person: ${answer.waitsFor}`;
  await deps.incidents.post(id, { kind: 'page', by: 'firebreak', note: text }, {}, `${key}-waits`);
  await wake(deps, id);
  await deps.effects.conclude(id, key, 'accepted', text);
  return answer;
}

/** Checks the status of an accepted rollback. */
export async function lookAtRollback(deps: Deps, order: RollbackOrder, handle: string): Promise<ActAnswer> {
  const deployer = await deployerAt(deps, order);
  if (deployer === undefined) return { kind: 'later', detail: NO_DEPLOYER, afterSeconds: null };
  return deployer.status(handle, requestOf(order));
}

const NO_DEPLOYER =
  'no deployer is configured for this service and environment, or its url and CD_URL are both missing';

/** Checks whether a rollback still holds, if the target can report it. */
export async function lookAtHold(deps: Deps, order: RollbackOrder): Promise<Held> {
  const deployer = await deployerAt(deps, order);
  return (
    deployer?.held?.(requestOf(order)) ?? { kind: 'unknown', detail: 'the target does not report whether it holds' }
  );
}

/** Returns the reason that the CD system shows, at most 500 characters. */
export const reasonFor = (decision: DecisionView, title: string): string =>
  `${title}: ${decision.reasons.map(({ text }) => text).join('; ')}`.slice(0, 500);

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
const withheld = (code: ReasonCode, text: string): Attempted => ({ kind: 'withheld', reason: reason(code, text) });
