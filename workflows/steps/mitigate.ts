import { commitForDeployer, restoresByRevert } from '../../core/domain/changes/deploy-repository.ts';
import { environmentEntry } from '../../core/domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { RollbackEnd } from '../../core/domain/ports/decisions.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { JudgementRequest, Plan } from '../../core/domain/incidents/response.ts';
import type { MitigationOutcome } from '../../schemas/incidents/inbox.ts';
import type { DecisionState, DecisionView, IncidentRecord } from '../../schemas/incidents/incident.ts';
import { type IncidentId, Version } from '../../schemas/config/names.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import { clearedByPeople } from '../../core/domain/changes/cleared-suspects.ts';
import { isPolicy } from '../../core/domain/rollback/apply-guards.ts';
import { asksByModeAlone } from '../../core/domain/rollback/judgement.ts';
import { isJudgedWhileWaiting } from '../../core/domain/rollback/later-proof.ts';
import { numberOf } from '../../core/domain/rollback/question-names.ts';
import { saysNameMoved } from '../../core/domain/rollback/reasons.ts';
import { ROLL_BACK, setsFlag } from '../../core/domain/rollback/same-act.ts';
import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import { weighed } from '../../core/domain/rollback/rollback.ts';
import { secondsOfWait, WAITS_MAX } from '../../core/domain/rollback/wait.ts';
import { looksUnasked } from '../../core/domain/look/may-look.ts';
import { isCalled, newestReportedBy } from '../../core/domain/changes/identified-versions.ts';
import { newestLiveChange } from '../../core/domain/changes/versions.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { type Activity, activityOf } from '../activity.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import type { IncidentKey } from './failing.ts';
import { answerSeconds, judgeIncident, type Judged } from './judge-incident.ts';
import { closeIfDone, closeQuestionsDone, type DoneAct } from './close-questions.ts';
import { joinGroup } from './incident-group.ts';
import { readName } from './incident-name.ts';
import { removeAllInstances, testVersions } from './look/look.ts';
import { lookForProof } from './look-for-proof.ts';
import { noteDependencies } from './problem-known.ts';
import { hasExpiredUnseen, pageForQuestion, type Question, waitForAnswer } from './question-pages.ts';
import {
  deployerAt,
  followRollback,
  type MitigationEnd,
  reasonFor,
  rollbackKey,
  type RollbackOrder,
} from './roll-back.ts';
import { concludeVerification, passedOfWindow, verifyOnce, verifyRedeploy, verifyRunbook } from './verify.ts';
import { awaitVerdict } from './watch-health.ts';
import { laterStart, onsetWords } from '../../core/domain/incidents/new-onset.ts';
import { withdrawQuestion, withdrawQuestionsAbout } from './withdraw-questions.ts';

/** `about`: what is known of the incident before it is read. */
type MitigateInput = { incidentId: IncidentId; number: number; request: JudgementRequest; about: IncidentKey };

/** Judges, and acts, asks for approval, or records why neither; then verifies whether a rollback helped. */
export async function mitigate(
  run: Run,
  { incidentId, number, request, about }: MitigateInput,
  deps: Deps,
  activity: Activity = activityOf(),
): Promise<MitigationOutcome> {
  const judged = await run.step('judge', () => summaryOf(deps, incidentId, number, request, about));
  if (judged === null) return 'not_taken'; // the incident is resolved, and reads no message
  // Of other decisions, a question or the end of the mitigation informs the incident at once. The rollback does not wait.
  const informed =
    judged.kind === 'roll_back'
      ? Promise.resolve(run.step('outdate-page', () => outdatePage(deps, incidentId, number)))
      : undefined;
  informed?.catch(() => undefined); // awaited below
  const looks: Promise<void>[] = [];
  const { end, executed } = await execute(run, { incidentId, number, request, about, activity, looks }, judged, deps);
  await informed;
  const passedSeconds = await run.step('conclude', () => conclude(deps, incidentId, number, executed, end));
  activity.rests();
  if (end.outcome === 'succeeded')
    await watch(run, { incidentId, number, passedSeconds: passedSeconds ?? 0 }, executed, deps);
  await Promise.all(looks);
  return end.outcome;
}

