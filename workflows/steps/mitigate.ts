import { commitForDeployer } from '../../domain/changes/deploy-repository.ts';
import { environmentEntry } from '../../domain/catalogue/catalogue.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { RollbackEnd } from '../../domain/ports/decisions.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { JudgementRequest } from '../../domain/incidents/response.ts';
import type { MitigationOutcome } from '../../schemas/incidents/inbox.ts';
import type { DecisionState, DecisionView } from '../../schemas/incidents/incident.ts';
import { type IncidentId, Version } from '../../schemas/config/names.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import { activeClearings } from '../../domain/changes/cleared-suspects.ts';
import { isPolicy } from '../../domain/rollback/guards.ts';
import { asksByModeAlone } from '../../domain/rollback/judgement.ts';
import { canBeProvedLater } from '../../domain/rollback/later-proof.ts';
import { weighed } from '../../domain/rollback/rollback.ts';
import { newestLiveChange } from '../../domain/changes/versions.ts';
import { type Activity, activityOf } from '../activity.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { answerSeconds, judge, type Judged } from './judge.ts';
import { lookForProof } from './look-for-proof.ts';
import {
  deployerAt,
  checkDrift,
  followRollback,
  type MitigationEnd,
  reasonFor,
  rollbackKey,
  type RollbackOrder,
} from './roll-back.ts';
import { concludeVerification, VERIFICATION_SECONDS, verifyOnce, verifyRunbook } from './verify.ts';
import { withdrawQuestionsAbout } from './withdraw-questions.ts';

type MitigateInput = { incidentId: IncidentId; number: number; request: JudgementRequest };

/** Pauses between checks whether a rollback still holds; their sum is the verification window. */
const HOLD_PAUSES_SECONDS = [60, 120, 240, 480] as const;

/** Judges, and acts, asks for approval, or records why neither; then verifies whether a rollback helped. */
export async function mitigate(
  run: Run,
  { incidentId, number, request }: MitigateInput,
  deps: Deps,
  activity: Activity = activityOf(),
): Promise<MitigationOutcome> {
  const judged = await run.step('judge', () => summaryOf(deps, incidentId, number, request));
  const looks: Promise<void>[] = [];
  const { end, executed } = await execute(run, { incidentId, number, request, activity, looks }, judged, deps);
  await run.step('conclude', () => conclude(deps, incidentId, number, executed, end));
  activity.rests();
  if (end.outcome === 'succeeded') await watch(run, { incidentId, number }, executed, deps);
  await Promise.all(looks);
  return end.outcome;
}

/** Verifies at the end of the window, and checks before that whether another system has undone the rollback. */
async function watch(
  run: Run,
  { incidentId, number }: Pick<MitigateInput, 'incidentId' | 'number'>,
  judged: DecisionSummary,
  deps: Deps,
): Promise<void> {
  const key = `verification-${number}`;
  const order = orderOf(incidentId, number, judged);
  if (!judged.holds || order === null) {
    await run.wait('verification-window', { seconds: VERIFICATION_SECONDS });
  } else {
    for (const seconds of HOLD_PAUSES_SECONDS) {
      await run.wait('verification-window', { seconds });
      const held = await run.step('check-held', () => checkDrift(deps, order));
      if (held.kind !== 'drifted') continue;
      const text = `Not healthy: the rollback was undone: ${held.detail}`;
      await run.step('conclude-drifted', () =>
        concludeVerification(deps, incidentId, number, { outcome: 'failed', text }, key),
      );
      return;
    }
  }
  await run.step('verify', () => verifyOnce(deps, incidentId, number, key));
}

/** Repeats a verification that did not pass. `run`: number of the workflow run, whose rounds start at 1 again. */
export async function verifyNow(
  context: Run,
  {
    incidentId,
    number,
    runbook,
    run,
    round,
  }: { incidentId: IncidentId; number: number; runbook: number | null; run: number; round: number },
  deps: Deps,
): Promise<void> {
  await context.step('verify', () =>
    runbook === null
      ? verifyOnce(deps, incidentId, number, `verification-${number}-${run}-${round}`)
      : verifyRunbook(deps, incidentId, runbook, `-${run}-${round}`),
  );
}

