import { isBurnWarning } from '../../core/domain/incidents/burn-warning.ts';
import { isProblemOver } from '../../core/domain/incidents/group-now.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { InboxContent } from '../../core/domain/ports/incidents.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { completeAnsweredCallback, wakeGroup } from '../wake.ts';

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
  const isMitigated = inbox.messages.some(({ message }) => mitigates(message));
  if (!isAnswered && !mayBeOver && !isMitigated) return inbox;
  const incident = await incidents.read(id);
  if (incident !== undefined && isAnswered) await completeAnsweredCallback({ decisions, engine }, incident);
  // The page of its group names the members that still fail.
  if (incident !== undefined && (mayBeOver || (isMitigated && isProblemOver(incident))))
    await wakeGroup({ incidents, engine }, incident);
  return inbox;
}

/** Returns whether the problem of an incident that stays open can be over with a message. */
const mayEndProblem = (message: Message): boolean =>
  message.kind === 'recovered' ||
  message.kind === 'verification' ||
  (message.kind === 'signals' && message.resolved > 0);

/** Returns whether a message reports a mitigation, with which a problem is over if its alerts have ended. */
const mitigates = ({ kind }: Message): boolean => kind === 'mitigation' || kind === 'runbook' || kind === 'redeployed';

/** Returns the titles of firing slow-burn warnings, which reflect the failure for hours after a mitigation. */
export const slowBurnTitles = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<string[]> =>
  (await incidents.firingEpisodes(id)).filter(isBurnWarning).map(({ title }) => title);