/**
 * Verifies at the end of the window. Before that, looks whether the problem is over and another one has begun, and whether
 * another system has undone the rollback.
 * `passedSeconds`: the part of the window that has passed in earlier runs of the workflow.
 */
async function watch(
  run: Run,
  { incidentId, number, passedSeconds }: Pick<MitigateInput, 'incidentId' | 'number'> & { passedSeconds: number },
  judged: DecisionSummary,
  deps: Deps,
): Promise<void> {
  const key = `verification-${number}`;
  const order = judged.holds ? orderOf(incidentId, number, judged) : null;
  const drifted = await awaitVerdict(run, { incidentId, mitigation: { number }, order, passedSeconds }, deps);
  if (drifted === null) await run.step('verify', () => verifyOnce(deps, incidentId, number, key));
  else {
    const text = `Not healthy: the rollback was undone: ${drifted}`;
    await run.step('conclude-drifted', () =>
      concludeVerification(deps, incidentId, number, { outcome: 'failed', text, drifted: true }, key),
    );
  }
}

/** Repeats a verification that did not pass. `run`: number of the workflow run, whose rounds start at 1 again. */
export async function verifyNow(
  context: Run,
  {
    incidentId,
    number,
    runbook,
    change,
    run,
    round,
  }: NonNullable<Plan['verify']> & { incidentId: IncidentId; run: number; round: number },
  deps: Deps,
): Promise<void> {
  await context.step('verify', () => {
    if (runbook !== null) return verifyRunbook(deps, incidentId, runbook, `-${run}-${round}`);
    if (change !== undefined) return verifyRedeploy(deps, incidentId, { number, change }, `-${run}-${round}`);
    return verifyOnce(deps, incidentId, number, `verification-${number}-${run}-${round}`);
  });
}

/** Summary of a decision, as it is checkpointed. */
type DecisionSummary = Pick<DecisionView, 'kind' | 'because' | 'from_version' | 'to_version'> & {
  reason: string;
  service: RollbackOrder['service'];
  environment: RollbackOrder['environment'];
  suspect: string | null;
  /** What the target calls the versions. Absent: the same. */
  fromName?: Version;
  toName?: Version;
  fromCommit: string | null;
  toCommit: string | null;
  /** The deployer restores a version by a new commit. Absent: it does not. */
  byRevert?: true;
  requester: JudgementRequest['by'];
  approvalSeconds: number;
  /** Action if the question is not answered in time. */
  onTimeout: 'withdraw' | 'page' | 'act';
  /** The approval chooses between several acts. Absent: there is one. */
  chooses?: true;
  /** Feature flag to turn off. Absent: a version is rolled back. */
  flag?: Version;
  /** The question is judged anew while it waits. Absent: it is not. */
  provable?: true;
  /** Automation tests the versions while the question waits. Absent: it does not. */
  tests?: true;
  /** The controlled look is on, so that instances of one can run. Absent: it is off. */
  has_look?: true;
  /** Another service than that of the incident is rolled back. Absent: it is the incident's. */
  isElsewhere?: true;
  /** Whether the target can report that a rollback still holds. */
  holds: boolean;
  settleSeconds: number;
  /** Seconds until the incident is judged again. Absent: the decision is none to wait. */
  waitSeconds?: number;
};

/** Lets the page show the decision. */
async function outdatePage(deps: Deps, id: IncidentId, number: number): Promise<void> {
  await deps.incidents.post(id, { kind: 'page_outdated' }, {}, `decided-${number}`);
  await wake(deps, id);
}