/** Summary of a decision, as it is checkpointed. */
type DecisionSummary = Pick<DecisionView, 'kind' | 'because' | 'from_version' | 'to_version'> & {
  reason: string;
  service: RollbackOrder['service'];
  environment: RollbackOrder['environment'];
  suspect: string | null;
  fromCommit: string | null;
  toCommit: string | null;
  requester: JudgementRequest['by'];
  approvalSeconds: number;
  /** Action if the question is not answered in time. */
  onTimeout: 'withdraw' | 'page' | 'act';
  /** The approval chooses between several acts. Absent: there is one. */
  chooses?: true;
  /** Feature flag to turn off. Absent: a version is rolled back. */
  flag?: Version;
  /** Metrics by version can prove the suspect while the question waits. Absent: they can't. */
  provable?: true;
  /** Whether the target can report that a rollback still holds. */
  holds: boolean;
  settleSeconds: number;
};

async function summaryOf(
  deps: Deps,
  id: IncidentId,
  number: number,
  request: JudgementRequest,
): Promise<DecisionSummary> {
  const judged = await judge(deps, id, number, request);
  const { decision, inputs, incident } = judged;
  if (inputs.request.by !== 'person') await withdrawIfCleared(deps, id, decision);
  const { services } = await deps.config.current();
  const serviceEnvironment = decision.target ?? { service: incident.service, environment: incident.environment };
  const { onApprovalTimeout = 'withdraw', settleSeconds: seconds = 0 } =
    environmentEntry(services, serviceEnvironment)?.autoRollback ?? {};
  const target = inputs.targets.find((each) => each.service === serviceEnvironment.service);
  const recorded = (version: string | null) => target?.changes.findLast((change) => change.version === version);
  const { deployer: config } = environmentEntry(services, serviceEnvironment) ?? {};
  const commitOf = (version: string | null): string | null => {
    const change = recorded(version);
    return change === undefined ? null : commitForDeployer(change, config);
  };
  const deployer = await deployerAt(deps, serviceEnvironment);
  const chosen = decision.offers?.find(({ digest }) => digest === decision.chosen);
  return {
    kind: decision.kind,
    because: decision.because,
    from_version: decision.from_version,
    to_version: decision.to_version,
    reason: reasonFor(decision, incident.title),
    ...serviceEnvironment,
    suspect: chosen?.change_id ?? recorded(decision.from_version)?.id ?? null,
    fromCommit: commitOf(decision.from_version),
    toCommit: commitOf(decision.to_version),
    requester: inputs.request.by,
    approvalSeconds: answerSeconds(services, inputs, serviceEnvironment),
    onTimeout: onApprovalTimeout === 'act' && !asksByModeAlone(decision) ? 'page' : onApprovalTimeout,
    ...(decision.offers && { chooses: true as const }),
    ...(chosen?.act === 'turn_off_flag' && { flag: chosen.from_version }),
    ...(canBeProvedLater(decision, inputs) && { provable: true as const }),
    holds: chosen?.act !== 'turn_off_flag' && deployer?.checkDrift !== undefined,
    settleSeconds: settleSeconds(judged, seconds),
  };
}

/**
 * Withdraws a question about a suspect that a person cleared during the judgement, before the question existed. Both
 * sides write before they read, so at least one of them sees the other.
 */
async function withdrawIfCleared(deps: Deps, id: IncidentId, decision: DecisionView): Promise<void> {
  if (decision.state !== 'waiting') return;
  const cleared = activeClearings((await deps.incidents.read(id))?.cleared);
  for (const one of cleared) await withdrawQuestionsAbout(deps, { id, decisions: [decision] }, one);
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
  { incidentId, number, request, activity, looks }: Waiting,
  judged: DecisionSummary,
  deps: Deps,
): Promise<{ end: MitigationEnd; executed: DecisionSummary }> {
  const { kind, chooses } = judged;
  const isActionPossible = chooses === true || orderOf(incidentId, number, judged) !== null;
  if (!isActionPossible || (kind !== 'roll_back' && kind !== 'approve'))
    return { end: notTaken(judged, request), executed: judged };
  if (kind === 'approve') {
    const answer = await askPerson(run, { incidentId, number, request, activity, looks, ...judged }, deps);
    if (answer !== 'approved') return { end: unanswered(answer, judged.onTimeout), executed: judged };
  }
  const executed = chooses ? await run.step('read-choice', () => summaryOf(deps, incidentId, number, request)) : judged;
  const order = orderOf(incidentId, number, executed);
  if (order === null) return { end: notTaken(executed, request), executed };
  if (judged.settleSeconds > 0) await run.wait('settle', { seconds: judged.settleSeconds });
  return { end: await followRollback(run, order, deps), executed };
}

