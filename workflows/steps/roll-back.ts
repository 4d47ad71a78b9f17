import { environmentEntry } from '../../core/domain/catalogue/catalogue.ts';
import { modesFor } from '../../core/domain/automation/automation.ts';
import { clearedByPeople, clearingOfVersion } from '../../core/domain/changes/cleared-suspects.ts';
import { isOneOfMany } from '../../core/domain/incidents/incident-group.ts';
import { sendersOfCause } from '../../core/domain/alerts/senders.ts';
import { knowsNamesOnly, restoresByRevert } from '../../core/domain/changes/deploy-repository.ts';
import {
  bringsVersion,
  currentVersion,
  pinnedVersions,
  whyNameUnclear,
} from '../../core/domain/changes/identified-versions.ts';
import { isOtherNameThan } from '../../core/domain/changes/recognize.ts';
import { nameOf } from '../../core/domain/changes/version-identity.ts';
import { newerLiveChange } from '../../core/domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Agreement, Known } from '../../core/domain/rollback/guard.ts';
import { saysNameMoved } from '../../core/domain/rollback/reasons.ts';
import { afterStop, whyStopped } from '../../core/domain/rollback/apply-guards.ts';
import type { Decision } from '../../core/domain/rollback/judgement.ts';
import {
  type TargetResponse,
  type Deployer,
  type DriftCheck,
  type RollbackCall,
  whyIndistinct,
} from '../../core/domain/rollback/targets.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { DeployerConfig } from '../../schemas/rollback/targets.ts';
import {
  type DecisionView,
  type Effect,
  type IncidentRecord,
  NOBODY_OBJECTED,
} from '../../schemas/incidents/incident.ts';
import type { MitigationOutcome, PageNeed } from '../../schemas/incidents/inbox.ts';
import type { Reason } from '../../schemas/incidents/reason.ts';
import type { IncidentId, Mode, Version } from '../../schemas/config/names.ts';
import type { JudgementRequest } from '../../core/domain/incidents/response.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import type { IncidentKey } from './failing.ts';
import { type Around, judgeNow, readAround, readAutomation } from './judge-incident.ts';
import { flagDoneAround } from './runbook/act-gate.ts';
import { truncated } from '../../schemas/parsing/text.ts';

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
  /** What the target calls the versions. Absent: the same. */
  fromName?: Version;
  toName?: Version;
  fromCommit: string | null;
  toCommit: string | null;
  requester: JudgementRequest['by'];
  /** This decision asked for approval and was approved, or had no objection where that suffices. */
  approved: boolean;
  reason: string;
  /** What is known of the incident before it is read. Absent: nothing. */
  about?: IncidentKey;
};

/** `watched`: why a guard applies, so that an accepted rollback is only read. */
type RollbackAttempt =
  | Exclude<TargetResponse, { kind: 'in_progress' }>
  | (Extract<TargetResponse, { kind: 'in_progress' }> & { watched?: string })
  | { kind: 'withheld'; reason: Reason };

/** Pauses between attempts at a busy or unavailable CD system; the last one repeats. Gives up after an hour. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60, 90, 120] as const;
const TRIES = 37;

/** Number of the attempt after which people read that the target gives no usable answer. */
const NOTED_ATTEMPT = 3;

/** Seconds for which an accepted rollback is followed: with the attempts before, less than its target is locked. */
const FOLLOWED_SECONDS = 3600;

/** Returns the pause between two status checks: at first a few seconds, later more, above all while a guard applies. */
const pollPause = (passed: number, isWatched: boolean): number =>
  passed < 300 ? 5 : isWatched ? 60 : passed < 1800 ? 15 : 30;

/**
 * How a mitigation ended. `runs`: the version that runs instead, according to the CD system. `again`: the incident must be
 * judged again, because its facts have changed.
 */
export type MitigationEnd = { outcome: MitigationOutcome; page: PageNeed; text: string; runs?: string; again?: true };

