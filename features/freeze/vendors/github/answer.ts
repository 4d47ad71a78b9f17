import type { AuditEntry } from '../../../../core/domain/ports/audit.ts';
import type { KeyState } from '../../../../core/domain/ports/extensions.ts';
import type { Deps } from '../../ports.ts';
import { NOTES_MAX } from './protection.ts';
import { plusSeconds, secondsBetween } from '../../../../schemas/time/time.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';
import { Deadline, pooled } from '../../../../core/domain/concurrency.ts';
import { type DeploymentVerdict, isAllowed, isPinned, judge, type JudgeDeps } from './judge.ts';
import { approvedText, pinnedText, timedOutText, waitingText } from './texts.ts';

/**
 * When a deployment that waits at GitHub is rejected by default. A forgotten one must not go live days later, when a
 * freeze ends.
 */
export const REJECT_AFTER_HOURS = 24;

/** After this time, GitHub itself has failed the waiting deployment. */
const GIVEN_UP_SECONDS = 31 * 24 * 3600;

/** How many deployments are answered in parallel, within GitHub's limit for one app. */
const AT_ONCE = 10;

/** How long a waiting deployment (`gate`) is claimed: longer than the calls to GitHub take, including getting a token. */
const BUSY_SECONDS = 30;

/**
 * The time limit of one round. The remaining deployments wait for the next minute, so that the caller is not blocked.
 */
const ROUND_MS = 15_000;

export type ProtectionDeps = JudgeDeps & Pick<Deps, 'waitingDeployments' | 'audit' | 'log' | 'timeScale'>;

/** `over`: GitHub no longer waits for an answer. */
export type ProtectionState = 'approved' | 'rejected' | 'waiting' | 'over';

/** Checks the freezes for all waiting deployments again, and sends changed answers to GitHub. */
export async function answerWaitingDeployments(deps: ProtectionDeps): Promise<void> {
  const deadline = new Deadline(() => performance.now(), ROUND_MS);
  await pooled(await deps.waitingDeployments.all(), AT_ONCE, async (gate) => {
    if (deadline.left === 0) return;
    try {
      await answerDeployment(deps, gate);
    } catch (error) {
      deps.log.error('a waiting deployment could not be answered; Firebreak tries again', {
        ...logFieldsOf(gate),
        error: String(error),
      });
    }
  });
}

/**
 * Sends the current answer for one deployment to GitHub. Approves it if it is allowed. Rejects it if its version is
 * known bad or if it has waited too long. Otherwise, reports why it waits, whenever the reason changes. Idempotent and
 * safe to run concurrently.
 */
export async function answerDeployment(deps: ProtectionDeps, gate: WaitingDeployment): Promise<ProtectionState> {
  if (isBusy(deps, gate)) return 'waiting';
  const waited = secondsBetween(gate.asked_at, deps.clock.now());
  if (waited > GIVEN_UP_SECONDS) return endWaiting(deps, gate, 'over', 'GitHub has stopped waiting for an answer');
  const verdict = await judge(deps, gate);
  if (isAllowed(verdict)) return conclude(deps, gate, 'approved', approvedText(verdict));
  if (isPinned(verdict)) return conclude(deps, gate, 'rejected', pinnedText(verdict));
  const hours = (await deps.config.current()).freeze.gates?.rejectAfterHours ?? REJECT_AFTER_HOURS;
  const seconds = (hours * 3600) / deps.timeScale;
  if (waited >= seconds) return conclude(deps, gate, 'rejected', timedOutText(verdict, hours));
  return reportWaiting(deps, gate, verdict, waitingText(verdict, plusSeconds(gate.asked_at, seconds)));
}

const isBusy = ({ clock }: ProtectionDeps, { busy_until }: WaitingDeployment): boolean =>
  busy_until !== null && clock.now() < busy_until;

/** Claims the gate, so that only one process reports to GitHub. Returns undefined if another process has it. */
const claim = (
  { waitingDeployments, clock }: ProtectionDeps,
  gate: WaitingDeployment,
): Promise<WaitingDeployment | undefined> =>
  waitingDeployments.change({ ...gate, busy_until: plusSeconds(clock.now(), BUSY_SECONDS) });