function unanswered(answer: DecisionState, onTimeout: DecisionSummary['onTimeout']): MitigationEnd {
  if (answer === 'rejected') return { outcome: 'rejected', page: 'no', text: 'The rollback was rejected' };
  const text = 'Not rolled back: the approval request timed out and was withdrawn';
  return { outcome: 'expired', page: onTimeout === 'withdraw' ? 'no' : 'again', text };
}

/** Returns the order for the deployer. Null: there is nothing to roll back. */
function orderOf(incidentId: IncidentId, number: number, judged: DecisionSummary): RollbackOrder | null {
  const { flag, service, environment, fromCommit, toCommit, requester, reason } = judged;
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
    ...(flag !== undefined && { flag }),
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
    request,
    looks,
  }: DecisionSummary & Waiting,
  deps: Deps,
): Promise<DecisionState> {
  const note = chooses ? 'a choice between possible causes is waiting' : 'a rollback is waiting for approval';
  await run.step('page-for-approval', async () => {
    const message = { kind: 'page', by: 'firebreak', note } as const;
    await deps.incidents.post(incidentId, message, {}, `approval-${number}`);
    await wake(deps, incidentId);
    return null;
  });
  const callback = await run.createCallback('approval', { seconds: approvalSeconds });
  const standing = await run.step('request-approval', () => deps.decisions.await(incidentId, number, callback.id));
  if (standing !== 'waiting') return standing;
  if (provable)
    looks.push(
      run.childContext('look-for-proof', (branch) => lookForProof(branch, { incidentId, number, request }, deps)),
    );
  activity.rests();
  await callback.settled();
  activity.acts();
  return run.step('read-approval', () =>
    deps.decisions.expire(incidentId, number, onTimeout === 'act' ? 'approved' : 'expired'),
  );
}

/** Maximum number of judgements, because measurements may fluctuate. After that, a person is paged instead. */
const JUDGEMENTS_MAX = 6;

async function conclude(
  deps: Deps,
  id: IncidentId,
  number: number,
  judged: DecisionSummary,
  { outcome, page, text, runs: newVersion, again }: MitigationEnd,
): Promise<null> {
  const { from_version: from, to_version: to, suspect, service, environment } = judged;
  if (newVersion !== undefined) await recordRunningVersion(deps, { service, environment }, newVersion);
  const versionChange =
    outcome === 'succeeded' && from !== null && to !== null && suspect !== null
      ? { from, to, suspect: suspect as NonNullable<RollbackEnd['versionChange']>['suspect'] }
      : null;
  const rejudged = again === true && judged.requester === 'alert' && number < JUDGEMENTS_MAX;
  const closed = outcome === 'expired' && (await deps.incidents.read(id))?.status === 'resolved';
  const withdrawn = outcome === 'rejected' && (await deps.decisions.get(id, number))?.answered_by === 'firebreak';
  await deps.effects.concludeRollback(id, {
    key: rollbackKey(id, number),
    number,
    serviceEnvironment: { service, environment },
    outcome,
    page: again && !rejudged ? 'again' : page,
    ...(rejudged && { again: true }),
    text: closed
      ? 'Question withdrawn: the incident was closed'
      : withdrawn
        ? 'Question withdrawn: the incident is judged again'
        : text,
    versionChange,
  });
  await wake(deps, id);
  return null;
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
  if (live?.version === version.data) return;
  const author = 'reported by the CD system; not recorded before';
  await deps.changes.record({
    ...serviceEnvironment,
    version: version.data,
    kind: 'deploy',
    status: 'succeeded',
    author,
  });
}
