import type { Deps } from '../../domain/ports.ts';
import { ChangeId, type IncidentId } from '../../schemas/names.ts';
import { Refusal } from '../api/problem.ts';
import { answerDecision } from './answer.ts';
import { note } from './incidents.ts';
import { view } from './incident-view.ts';
import { markWrong } from './mark-wrong.ts';
import type { Who } from './who.ts';

type CauseDeps = Pick<Deps, 'automation' | 'incidents' | 'decisions' | 'changes' | 'clock' | 'engine'>;

/**
 * A person says that a change was not the cause. A question whether to take it back is answered with no; what was done
 * about it already counts as wrong; else it is on the timeline, for whoever looks for the cause.
 *
 * @throws Refusal 403, 404
 */
export async function notTheDeploy(
  deps: CauseDeps,
  who: Who,
  { id, change, key }: { id: IncidentId; change: string; key: string },
): Promise<'rejected' | 'marked_wrong' | 'noted'> {
  const incident = await view(deps, id);
  who.allow('incidents:act', incident);
  const version = await versionOf(deps, change);
  const words = `${version ?? change} was not the cause`;
  const about = incident.decisions.findLast(
    ({ question, from_version, state }) =>
      question === undefined && from_version === version && state !== 'final' && state !== 'expired',
  );
  if (about?.state === 'rejected') return 'rejected';
  if (about?.state === 'waiting') {
    await answerDecision(deps, who, { id, digest: about.digest, answer: 'rejected', note: words });
    return 'rejected';
  }
  try {
    await markWrong(deps, who, { id, note: words });
    return 'marked_wrong';
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'nothing-to-mark') throw error;
  }
  await note(deps, who, { id, key, text: words, kind: 'note.cause', detail: { change } });
  return 'noted';
}

async function versionOf({ changes }: Pick<Deps, 'changes'>, id: string): Promise<string | undefined> {
  const known = ChangeId.safeParse(id);
  return known.success ? (await changes.get(known.data))?.version : undefined;
}
