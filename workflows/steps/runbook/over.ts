import type { Deps } from '../../../domain/ports.ts';
import type { IncidentId } from '../../../schemas/names.ts';

/** Whether the incident has been closed: then nothing is waited for any more. */
export const isOver = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<boolean> =>
  (await incidents.read(id))?.status === 'resolved';