async function summaryOf(
  deps: Deps,
  id: IncidentId,
  number: number,
  request: JudgementRequest,
  about: IncidentKey,
): Promise<DecisionSummary | null> {
  const judged = await judgeIncident(deps, id, number, request, about);
  if (judged === null) return null;
  const { decision, inputs, incident } = judged;
  // The run began with an earlier problem, which was in no group.
  const later = laterStart(incident);
  if (incident.parent_id === undefined && later !== undefined) await joinGroup(deps, incident, later);
  if (decision.kind !== 'roll_back') await noteDependencies(deps, incident);
  if (inputs.request.by !== 'person') {
    await withdrawIfCleared(deps, id, decision);
    await withdrawEarlier(deps, incident);
  }
  await closeIfDone(deps, incident, decision);
  const { services } = await deps.config.current();
  const serviceEnvironment = decision.target ?? { service: incident.service, environment: incident.environment };
  const { onApprovalTimeout = 'withdraw', settleSeconds: seconds = 0 } =
    environmentEntry(services, serviceEnvironment)?.autoRollback ?? {};
  const target = inputs.targets.find((each) => each.service === serviceEnvironment.service);
  const recorded = (version: string | null) => target?.changes.findLast((change) => change.version === version);
  const { deployer: config } = environmentEntry(services, serviceEnvironment) ?? {};
  const atDeployer = (version: string | null) => newestReportedBy(target?.changes ?? [], version, config?.kind);
  const commitOf = (version: string | null): string | null => {
    const isReverted = restoresByRevert(config) && version === decision.from_version; // the commit of the revert runs
    const change = isReverted ? recorded(version) : atDeployer(version);
    return change === undefined ? null : commitForDeployer(change, config);
  };
  const deployer = await deployerAt(deps, serviceEnvironment);
  const chosen = decision.offers?.find(({ digest }) => digest === decision.chosen);
  const passedSeconds = secondsBetween(decision.at, deps.clock.now()) * deps.timeScale;
  return {
    kind: decision.kind,
    because: decision.because,
    from_version: decision.from_version,
    to_version: decision.to_version,
    reason: reasonFor(decision, incident.title),
    ...serviceEnvironment,
    suspect: chosen?.change_id ?? recorded(decision.from_version)?.id ?? null,
    ...targetNames(atDeployer(decision.from_version), atDeployer(decision.to_version)),
    fromCommit: commitOf(decision.from_version),
    toCommit: commitOf(decision.to_version),
    ...(restoresByRevert(config) && { byRevert: true as const }),
    requester: inputs.request.by,
    // The run before this one may have asked the question.
    approvalSeconds: Math.max(1, Math.round(answerSeconds(services, inputs, serviceEnvironment) - passedSeconds)),
    onTimeout: onApprovalTimeout === 'act' && !asksByModeAlone(decision) ? 'page' : onApprovalTimeout,
    ...(decision.offers && { chooses: true as const }),
    ...(chosen?.act === 'turn_off_flag' && { flag: chosen.from_version }),
    ...(isJudgedWhileWaiting(decision, inputs) && { provable: true as const }),
    ...(looksUnasked(decision, inputs) && { tests: true as const }),
    ...(target?.has_look && { has_look: true as const }),
    ...(serviceEnvironment.service !== incident.service && { isElsewhere: true as const }),
    holds: chosen?.act !== 'turn_off_flag' && deployer?.checkDrift !== undefined,
    settleSeconds: settleSeconds(judged, seconds),
    ...(decision.kind === 'wait' && { waitSeconds: secondsOfWait(decision) - passedSeconds }),
  };
}

/** Returns what the target calls the versions, if they are written otherwise. */
const targetNames = (
  from: Change | undefined,
  to: Change | undefined,
): Pick<DecisionSummary, 'fromName' | 'toName'> => ({
  ...(from?.reported_version !== undefined && { fromName: from.reported_version }),
  ...(to?.reported_version !== undefined && { toName: to.reported_version }),
});

/**
 * Withdraws a question about a suspect that a person cleared during the judgement, before the question existed. Both
 * sides write before they read, so at least one of them sees the other.
 */
async function withdrawIfCleared(deps: Deps, id: IncidentId, decision: DecisionView): Promise<void> {
  if (decision.state !== 'waiting') return;
  const cleared = clearedByPeople((await deps.incidents.read(id))?.cleared);
  for (const one of cleared) await withdrawQuestionsAbout(deps, { id, decisions: [decision] }, one);
}

