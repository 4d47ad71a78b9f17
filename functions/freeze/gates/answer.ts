import type { AuditEntry } from '../../../domain/freeze/ports.ts';
import type { Deps } from '../../../domain/ports.ts';
import { NOTES_MAX } from '../../../integrations/github/protection.ts';
import { plusSeconds, secondsBetween } from '../../../schemas/time.ts';
import type { WaitingGate } from '../../../schemas/waiting-gate.ts';
import { Deadline, pooled } from '../../evaluation/pool.ts';
import { type GateVerdict, isAllowed, isPinned, judge, type JudgeDeps } from './judge.ts';
import { approvedText, pinnedText, timedOutText, waitingText } from './words.ts';

/** A deployment that was forgotten must not go live days later, in the night in which a freeze happens to end. */
export const REJECT_AFTER_HOURS = 24;

/** GitHub has given up by then. */
const GIVEN_UP_SECONDS = 31 * 24 * 3600;

/** GitHub wants no more of one app at once. */
const AT_ONCE = 10;

/** Longer than it takes to get a token and to tell GitHub. */
const BUSY_SECONDS = 12;

/** What is not begun by then waits for the next minute: whoever calls has other things to do. */
const ROUND_MS = 15_000;

export type GateDeps = JudgeDeps & Pick<Deps, 'waitingGates' | 'audit' | 'log' | 'timeScale'>;

export type GateState = 'approved' | 'rejected' | 'waiting' | 'over';

/** Answers all that wait as it stands now: what was frozen may be free, and what was free may be frozen. */
export async function answerWaitingGates(deps: GateDeps): Promise<void> {
  const deadline = new Deadline(() => performance.now(), ROUND_MS);
  await pooled(await deps.waitingGates.all(), AT_ONCE, async (gate) => {
    if (deadline.left === 0) return;
    try {
      await answerGate(deps, gate);
    } catch (error) {
      deps.log.error('a waiting deployment could not be answered; it is tried again', {
        ...named(gate),
        error: String(error),
      });
    }
  });
}

/**
 * Tells GitHub how it stands: approved at once when it is allowed, rejected when it has waited too long, or for a version
 * known bad; else why it waits, whenever that has changed. Safe to repeat, and for several at the same time.
 */
export async function answerGate(deps: GateDeps, gate: WaitingGate): Promise<GateState> {
  if (isBusy(deps, gate)) return 'waiting';
  const waited = secondsBetween(gate.asked_at, deps.clock.now());
  if (waited > GIVEN_UP_SECONDS) return ended(deps, gate, 'over', 'GitHub has given up on it by now');
  const verdict = await judge(deps, gate);
  if (isAllowed(verdict)) return conclude(deps, gate, 'approved', approvedText(verdict));
  if (isPinned(verdict)) return conclude(deps, gate, 'rejected', pinnedText(verdict));
  const hours = (await deps.config.current()).freeze.gates?.rejectAfterHours ?? REJECT_AFTER_HOURS;
  const seconds = (hours * 3600) / deps.timeScale;
  if (waited >= seconds) return conclude(deps, gate, 'rejected', timedOutText(verdict, hours));
  return note(deps, gate, verdict, waitingText(verdict, plusSeconds(gate.asked_at, seconds)));
}

const isBusy = ({ clock }: GateDeps, { busy_until }: WaitingGate): boolean =>
  busy_until !== null && clock.now() < busy_until;

/** Whoever has it tells GitHub, and nobody else meanwhile. Undefined: somebody else has it. */
const claim = ({ waitingGates, clock }: GateDeps, gate: WaitingGate): Promise<WaitingGate | undefined> =>
  waitingGates.change({ ...gate, busy_until: plusSeconds(clock.now(), BUSY_SECONDS) });

/** The last word. */
async function conclude(
  deps: GateDeps,
  gate: WaitingGate,
  state: 'approved' | 'rejected',
  comment: string,
): Promise<GateState> {
  const mine = await claim(deps, gate);
  if (mine === undefined) return 'waiting';
  const told = await deps.gateKeeper.review(mine, { state, comment });
  if (told.kind === 'done') return ended(deps, mine, state, comment);
  if (told.kind === 'over') return ended(deps, mine, 'over', told.detail);
  return untold(deps, mine, told);
}

/** What keeps it, once for each change of that. */
async function note(deps: GateDeps, gate: WaitingGate, verdict: GateVerdict, comment: string): Promise<GateState> {
  const said = verdict
    .map(({ answer }) => answer.decision_id)
    .toSorted()
    .join(' ');
  if (gate.said === said || gate.notes >= NOTES_MAX) return 'waiting';
  // Counted before it is told: one too many would be refused, and look as if nobody waited any more.
  const mine = await claim(deps, { ...gate, said, notes: gate.notes + 1 });
  if (mine === undefined) return 'waiting';
  const told = await deps.gateKeeper.review(mine, { state: null, comment });
  if (told.kind === 'over') return ended(deps, mine, 'over', told.detail);
  if (told.kind !== 'done')
    return untold(deps, { ...mine, said: gate.said, notes: told.kind === 'unclear' ? mine.notes : gate.notes }, told);
  if (mine.notes === 1) await record(deps, mine, 'waiting', comment);
  await deps.waitingGates.change({ ...mine, busy_until: null });
  return 'waiting';
}

/** The next one tries again. */
async function untold(
  deps: GateDeps,
  gate: WaitingGate,
  { kind, detail }: { kind: string; detail: string },
): Promise<GateState> {
  const message = 'GitHub was not told of a waiting deployment; it is tried again';
  if (kind === 'refused') deps.log.error(message, { ...named(gate), detail });
  else deps.log.warn(message, { ...named(gate), detail });
  await deps.waitingGates.change({ ...gate, busy_until: null });
  return 'waiting';
}

async function ended(
  deps: GateDeps,
  gate: WaitingGate,
  state: Exclude<GateState, 'waiting'>,
  text: string,
): Promise<GateState> {
  await record(deps, gate, state, text);
  await deps.waitingGates.end(gate);
  deps.log.info('a waiting deployment was answered', { ...named(gate), state });
  return state;
}

/** On the sealed log. */
const record = ({ audit, clock }: GateDeps, gate: WaitingGate, state: GateState, text: string): Promise<void> =>
  audit.append([
    {
      id: `gate-${gate.id}-${state}`,
      at: clock.now(),
      actor: 'firebreak',
      kind: `gate.${state}`,
      subject: `github:${gate.repository}/${gate.environment}`,
      text: `${SAID[state]}: ${text}`,
      detail: { run: gate.run, deployment_id: gate.deployment_id, commit: gate.commit, asked_by: gate.asked_by },
    } satisfies AuditEntry,
  ]);

const SAID: Readonly<Record<GateState, string>> = {
  approved: 'GitHub was told to go on',
  rejected: 'GitHub was told to stop',
  waiting: 'GitHub was told to wait',
  over: 'It does not wait for Firebreak any more',
};

const named = ({ repository, environment, run, deployment_id }: WaitingGate) => ({
  repository,
  environment,
  run,
  deployment: deployment_id,
});
