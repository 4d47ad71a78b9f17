import type { Deps } from '../../../domain/ports/deps.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';

/** Returns whether the incident is closed, which ends all waits. */
export const isOver = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<boolean> =>
  (await incidents.read(id))?.status === 'resolved';