/** Withdraws questions about an earlier problem: the decision about the one that began since takes their place. */
async function withdrawEarlier(deps: Deps, { id, new_onset: onset }: IncidentRecord): Promise<void> {
  if (onset === undefined) return;
  const { decisions = [] } = (await deps.incidents.view(id)) ?? {};
  const ended = decisions.filter(
    ({ id: decision, question, state }) =>
      question === undefined && state === 'waiting' && Number(numberOf(decision)) <= onset.judged,
  );
  const because =
    onset.after_change === undefined
      ? 'the problem that it was about is over'
      : `another problem began ${onsetWords(onset.after_change.name)}`;
  for (const decision of ended) await withdrawQuestion(deps, id, decision, { by: 'firebreak', because });
}

/**
 * Returns how many seconds an automatic rollback still waits for alerts of other failing services. No wait if metrics by
 * version prove the suspect, because other alerts would not change that, unless many services fail.
 */
function settleSeconds({ decision, inputs, alertReceivedAt: receivedAt }: Judged, seconds: number): number {
  const { suspects } = weighed(inputs);
  const proven =
    !inputs.one_of_many && suspects.some(({ version, proof }) => proof !== null && version === decision.from_version);
  if (decision.kind !== 'roll_back' || inputs.request.by === 'person' || proven) return 0;
  const passed = receivedAt === null ? 0 : Math.max(0, secondsBetween(receivedAt, inputs.evidence.at));
  return Math.max(0, Math.round(seconds - passed));
}

/** `looks`: branches that began while the question waits. They end by themselves, and nothing else waits for them. */
type Waiting = MitigateInput & { activity: Activity; looks: Promise<void>[] };

async function execute(
  run: Run,
  { incidentId, number, request, about, activity, looks }: Waiting,
  judged: DecisionSummary,
  deps: Deps,
): Promise<{ end: MitigationEnd; executed: DecisionSummary }> {
  const { kind, chooses, waitSeconds } = judged;
  if (waitSeconds !== undefined) {
    await run.wait('look-again', { seconds: waitSeconds });
    return { end: WAITED, executed: judged };
  }
  const isActionPossible = chooses === true || orderOf(incidentId, number, judged) !== null;
  if (!isActionPossible || (kind !== 'roll_back' && kind !== 'approve'))
    return { end: notTaken(judged, request), executed: judged };
  if (kind === 'approve') {
    const answer = await askPerson(run, { incidentId, number, request, about, activity, looks, ...judged }, deps);
    if (answer !== 'approved') return { end: unanswered(answer, judged.onTimeout), executed: judged };
  }
  const chosen = chooses
    ? await run.step('read-choice', () => summaryOf(deps, incidentId, number, request, about))
    : null;
  const executed = chosen ?? judged;
  const order = orderOf(incidentId, number, executed);
  if (order === null) return { end: notTaken(executed, request), executed };
  if (executed.isElsewhere === true && order.flag === undefined) {
    const other = await run.step('hand-to-incident', () => handToIncident(deps, order));
    if (other !== null) return { end: handed(other, executed), executed };
  }
  // People can approve while a look runs.
  if (executed.has_look === true) await endLooks(run, incidentId, deps);
  if (judged.settleSeconds > 0) await run.wait('settle', { seconds: judged.settleSeconds });
  return { end: await followRollback(run, { ...order, about }, deps), executed };
}

/** The next decision says what follows. */
const WAITED: MitigationEnd = { outcome: 'waited', page: 'no', text: 'Waited', again: true };

/** Attempts to remove the instances of looks before a rollback. They end by themselves; the rollback does not wait for that. */
const REMOVALS = 4;

async function endLooks(run: Run, id: IncidentId, deps: Deps): Promise<void> {
  for (let attempt = 0; attempt < REMOVALS; attempt += 1) {
    const { gone, seconds } = await run.step('end-looks', () => removeAllInstances(deps, id));
    if (gone) return;
    await run.wait('end-looks-again', { seconds });
  }
}

/**
 * Hands an approved rollback of another service to the open incident of that service, which then has it on its timeline, and
 * verifies it. A question of that incident about the same rollback counts as approved.
 *
 * @returns the name of that incident. Null: the service has none
 */
