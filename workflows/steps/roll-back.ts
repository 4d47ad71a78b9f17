import { environmentEntry } from '../../domain/catalogue/catalogue.ts';
import { modesFor } from '../../domain/automation/automation.ts';
import { clearingOfVersion } from '../../domain/changes/cleared-suspects.ts';
import { sendersOf } from '../../domain/alerts/senders.ts';
import { newerLiveChange } from '../../domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Agreement, Known } from '../../domain/rollback/guard.ts';
import { afterStop, whyStopped } from '../../domain/rollback/guards.ts';
import type { Decision } from '../../domain/rollback/judgement.ts';
import type { TargetResponse, Deployer, DriftCheck, RollbackCall } from '../../domain/rollback/targets.ts';
import { type DecisionView, type Effect, NOBODY_OBJECTED } from '../../schemas/incidents/incident.ts';
import type { MitigationOutcome, PageNeed } from '../../schemas/incidents/inbox.ts';
import type { Reason } from '../../schemas/incidents/reason.ts';
import type { IncidentId, Mode, Version } from '../../schemas/config/names.ts';
import type { JudgementRequest } from '../../domain/incidents/response.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { judgeNow, readAutomation } from './judge.ts';

/** Returns the idempotency key of the rollback of a decision, the same for every attempt. */
export const rollbackKey = (id: IncidentId, number: number): string => `${id}.roll-back.${number}`;

export type RollbackOrder = ServiceEnvironment & {
  incidentId: IncidentId;
  /** Number of the decision. */
  number: number;
  key: string;
  from: Version;
  to: Version;
  /** Feature flag to turn off instead; `from` and `to` are its key. Absent: a version is rolled back. */
  flag?: Version;
  fromCommit: string | null;
  toCommit: string | null;
  requester: JudgementRequest['by'];
  /** This decision asked for approval and was approved, or had no objection where that suffices. */
  approved: boolean;
  reason: string;
};

type RollbackAttempt = TargetResponse | { kind: 'withheld'; reason: Reason };

/** Pauses between attempts at a busy or unavailable CD system; the last one repeats. Gives up after an hour. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60, 90, 120] as const;
const TRIES = 37;

/** Number of status checks of an accepted rollback: for an hour, at first every few seconds, later less often. */
const POLLS = 220;
const pollPause = (poll: number): number => (poll < 60 ? 5 : poll < 160 ? 15 : 30);

/**
 * How a mitigation ended. `runs`: the version that runs instead, according to the CD system. `again`: the incident must be
 * judged again, because its facts have changed.
 */
export type MitigationEnd = { outcome: MitigationOutcome; page: PageNeed; text: string; runs?: string; again?: true };

/** Repeats the rollback until the CD system answers, and follows it to its end. */
export async function followRollback(run: Run, order: RollbackOrder, deps: Deps): Promise<MitigationEnd> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer: RollbackAttempt = await run.step('roll-back', async () =>
      noteWaiting(deps, order, await rollBackOnce(deps, order)),
    );
    if (answer.kind === 'in_progress') return pollRollback(run, order, answer.handle, deps);
    if (answer.kind !== 'later' && answer.kind !== 'busy') return mitigationEndOf(answer, order);
    const pause = PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length - 1)] ?? 120;
    await run.wait('roll-back-again', {
      seconds: Math.max(pause, (answer.kind === 'later' && answer.afterSeconds) || 0),
    });
  }
  return {
    outcome: 'gave_up',
    page: 'again',
    text: 'The CD system gave no usable response for an hour, so the outcome of the rollback is unknown',
  };
}

/** Follows an accepted rollback until it ends. Without a status URL, repeating the call with the same key is the check. */
async function pollRollback(run: Run, order: RollbackOrder, handle: string | null, deps: Deps): Promise<MitigationEnd> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    await run.wait('rolling-back', { seconds: pollPause(poll) });
    const answer: RollbackAttempt = await run.step('check-roll-back', async () =>
      noteWaiting(
        deps,
        order,
        await (handle === null ? rollBackOnce(deps, order) : checkRollback(deps, order, handle)),
      ),
    );
    if (answer.kind !== 'in_progress' && answer.kind !== 'later' && answer.kind !== 'busy')
      return mitigationEndOf(answer, order);
  }
  return {
    outcome: 'gave_up',
    page: 'again',
    text: 'The CD system accepted the rollback but did not finish it within an hour',
  };
}

