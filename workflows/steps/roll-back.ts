import { modesFor } from '../../domain/automation/automation.ts';
import { clearingOfVersion } from '../../domain/changes/cleared-suspects.ts';
import { sendersOf } from '../../domain/alerts/senders.ts';
import { newerLiveChange } from '../../domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Agreement, Known } from '../../domain/rollback/guard.ts';
import { whyStopped } from '../../domain/rollback/guards.ts';
import type { Decision } from '../../domain/rollback/judgement.ts';
import type { ActAnswer, Deployer, Held, RollbackRequest } from '../../domain/rollback/targets.ts';
import { type DecisionView, NOBODY_OBJECTED } from '../../schemas/incidents/incident.ts';
import type { Reason } from '../../schemas/incidents/reason.ts';
import type { IncidentId, Mode, Version } from '../../schemas/config/names.ts';
import type { JudgementRequest } from '../../domain/incidents/response.ts';
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
  requester: JudgementRequest['by'];
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
  if (entry === undefined || deployer === undefined)
    return { kind: 'withheld', reason: { code: 'no_deployer', text: NO_DEPLOYER } };
  const before = await deps.effects.get(order.incidentId, order.key);
  // The run before this one may have died after the rollback.
  if (before?.state === 'succeeded') return { kind: 'succeeded', id: null };
  const known = await knownBefore(deps, order, { configured: entry.autoRollback.mode, tried: before !== undefined });
  const stopped = whyStopped('call', known);
  if (stopped !== undefined)
    return {
      kind: 'withheld',
      reason: known.tried
        ? { ...stopped, text: `${stopped.text}; an earlier attempt may have been accepted, so check the CD system` }
        : stopped,
    };
  const automatic = known.agreement === 'none';
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
      automatic,
      ...(automatic && { senders: await sendersFor(deps, order) }),
      isProposed: order.requester !== 'person',
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

/** Reads what the guards need directly before the call. */
async function knownBefore(
  deps: Deps,
  order: RollbackOrder,
  { configured, tried }: { configured: Mode; tried: boolean },
): Promise<Known['call']> {
  const { incidentId, number, service, environment, from, to, approved } = order;
  const decision = await deps.decisions.get(incidentId, number);
  const agreement = agreementOf(order, decision);
  // After an earlier attempt, measurements may already show the effect of that attempt.
  const judged = agreement !== 'none' || tried ? undefined : await judgedAgain(deps, order);
  const incident = await deps.incidents.read(incidentId);
  const { guard, automation } = await readAutomation(deps);
  const pins = await deps.pins.of(order);
  return {
    service,
    environment,
    from,
    to,
    agreement,
    approved,
    tried,
    judged,
    incident_open: incident !== undefined && incident.status !== 'resolved',
    incident_paused: incident?.automation_paused === true,
    incident_has_parent: incident?.parent_id !== undefined,
    guard,
    modes: [configured, ...modesFor(automation, order)],
    demoted_services: Object.hasOwn(automation.demoted, service) ? [service] : [],
    clearing: clearingOfVersion(incident?.cleared, { service, version: from }),
    decided_at: decision?.at,
    pinned: pins.map(({ version }) => version),
    newer: newerLiveChange(await deps.changes.recent(order, 50), from),
  };
}

/** Returns the part of a person in the rollback. A question without objection is no approval. */
function agreementOf({ requester: asked, approved }: RollbackOrder, decision: DecisionView | undefined): Agreement {
  if (asked === 'person') return 'requested';
  return approved && decision?.answered_by !== NOBODY_OBJECTED ? 'approved' : 'none';
}

/**
 * Judges again: alerts of other failing services arrive some seconds after the first, and the service may have
 * recovered. Undefined: the incident is over.
 */
async function judgedAgain(deps: Deps, { incidentId, requester: asked }: RollbackOrder): Promise<Decision | undefined> {
  const incident = await deps.incidents.read(incidentId);
  if (incident === undefined || incident.status === 'resolved') return undefined;
  return judgeNow(deps, incident, { by: asked, who: '' });
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