async function handToIncident(
  deps: Deps,
  { incidentId: id, number, key, service, environment, from, to }: RollbackOrder,
): Promise<string | null> {
  const other = await deps.incidents.openAt({ service, environment });
  if (other === undefined || other.id === id) return null;
  const decision = await deps.decisions.get(id, number);
  const by = decision?.answered_by ?? 'firebreak';
  const text = `Rollback from ${from} to ${to} approved in incident ${await readName(deps, id)}`;
  const asked = (await deps.incidents.view(other.id))?.decisions.find(
    ({ question, state, target, from_version, to_version }) =>
      question === undefined &&
      state === 'waiting' &&
      target?.service === service &&
      from_version === from &&
      to_version === to,
  );
  const answer = asked && (await deps.decisions.answer(other.id, asked.digest, 'approved', by, text));
  if (answer === 'taken' || answer === 'needs_another') {
    await wake(deps, other.id);
    return incidentName(other);
  }
  const detail = { from, to, incident: id };
  const change = {
    rollbackRequested: { from, to },
    timeline: { actor: by, kind: 'rollback.requested', text, detail },
  };
  const known = decision !== undefined && saysNameMoved(decision) ? { moved_known: true as const } : {};
  const message = { kind: 'rollback', by, note: text, from, to, ...known } as const;
  const isPosted = await deps.incidents.post(other.id, message, change, key);
  if (!isPosted) return null; // it was resolved in the meantime
  await wake(deps, other.id);
  return incidentName(other);
}

const handed = (other: string, { service }: DecisionSummary): MitigationEnd => ({
  outcome: 'not_taken',
  page: 'no',
  text: `Incident ${other} of ${service} rolls it back, and verifies that it helps`,
});

function unanswered(answer: DecisionState, onTimeout: DecisionSummary['onTimeout']): MitigationEnd {
  if (answer === 'withdrawn') return { outcome: 'withdrawn', page: 'no', text: 'The question was withdrawn' };
  if (answer === 'rejected') return { outcome: 'rejected', page: 'no', text: 'The rollback was rejected' };
  const text = 'Not rolled back: the approval request timed out and was withdrawn';
  return { outcome: 'expired', page: onTimeout === 'withdraw' ? 'no' : 'again', text };
}

/** Returns the order for the deployer. Null: there is nothing to roll back. */
function orderOf(incidentId: IncidentId, number: number, judged: DecisionSummary): RollbackOrder | null {
  const { flag, service, environment, fromName, toName, fromCommit, toCommit, requester, reason } = judged;
  const [from, to] = [flag ?? judged.from_version, flag ?? judged.to_version];
  if (from === null || to === null) return null;
  const approved = judged.kind === 'approve';
  const key = rollbackKey(incidentId, number);
  return {
    incidentId,
    number,
    key,
    service,
    environment,
    from,
    to,
    ...(flag === undefined ? { ...(fromName && { fromName }), ...(toName && { toName }) } : { flag }),
    fromCommit,
    toCommit,
    requester: requester,
    approved,
    reason,
  };
}

/** Records that nothing is done. Pages if an alert asked for a rollback and something other than the mode prevented it. */
function notTaken({ kind, because }: DecisionSummary, request: JudgementRequest): MitigationEnd {
  const byPolicy = kind === 'shadow' || isPolicy(because);
  // A mitigation that did not help has already paged.
  return request.by === 'none' || request.by === 'verification' || byPolicy
    ? { outcome: 'not_taken', page: 'no', text: `No rollback: ${because}` }
    : { outcome: 'not_taken', page: 'if_nobody', text: `No rollback; investigate by hand: ${because}` };
}

/** Pages for approval and waits for the answer to the question, which is stored in the table. */
async function askPerson(
  run: Run,
  {
    incidentId,
    number,
    activity,
    approvalSeconds,
    onTimeout,
    chooses,
    provable,
    tests,
    request,
    looks,
  }: DecisionSummary & Waiting,
  deps: Deps,
): Promise<DecisionState> {
  const note = chooses ? 'a question is waiting for an answer' : 'a rollback is waiting for approval';
  // The test decides within minutes whether there is a question at all: the one that follows it pages.
  if (!tests) await run.step('page-for-approval', () => pageForQuestion(deps, { incidentId, number }, note));
  const question = { incidentId, number, seconds: approvalSeconds };
  const standing = await waitForAnswer(run, { ...question, register: registerFor(question) }, deps, () => {
    if (tests)
      looks.push(
        run.childContext('look', (branch) => testVersions(branch, { incidentId, number, by: 'firebreak' }, deps)),
      );
    else if (provable)
      looks.push(
        run.childContext('look-for-proof', (branch) => lookForProof(branch, { incidentId, number, request }, deps)),
      );
    activity.rests();
  });
  activity.acts();
  if (standing !== 'waiting') return standing;
  return run.step('read-approval', () =>
    deps.decisions.expire(incidentId, number, onTimeout === 'act' ? 'approved' : 'expired'),
  );
}