function mitigationEndOf(
  answer: Exclude<RollbackAttempt, { kind: 'later' | 'busy' | 'in_progress' }>,
  { to, flag }: Pick<RollbackOrder, 'to' | 'flag'>,
): MitigationEnd {
  switch (answer.kind) {
    case 'succeeded':
      return {
        outcome: 'succeeded',
        page: 'no',
        text: flag === undefined ? `Rolled back to ${to}` : `Turned off feature flag ${flag}`,
      };
    case 'superseded':
      if (flag !== undefined)
        return { outcome: 'superseded', page: 'again', text: `Flag ${flag} was changed meanwhile: ${answer.current}` };
      return {
        outcome: 'superseded',
        page: 'again',
        runs: answer.current,
        text: `Not rolled back: ${answer.current} is running now, because of a newer deployment`,
      };
    case 'withheld': {
      const { code, text } = answer.reason;
      const nextStep = afterStop(code);
      return {
        outcome: code === 'superseded' ? 'superseded' : 'withheld',
        page: nextStep === 'page' ? 'again' : 'no',
        text: `Not rolled back: ${text}`,
        ...(nextStep === 'judge_again' && { again: true }),
      };
    }
    case 'failed':
      return { outcome: 'failed', page: 'again', text: `The rollback failed: ${answer.detail}` };
    case 'refused':
      return { outcome: 'refused', page: 'again', text: `The rollback was refused: ${answer.detail}` };
  }
}

/**
 * Makes one attempt at a rollback. Reads the guards again directly before the call, strongly consistent, because the
 * decision may be minutes old. Without a person's approval, also judges again. Withholds the rollback if a guard applies
 * or can't be read.
 */
async function rollBackOnce(deps: Deps, order: RollbackOrder): Promise<RollbackAttempt> {
  const entry = environmentEntry((await deps.config.current()).services, order);
  const action = await actionOf(deps, order);
  if (entry === undefined || action === undefined)
    return { kind: 'withheld', reason: { code: 'no_deployer', text: NO_DEPLOYER } };
  const earlier = await deps.effects.get(order.incidentId, order.key);
  // The run before this one may have died after the rollback.
  if (earlier?.state === 'succeeded') return { kind: 'succeeded', id: null };
  const known = await guardInputs(deps, order, { configured: entry.autoRollback.mode, tried: earlier !== undefined });
  const stopped = whyStopped('call', known);
  if (stopped !== undefined)
    return {
      kind: 'withheld',
      reason: known.tried
        ? { ...stopped, text: `${stopped.text}; an earlier attempt may have been accepted, so check the CD system` }
        : stopped,
    };
  const automatic = known.agreement === 'none';
  const intent = await deps.effects.intendAction(
    order.incidentId,
    { key: order.key, ...action.effect },
    {
      serviceEnvironment: { service: order.service, environment: order.environment },
      resource: action.resource,
      automatic,
      ...(automatic && { senders: await sendersFor(deps, order) }),
      isProposed: order.requester !== 'person',
    },
  );
  if (!intent.ok) return { kind: 'withheld', reason: intent.reason };
  return action.call();
}

type MitigationAction = {
  effect: Pick<Effect, 'kind' | 'target' | 'class' | 'detail' | 'stand_in' | 'flag'>;
  resource: string;
  call: () => Promise<TargetResponse>;
};

/** Returns the action that undoes the suspected change, by a rollback or a feature flag. Undefined: its target is not configured. */
async function actionOf(deps: Deps, order: RollbackOrder): Promise<MitigationAction | undefined> {
  const { service, environment, incidentId: incident, reason, key, flag, from, to } = order;
  if (flag === undefined) {
    const deployer = await deployerAt(deps, order);
    return (
      deployer && {
        effect: { kind: 'roll-back', ...effectAt(deployer), detail: `Rolling back ${from} to ${to}` },
        resource: deployer.resource,
        call: () => deployer.rollBack(rollbackCallOf(order)),
      }
    );
  }
  const config = environmentEntry((await deps.config.current()).services, order)?.flags;
  const flags = config && (await deps.flagsFor(config, order));
  return (
    flags && {
      effect: {
        kind: 'flag',
        ...effectAt(flags),
        detail: `Turning off feature flag ${flag}`,
        flag: { name: flag, on: false },
      },
      resource: flags.resource(flag),
      call: async () => {
        const answer = await flags.set({ service, environment, incident, reason, key, flag, on: false });
        // Without a handle, the status is checked by repeating the call with the same key.
        return answer.kind === 'in_progress' ? { ...answer, handle: null } : answer;
      },
    }
  );
}

