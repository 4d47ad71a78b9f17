import type { Deps } from '../../core/domain/ports/deps.ts';
import type { JudgementRequest } from '../../core/domain/incidents/response.ts';
import { LOOKS_SECONDS, whyJudgedAgain } from '../../core/domain/rollback/later-proof.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { judgeNow } from './judge-incident.ts';
import { requestJudgement } from './late-changes.ts';
import { withdrawQuestion } from './withdraw-questions.ts';

type Question = { incidentId: IncidentId; number: number; request: JudgementRequest };

/**
 * Judges anew while a question waits. If the suspect is proved, or a question about another service does not hold any more, withdraws the
 * question and requests another judgement, which decides with all guards.
 */
export async function lookForProof(run: Run, question: Question, deps: Deps): Promise<void> {
  for (const [n, seconds] of LOOKS_SECONDS.entries()) {
    await run.wait('await-proof', { seconds: seconds - (LOOKS_SECONDS[n - 1] ?? 0) });
    const look = await run.step('look-for-proof', () => lookOnce(deps, question));
    if (look.kind === 'over') return;
    if (look.kind === 'proved') {
      await run.step('act-on-proof', () => judgeAgain(deps, question, look.proof));
      return;
    }
  }
}

/** `over`: the question is answered, or the incident is resolved. `proved`: it is judged again; `proof` says why. */
type Look = { kind: 'over' } | { kind: 'unproved' } | { kind: 'proved'; proof: string };

async function lookOnce(deps: Deps, { incidentId: id, number, request }: Question): Promise<Look> {
  const [incident, decision] = await Promise.all([deps.incidents.read(id), deps.decisions.get(id, number)]);
  if (incident === undefined || incident.status === 'resolved' || decision?.state !== 'waiting')
    return { kind: 'over' };
  const proof = whyJudgedAgain(decision, await judgeNow(deps, incident, request), incident);
  return proof === null ? { kind: 'unproved' } : { kind: 'proved', proof };
}

/** Withdraws the question and requests another judgement, unless a person has answered meanwhile. Safe to repeat. */
async function judgeAgain(deps: Deps, { incidentId: id, number }: Question, proof: string): Promise<null> {
  const waiting = await deps.decisions.get(id, number);
  if (waiting?.state === 'waiting')
    await withdrawQuestion(deps, id, waiting, {
      by: ACTOR,
      because: `${proof}; the incident is judged again`,
    });
  const asked = await deps.decisions.get(id, number);
  if (asked?.state !== 'withdrawn' || asked.answered_by !== ACTOR) return null;
  await requestJudgement(deps, id, number, []);
  await wake(deps, id);
  return null;
}

const ACTOR = 'firebreak';
