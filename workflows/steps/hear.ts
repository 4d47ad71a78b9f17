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
): Promise<Listened> {
  const heard = await incidents.listen(id, after, bell);
  if (!heard.mail.some(({ message }) => message.kind === 'answered')) return heard;
  const incident = await incidents.read(id);
  if (incident !== undefined) await ringAnswered({ decisions, engine }, incident);
  return heard;
}
