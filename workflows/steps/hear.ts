import { isBurnWarning } from '../../domain/burn-warning.ts';
import type { Deps, Listened } from '../../domain/ports.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { ringAnswered } from '../wake.ts';

/**
 * Reads the inbox from `after` on, with `bell` hung before that. An answer found there is passed on to the branch that
 * waits for it: who left it may have died before ringing, and what has been read here the sweeper rings for no more.
 */
export async function hear(
  { incidents, decisions, engine }: Pick<Deps, 'incidents' | 'decisions' | 'engine'>,
  id: IncidentId,
  after: number,
  bell: string | null,
  mitigated: boolean,
): Promise<Listened> {
  const listened = await incidents.listen(id, after, bell);
  const titles = mitigated && listened.firing > 0 ? await warnings({ incidents }, id) : [];
  const heard: Listened = {
    ...listened,
    ...(titles.length > 0 && { warnings: { count: titles.length, titles: [...new Set(titles)].slice(0, 3) } }),
  };
  if (!heard.mail.some(({ message }) => message.kind === 'answered')) return heard;
  const incident = await incidents.read(id);
  if (incident !== undefined) await ringAnswered({ decisions, engine }, incident);
  return heard;
}

/** Titles of the alerts that warn of a slow burn, which is that of the failure before the mitigation for hours. */
export const warnings = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<string[]> =>
  (await incidents.firingEpisodes(id)).filter(isBurnWarning).map(({ title }) => title);