/** Sends the final answer to GitHub. */
async function conclude(
  deps: ProtectionDeps,
  gate: WaitingDeployment,
  state: 'approved' | 'rejected',
  comment: string,
): Promise<ProtectionState> {
  const claimed = await claim(deps, gate);
  if (claimed === undefined) return 'waiting';
  const response = await deps.deploymentProtection.review(claimed, { state, comment });
  if (response.kind === 'done') return endWaiting(deps, claimed, state, comment);
  if (response.kind === 'over') return endWaiting(deps, claimed, 'over', response.detail);
  return retryLater(deps, claimed, response);
}

/** Reports to GitHub why the deployment waits, once for each change of the reason. */
async function reportWaiting(
  deps: ProtectionDeps,
  gate: WaitingDeployment,
  verdict: DeploymentVerdict,
  comment: string,
): Promise<ProtectionState> {
  const shown = verdict
    .map(({ answer }) => answer.decision_id)
    .toSorted()
    .join(' ');
  if (gate.sent_decisions === shown || gate.notes >= NOTES_MAX) return 'waiting';
  // Count the note before it is sent: GitHub refuses one too many in the same way as one for an ended deployment.
  const claimed = await claim(deps, { ...gate, sent_decisions: shown, notes: gate.notes + 1 });
  if (claimed === undefined) return 'waiting';
  const response = await deps.deploymentProtection.review(claimed, { state: null, comment });
  if (response.kind === 'over') return endWaiting(deps, claimed, 'over', response.detail);
  if (response.kind !== 'done')
    return retryLater(
      deps,
      {
        ...claimed,
        sent_decisions: gate.sent_decisions,
        notes: response.kind === 'unclear' ? claimed.notes : gate.notes,
      },
      response,
    );
  if (claimed.notes === 1) await record(deps, claimed, 'waiting', comment);
  await deps.waitingDeployments.change({ ...claimed, busy_until: null, problem: null });
  return 'waiting';
}

/** Releases the gate after a failed report. The next round tries again. */
async function retryLater(
  deps: ProtectionDeps,
  gate: WaitingDeployment,
  { kind, detail }: { kind: string; detail: string },
): Promise<ProtectionState> {
  const message = 'the answer for a waiting deployment could not be sent to GitHub; Firebreak tries again';
  if (kind === 'refused') deps.log.error(message, { ...logFieldsOf(gate), detail });
  else deps.log.warn(message, { ...logFieldsOf(gate), detail });
  await deps.waitingDeployments.change({ ...gate, busy_until: null, problem: kind === 'refused' ? detail : null });
  return 'waiting';
}

/** Returns whether the answers for waiting deployments reach GitHub. */
export async function waitingDeploymentsState({
  waitingDeployments,
}: Pick<Deps, 'waitingDeployments'>): Promise<KeyState> {
  const all = await waitingDeployments.all();
  const [first, ...others] = all.filter(({ problem }) => problem !== null);
  if (first === undefined) return { state: 'set', detail: `${all.length} wait at GitHub` };
  const more = others.length === 0 ? '' : `; ${others.length} more`;
  return {
    state: 'wrong',
    detail: `the answer for run ${first.run} of ${first.repository} could not be sent: ${first.problem}${more}`,
  };
}

async function endWaiting(
  deps: ProtectionDeps,
  gate: WaitingDeployment,
  state: Exclude<ProtectionState, 'waiting'>,
  text: string,
): Promise<ProtectionState> {
  await record(deps, gate, state, text);
  await deps.waitingDeployments.end(gate);
  deps.log.info('a waiting deployment was answered', { ...logFieldsOf(gate), state });
  return state;
}

/** Appends an entry to the audit log. */
const record = (
  { audit, clock }: ProtectionDeps,
  gate: WaitingDeployment,
  state: ProtectionState,
  text: string,
): Promise<void> =>
  audit.append([
    {
      id: `gate-${gate.id}-${state}`,
      at: clock.now(),
      actor: 'firebreak',
      kind: `gate.${state}`,
      subject: `github:${gate.repository}/${gate.environment}`,
      text: `${AUDIT_TEXTS[state]}: ${text}`,
      detail: { run: gate.run, deployment_id: gate.deployment_id, commit: gate.commit, asked_by: gate.asked_by },
    } satisfies AuditEntry,
  ]);

const AUDIT_TEXTS: Readonly<Record<ProtectionState, string>> = {
  approved: 'Deployment approved at GitHub',
  rejected: 'Deployment rejected at GitHub',
  waiting: 'Deployment held back at GitHub',
  over: 'Deployment no longer waits for Firebreak',
};

const logFieldsOf = ({ repository, environment, run, deployment_id }: WaitingDeployment) => ({
  repository,
  environment,
  run,
  deployment: deployment_id,
});