/** Repeats the rollback until the CD system answers, and follows it to its end. */
export async function followRollback(run: Run, order: RollbackOrder, deps: Deps): Promise<MitigationEnd> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer: RollbackAttempt = await run.step('roll-back', async () =>
      noteUnanswered(deps, order, attempt, await noteWaiting(deps, order, await rollBackOnce(deps, order))),
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

/**
 * Follows an accepted rollback until it ends, for an hour at most. Without a status URL, repeating the call with the same key is
 * the check, and while a guard applies, the running version.
 */
async function pollRollback(run: Run, order: RollbackOrder, handle: string | null, deps: Deps): Promise<MitigationEnd> {
  let passed = 0;
  let watched: string | undefined;
  while (passed < FOLLOWED_SECONDS) {
    const seconds = pollPause(passed, watched !== undefined);
    passed += seconds;
    await run.wait('rolling-back', { seconds });
    const answer: RollbackAttempt = await run.step('check-roll-back', async () =>
      noteWaiting(
        deps,
        order,
        await (handle === null ? rollBackOnce(deps, order, true) : checkAccepted(deps, order, handle)),
      ),
    );
    if (answer.kind !== 'in_progress' && answer.kind !== 'later' && answer.kind !== 'busy')
      return mitigationEndOf(answer, order);
    watched = answer.kind === 'in_progress' ? answer.watched : undefined;
  }
  return {
    outcome: 'gave_up',
    page: 'again',
    text:
      watched === undefined
        ? 'The CD system accepted the rollback but did not finish it within an hour'
        : `The CD system accepted the rollback, but its end was not seen within an hour. Firebreak repeats no request: ${watched}`,
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
        outcome: code === 'superseded' || code === 'already_done' ? 'superseded' : 'withheld',
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
 * Makes one attempt at a rollback. Without a person's approval, judges again, because the decision may be minutes old. Then
 * reads the guards, strongly consistent, directly before the intent and the call. Withholds the rollback if a guard applies
 * or can't be read. One that the target has accepted is only read then.
 */
async function rollBackOnce(deps: Deps, order: RollbackOrder, isAccepted = false): Promise<RollbackAttempt> {
  const [{ services }, action, earlier, decision, read, around] = await Promise.all([
    deps.config.current(),
    actionOf(deps, order),
    deps.effects.get(order.incidentId, order.key),
    deps.decisions.get(order.incidentId, order.number),
    deps.incidents.read(order.incidentId),
    // Unless a person agreed, the incident is judged again: what that needs is read together with the rest.
    order.about && order.requester !== 'person' && !order.approved ? readAround(deps, order.about) : undefined,
  ]);
  const entry = environmentEntry(services, order);
  if (entry === undefined || action === undefined)
    return isAccepted
      ? { kind: 'later', detail: NO_DEPLOYER, afterSeconds: null }
      : { kind: 'withheld', reason: { code: 'no_deployer', text: NO_DEPLOYER } };
  // The run before this one may have died after the rollback.
  if (earlier?.state === 'succeeded') return { kind: 'succeeded', id: null };
  const tried = earlier !== undefined;
  const agreement = agreementOf(order, decision);
  const automatic = agreement === 'none';
  // After an earlier attempt, measurements may already show the effect of that attempt.
  const judged = !automatic || tried ? undefined : await judgeAgain(deps, read, order, around);
  const signals =
    automatic && (around?.signals ?? (await deps.incidents.signals(order.incidentId, { limit: 200 })).items);
  const intent = await deps.effects.intendAction(
    order.incidentId,
    { key: order.key, ...action.effect },
    {
      serviceEnvironment: { service: order.service, environment: order.environment },
      resource: action.resource,
      automatic,
      ...(signals && { senders: sendersOfCause(signals) }),
      isProposed: order.requester !== 'person',
    },
    async () => {
      const { deployer, autoRollback } = entry;
      const known = { deployer, configured: autoRollback.mode, tried, agreement, judged, ...decidedIn(decision) };
      const reason = whyStopped('call', await guardInputs(deps, order, known));
      return reason && tried && !isAccepted && earlier.state !== 'accepted'
        ? { ...reason, text: `${reason.text}; an earlier attempt may have been accepted, so check the CD system` }
        : reason;
    },
  );
  // The answer to an earlier attempt may be lost, and no further attempt is allowed: a look at the target still is.
  const result = !intent.ok && tried ? await readResult(deps, order) : 'unknown';
  if (result === 'holds') return { kind: 'succeeded', id: null };
  if (!intent.ok && (isAccepted || earlier?.state === 'accepted') && !isOutcome(intent.reason)) {
    if (result === 'unknown') await pageUnread(deps, order, intent.reason);
    return watch(deps, order, { kind: 'in_progress', id: null, handle: null }, intent.reason);
  }
  if (!intent.ok) return { kind: 'withheld', reason: intent.reason };
  // Another action that held the lock until now may have done it.
  const text = tried ? null : await doneMeanwhile(deps, order);
  if (text !== null) return { kind: 'withheld', reason: { code: 'already_done', text } };
  return action.call();
}

/** Returns what another action, a person, or another system has done since the decision, in words. Null: it is not done. */
async function doneMeanwhile(deps: Deps, order: RollbackOrder): Promise<string | null> {
  const [incident, changes] = await Promise.all([
    deps.incidents.read(order.incidentId),
    order.flag === undefined ? deps.changes.recent(order, 50) : [],
  ]);
  return doneText(deps, order, incident, changes);
}

/** @param changes the newest of the service; not needed for a flag */
async function doneText(
  deps: Deps,
  { key, service, flag, from, fromCommit, to, toCommit, environment }: RollbackOrder,
  incident: IncidentRecord | undefined,
  changes: readonly Change[],
): Promise<string | null> {
  if (flag !== undefined)
    return incident === undefined
      ? null
      : flagDoneAround(deps, incident, { flag, on: false, at: { service, environment } }, key);
  const newer = newerLiveChange(changes, currentVersion(changes, from, fromCommit));
  const byName = restoresByRevert(await deployerConfigAt(deps, { service, environment }));
  return newer?.kind === 'rollback' && bringsVersion(newer, currentVersion(changes, to, toCommit), { byName })
    ? `${from} of ${service} was rolled back to ${to} already`
    : null;
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
        call: () => callDeployer(deployer, rollbackCallOf(order)),
      }
    );
  }
  const config = environmentEntry((await deps.config.current()).services, order)?.flags;
  const flags = config && (await deps.targets.flagsFor(config, order));
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

const rollbackCallOf = (order: RollbackOrder): RollbackCall => ({
  service: order.service,
  environment: order.environment,
  from: order.fromName ?? order.from,
  to: order.toName ?? order.to,
  fromCommit: order.fromCommit,
  toCommit: order.toCommit,
  incident: order.incidentId,
  reason: order.reason,
  key: order.key,
});

/** Requests a rollback, unless the target could not tell what to restore. */
export async function callDeployer(deployer: Deployer, call: RollbackCall): Promise<TargetResponse> {
  const why = whyIndistinct(call);
  return why === undefined ? deployer.rollBack(call) : { kind: 'refused', detail: why };
}

/** Returns the deployer of a service and environment. Undefined: none is configured, or its configuration is incomplete. */
export async function deployerAt(
  deps: Pick<Deps, 'config' | 'targets'>,
  serviceEnvironment: ServiceEnvironment,
): Promise<Deployer | undefined> {
  const config = await deployerConfigAt(deps, serviceEnvironment);
  return config && deps.targets.deployerFor(config, serviceEnvironment);
}

const deployerConfigAt = async (
  { config }: Pick<Deps, 'config'>,
  serviceEnvironment: ServiceEnvironment,
): Promise<DeployerConfig | undefined> =>
  environmentEntry((await config.current()).services, serviceEnvironment)?.deployer;

/** What is known of the guards' inputs before they are read. */
type KnownOfGuards = {
  deployer: DeployerConfig | undefined;
  configured: Mode;
  tried: boolean;
  agreement: Agreement;
  judged: Decision | undefined;
  decidedAt: DecisionView['at'] | undefined;
  movedWasSaid: boolean;
};

const decidedIn = (decision: DecisionView | undefined): Pick<KnownOfGuards, 'decidedAt' | 'movedWasSaid'> => ({
  decidedAt: decision?.at,
  movedWasSaid: decision !== undefined && saysNameMoved(decision),
});

/** Reads the inputs of the guards directly before the call. */
async function guardInputs(
  deps: Deps,
  order: RollbackOrder,
  { deployer, configured, tried, agreement, judged, decidedAt, movedWasSaid }: KnownOfGuards,
): Promise<Known['call']> {
  const { incidentId, key, service, environment, fromCommit, toCommit, approved, flag } = order;
  const [{ services }, incident, { killSwitch, automation }, pins, changes] = await Promise.all([
    deps.config.current(),
    deps.incidents.read(incidentId),
    readAutomation(deps),
    deps.pins.of(order),
    flag === undefined ? deps.changes.recent(order, 50) : [],
  ]);
  const from = currentVersion(changes, order.from, fromCommit);
  const to = currentVersion(changes, order.to, toCommit);
  // A newer version does not change a flag.
  const newer = flag === undefined ? newerLiveChange(changes, from) : undefined;
  // The job of a rollback can report the commit of its own run, or of a revert.
  const byName = restoresByRevert(deployer) || isOtherNameThan(from, nameOf({ version: to }));
  const parentId = incident?.parent_id;
  const parent = parentId === undefined ? undefined : await deps.incidents.read(parentId);
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
    one_of_many: incident !== undefined && isOneOfMany(incident, parent) && parent?.group_rollback?.key !== key,
    guard: killSwitch,
    modes: [configured, ...modesFor(automation, order, services)],
    demoted_services: Object.hasOwn(automation.demoted, service) ? [service] : [],
    clearing: clearingOfVersion(clearedByPeople(incident?.cleared), { service, version: from }, changes),
    decided_at: decidedAt,
    pinned: pinnedVersions(pins, changes),
    moved: whyNameUnclear(changes, to, { namesOnly: knowsNamesOnly(deployer) }),
    moved_was_said: movedWasSaid,
    done: tried ? null : await doneText(deps, order, incident, changes),
    newer,
    newer_restores: newer !== undefined && bringsVersion(newer, to, { byName }),
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
async function judgeAgain(
  deps: Deps,
  incident: IncidentRecord | undefined,
  { requester }: RollbackOrder,
  around: Around | undefined,
): Promise<Decision | undefined> {
  if (incident === undefined || incident.status === 'resolved') return undefined;
  return judgeNow(deps, incident, { by: requester, name: '' }, around);
}

/**
 * Reports once that the rollback is waiting for a person: on the timeline, which also appears in the channel, and by a
 * page if there was none yet.
 */
async function noteWaiting(deps: Deps, order: RollbackOrder, answer: RollbackAttempt): Promise<RollbackAttempt> {
  if (answer.kind !== 'in_progress' || answer.waitsFor === undefined) return answer;
  const { incidentId: id, key, from, to } = order;
  if (answer.watched === undefined && (await deps.effects.get(id, key))?.state === 'accepted') return answer;
  const text = `The rollback from ${from} to ${to} is waiting for a person: ${answer.waitsFor}`;
  await deps.incidents.post(id, { kind: 'page', by: 'firebreak', note: text }, {}, `${key}-waits`);
  await wake(deps, id);
  await deps.effects.conclude(id, key, 'accepted', text);
  return answer;
}

/** Adds to the timeline, once, that the target gives no usable answer: people who wait for the rollback can do it by hand. */
async function noteUnanswered(
  { clock, incidents }: Pick<Deps, 'clock' | 'incidents'>,
  { incidentId: id, key, flag }: RollbackOrder,
  attempt: number,
  answer: RollbackAttempt,
): Promise<RollbackAttempt> {
  if (attempt + 1 !== NOTED_ATTEMPT || answer.kind !== 'later') return answer;
  const system = flag === undefined ? 'the CD system' : 'the flag system';
  await incidents.note(id, `${key}-unanswered`, {
    at: clock.now(),
    actor: 'firebreak',
    kind: 'rollback.unanswered',
    text: `No usable answer from ${system} in ${NOTED_ATTEMPT} attempts: ${answer.detail}. Firebreak tries again for up to an hour`,
    detail: null,
  });
  return answer;
}

/** Checks an accepted rollback by its status, which is read while a guard applies as well, or else by the running version. */
async function checkAccepted(deps: Deps, order: RollbackOrder, handle: string): Promise<RollbackAttempt> {
  const answer = await checkRollback(deps, order, handle);
  if (answer.kind !== 'in_progress' && answer.kind !== 'later') return answer;
  const [{ services }, decision] = await Promise.all([
    deps.config.current(),
    deps.decisions.get(order.incidentId, order.number),
  ]);
  const entry = environmentEntry(services, order);
  if (entry === undefined) return answer;
  const agreement = agreementOf(order, decision);
  const known = {
    deployer: entry.deployer,
    configured: entry.autoRollback.mode,
    tried: true,
    agreement,
    judged: undefined,
    ...decidedIn(decision),
  };
  const reason = whyStopped('call', await guardInputs(deps, order, known));
  if (reason === undefined || isOutcome(reason)) return answer;
  if (answer.kind === 'in_progress') return watch(deps, order, answer, reason);
  const result = await readResult(deps, order);
  if (result === 'holds') return { kind: 'succeeded', id: null };
  if (result === 'unknown') await pageUnread(deps, order, reason);
  return watch(deps, order, { kind: 'in_progress', id: null, handle }, reason);
}

/** Returns whether a guard's reason says what has become of a rollback, so that there is nothing left to follow. */
const isOutcome = ({ code }: Reason): boolean => code === 'superseded' || code === 'already_done';

/** Says once that an accepted rollback is only followed while a guard applies. It stays accepted. */
async function watch(
  deps: Deps,
  order: RollbackOrder,
  answer: Extract<TargetResponse, { kind: 'in_progress' }>,
  { text: because }: Reason,
): Promise<RollbackAttempt> {
  const { incidentId: id, key } = order;
  const text = `${actWords(order)} was accepted, and is in progress. Firebreak does not repeat the request, and only follows it to its end: ${because}`;
  const effect = await deps.effects.get(id, key);
  if (effect?.state !== 'accepted') await deps.effects.conclude(id, key, 'accepted', text);
  else if (!effect.detail.startsWith(text))
    await deps.incidents.note(id, `${key}-watched`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'roll-back.accepted',
      text,
      detail: { key },
    });
  return { ...answer, watched: because };
}

/** Pages once about an accepted rollback whose end only a person can see, because a guard applies and nothing can be read. */
async function pageUnread(deps: Deps, order: RollbackOrder, { text: because }: Reason): Promise<void> {
  const { incidentId: id, key } = order;
  const note = `${actWords(order)} was accepted, but Firebreak cannot read whether it is done: neither its status nor what runs. Check the CD system. The request is not repeated: ${because}`;
  await deps.incidents.post(id, { kind: 'page', by: 'rollback', note }, {}, `${key}-unread`);
  await wake(deps, id);
}

const actWords = ({ from, to, flag }: RollbackOrder): string =>
  flag === undefined ? `The rollback from ${from} to ${to}` : `Turning off feature flag ${flag}`;

/** Checks the status of an accepted rollback. */
async function checkRollback(deps: Deps, order: RollbackOrder, handle: string): Promise<TargetResponse> {
  const deployer = await deployerAt(deps, order);
  if (deployer === undefined) return { kind: 'later', detail: NO_DEPLOYER, afterSeconds: null };
  return deployer.status(handle, rollbackCallOf(order));
}

const NO_DEPLOYER =
  'no deployer is configured for this service and environment, or its url and CD_URL are both missing';

/** Reads whether the target runs the version of the rollback, or the flag is off. `unknown`: it cannot be read. */
async function readResult(deps: Deps, order: RollbackOrder): Promise<DriftCheck['kind']> {
  if (order.flag !== undefined) {
    const config = environmentEntry((await deps.config.current()).services, order)?.flags;
    const state = config && (await (await deps.targets.flagsFor(config, order))?.read(order.flag));
    if (state?.kind !== 'state') return 'unknown';
    return state.on ? 'drifted' : 'holds';
  }
  const deployer = await deployerAt(deps, order);
  return (await deployer?.checkDrift?.(rollbackCallOf(order)))?.kind ?? 'unknown';
}

/**
 * Returns what has undone a rollback. Null: nothing has, or the target does not report it. A newer version that was deployed
 * since undoes nothing.
 */
export async function driftOf(deps: Deps, order: RollbackOrder): Promise<string | null> {
  const deployer = await deployerAt(deps, order);
  const held = await deployer?.checkDrift?.(rollbackCallOf(order));
  if (held?.kind !== 'drifted') return null;
  const changes = await deps.changes.recent(order, 50);
  const [from, to] = [
    currentVersion(changes, order.from, order.fromCommit),
    currentVersion(changes, order.to, order.toCommit),
  ];
  const newer = newerLiveChange(changes, to);
  const byName = newer?.kind === 'rollback' && restoresByRevert(await deployerConfigAt(deps, order));
  const isNone = newer === undefined || newer.version === from || bringsVersion(newer, to, { byName });
  return isNone ? held.detail : null;
}

/** Returns the reason that the CD system shows, at most 500 characters. */
export const reasonFor = ({ reasons }: Pick<DecisionView, 'reasons'>, title: string): string =>
  truncated(`${title}: ${reasons.map(({ text }) => text).join('; ')}`, 500);