const effectAt = ({ target, effectClass, standIn }: Pick<Deployer, 'target' | 'effectClass' | 'standIn'>) => ({
  target,
  class: effectClass,
  ...(standIn && { stand_in: true as const }),
});

/** Returns the senders of the alerts that caused the rollback. */
async function sendersFor({ incidents }: Pick<Deps, 'incidents'>, { incidentId }: RollbackOrder): Promise<string[]> {
  const { items } = await incidents.signals(incidentId, { limit: 200 });
  const firing = items.filter(({ status }) => status === 'firing');
  const requesting = firing.filter(({ requestsRollback }) => requestsRollback);
  return sendersOf(requesting.length > 0 ? requesting : firing);
}

const rollbackCallOf = (order: RollbackOrder): RollbackCall => ({
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
  serviceEnvironment: ServiceEnvironment,
): Promise<Deployer | undefined> {
  const entry = environmentEntry((await deps.config.current()).services, serviceEnvironment);
  return entry?.deployer && deps.deployerFor(entry.deployer, serviceEnvironment);
}

/** Reads the inputs of the guards directly before the call. */
async function guardInputs(
  deps: Deps,
  order: RollbackOrder,
  { configured, tried }: { configured: Mode; tried: boolean },
): Promise<Known['call']> {
  const { incidentId, number, key, service, environment, from, to, approved } = order;
  const decision = await deps.decisions.get(incidentId, number);
  const agreement = agreementOf(order, decision);
  // After an earlier attempt, measurements may already show the effect of that attempt.
  const judged = agreement !== 'none' || tried ? undefined : await judgeAgain(deps, order);
  const incident = await deps.incidents.read(incidentId);
  const parentId = incident?.parent_id;
  const parent = parentId && (await deps.incidents.read(parentId));
  const { killSwitch, automation } = await readAutomation(deps);
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
    one_of_many: parentId !== undefined && parent?.group_rollback?.key !== key,
    guard: killSwitch,
    modes: [configured, ...modesFor(automation, order)],
    demoted_services: Object.hasOwn(automation.demoted, service) ? [service] : [],
    clearing: clearingOfVersion(incident?.cleared, { service, version: from }),
    decided_at: decision?.at,
    pinned: pins.map(({ version }) => version),
    // A newer version does not change a flag.
    newer: order.flag === undefined ? newerLiveChange(await deps.changes.recent(order, 50), from) : undefined,
  };
}

/**
 * Returns whether a person requested or approved the rollback. A question that no one objected to in time is not an
 * approval.
 */
function agreementOf({ requester, approved }: RollbackOrder, decision: DecisionView | undefined): Agreement {
  if (requester === 'person') return 'requested';
  return approved && decision?.answered_by !== NOBODY_OBJECTED ? 'approved' : 'none';
}

/**
 * Judges again: alerts of other failing services arrive some seconds after the first, and the service may have
 * recovered. Undefined: the incident is over.
 */
async function judgeAgain(deps: Deps, { incidentId, requester }: RollbackOrder): Promise<Decision | undefined> {
  const incident = await deps.incidents.read(incidentId);
  if (incident === undefined || incident.status === 'resolved') return undefined;
  return judgeNow(deps, incident, { by: requester, name: '' });
}

/**
 * Reports once that the rollback is waiting for a person: on the timeline, which also appears in the channel, and by a
 * page if there was none yet.
 */
async function noteWaiting(deps: Deps, order: RollbackOrder, answer: RollbackAttempt): Promise<RollbackAttempt> {
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
async function checkRollback(deps: Deps, order: RollbackOrder, handle: string): Promise<TargetResponse> {
  const deployer = await deployerAt(deps, order);
  if (deployer === undefined) return { kind: 'later', detail: NO_DEPLOYER, afterSeconds: null };
  return deployer.status(handle, rollbackCallOf(order));
}

const NO_DEPLOYER =
  'no deployer is configured for this service and environment, or its url and CD_URL are both missing';

/** Checks whether a rollback still holds, if the target can report it. */
export async function checkDrift(deps: Deps, order: RollbackOrder): Promise<DriftCheck> {
  const deployer = await deployerAt(deps, order);
  return (
    deployer?.checkDrift?.(rollbackCallOf(order)) ?? {
      kind: 'unknown',
      detail: 'the target does not report whether it holds',
    }
  );
}

/** Returns the reason that the CD system shows, at most 500 characters. */
export const reasonFor = (decision: DecisionView, title: string): string =>
  `${title}: ${decision.reasons.map(({ text }) => text).join('; ')}`.slice(0, 500);
