import { isBurnWarning } from '../../core/domain/incidents/burn-warning.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { InboxContent } from '../../core/domain/ports/incidents.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { completeAnsweredCallback } from '../wake.ts';

/**
 * Reads the inbox from `after` on, after registering `callback`. Completes the callbacks of answers found there:
 * the process that left the answer may have died before doing so, and the sweeper ignores messages that were read.
 */
export async function readInbox(
  { incidents, decisions, engine }: Pick<Deps, 'incidents' | 'decisions' | 'engine'>,
  id: IncidentId,
  after: number,
  callback: string | null,
  mitigated: boolean,
): Promise<InboxContent> {
  const content = await incidents.readInbox(id, after, callback);
  const titles = mitigated && content.firing > 0 ? await slowBurnTitles({ incidents }, id) : [];
  const inbox: InboxContent = {
    ...content,
    ...(titles.length > 0 && { warnings: { count: titles.length, titles: [...new Set(titles)].slice(0, 3) } }),
  };
  const isAnswered = inbox.messages.some(({ message }) => message.kind === 'answered');
  const mayBeOver = inbox.messages.some(({ message }) => mayEndProblem(message));
  if (!isAnswered && !mayBeOver) return inbox;
  const incident = await incidents.read(id);
  if (incident !== undefined && isAnswered) await completeAnsweredCallback({ decisions, engine }, incident);
  // The page of its group names the members that still fail.
  const parent = incident?.parent_id !== undefined && mayBeOver ? await incidents.read(incident.parent_id) : undefined;
  const waiting = parent?.group_reason?.because === 'shared_dependency' ? parent.callbacks['inbox'] : undefined;
  if (waiting !== undefined) await engine.completeCallback(waiting);
  return inbox;
}

/** Returns whether the problem of an incident that stays open can be over with a message. */
const mayEndProblem = (message: Message): boolean =>
  message.kind === 'recovered' ||
  message.kind === 'verification' ||
  (message.kind === 'signals' && message.resolved > 0);

/** Returns the titles of firing slow-burn warnings, which reflect the failure for hours after a mitigation. */
export const slowBurnTitles = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<string[]> =>
  (await incidents.firingEpisodes(id)).filter(isBurnWarning).map(({ title }) => title);