const registerFor =
  ({ incidentId, number }: Question) =>
  (deps: Deps, callback: string): Promise<DecisionState> =>
    deps.decisions.await(incidentId, number, callback);

/** Maximum number of judgements, because measurements may fluctuate, besides those that wait. After that, a person is paged instead. */
const JUDGEMENTS_MAX = 3 + WAITS_MAX;

async function conclude(
  deps: Deps,
  id: IncidentId,
  number: number,
  judged: DecisionSummary,
  { outcome, page, text, runs: newVersion, again }: MitigationEnd,
): Promise<number | null> {
  const { from_version: from, to_version: to, suspect, service, environment } = judged;
  if (newVersion !== undefined) await recordRunningVersion(deps, { service, environment }, newVersion);
  const versionChange =
    outcome === 'succeeded' && from !== null && to !== null && suspect !== null
      ? {
          from,
          to,
          suspect: suspect as NonNullable<RollbackEnd['versionChange']>['suspect'],
          toCommit: judged.toCommit,
          ...(judged.byRevert && { byRevert: judged.byRevert }),
        }
      : null;
  const rejudged =
    again === true &&
    (outcome === 'waited' ? await isNewest(deps, id, number) : judged.requester === 'alert' && number < JUDGEMENTS_MAX);
  const unseen = outcome === 'expired' && (await hasExpiredUnseen(deps, { incidentId: id, number }));
  await deps.effects.concludeRollback(id, {
    key: rollbackKey(id, number),
    number,
    serviceEnvironment: { service, environment },
    outcome,
    page: unseen || (again && !rejudged && outcome !== 'waited') ? 'again' : page,
    ...(rejudged && { again: true }),
    text,
    versionChange,
  });
  if (outcome === 'succeeded') await closeAnswered(deps, id, judged);
  await wake(deps, id);
  return passedOfWindow(deps, id, { number });
}

/** Returns whether no other judgement has been made since, such as one that a person requested. */
const isNewest = async ({ incidents }: Deps, id: IncidentId, number: number): Promise<boolean> =>
  (await incidents.read(id))?.mitigations === number;

/** Closes the other questions that ask for what was done. */
async function closeAnswered(
  deps: Deps,
  id: IncidentId,
  { service, environment, flag, from_version: from, to_version: to }: DecisionSummary,
): Promise<void> {
  if (flag === undefined && from === null) return;
  const here = `incident ${await readName(deps, id)}`;
  const done: DoneAct =
    flag === undefined
      ? {
          act: { service, environment, does: ROLL_BACK },
          ...(from !== null && { from }),
          because: `${from} of ${service} was rolled back to ${to} in ${here}`,
        }
      : {
          act: { service, environment, does: setsFlag(flag, false) },
          because: `feature flag ${flag} was turned off in ${here}`,
        };
  await closeQuestionsDone(deps, done, id);
}

/** Records the version that runs according to the CD system, so that the next judgement starts from it. */
async function recordRunningVersion(
  deps: Deps,
  serviceEnvironment: ServiceEnvironment,
  current: string,
): Promise<void> {
  const version = Version.safeParse(current);
  if (!version.success) return;
  const live = newestLiveChange(await deps.changes.recent(serviceEnvironment, 50));
  // The CD system knows a branch by its name only, whatever its commit.
  if (live !== undefined && isCalled(live, version.data)) return;
  const author = 'reported by the CD system; not recorded before';
  await deps.changes.record({
    ...serviceEnvironment,
    version: version.data,
    kind: 'deploy',
    status: 'succeeded',
    author,
  });
}
