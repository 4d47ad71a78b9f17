import { isBurnWarning } from '../../core/domain/incidents/burn-warning.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { InboxContent } from '../../core/domain/ports/incidents.ts';
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
  if (!inbox.messages.some(({ message }) => message.kind === 'answered')) return inbox;
  const incident = await incidents.read(id);
  if (incident !== undefined) await completeAnsweredCallback({ decisions, engine }, incident);
  return inbox;
}

/** Returns the titles of firing slow-burn warnings, which reflect the failure for hours after a mitigation. */
export const slowBurnTitles = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<string[]> =>
  (await incidents.firingEpisodes(id)).filter(isBurnWarning).map(({ title }) => title);
