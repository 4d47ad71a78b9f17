import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { StepEnd } from '../../../schemas/runbooks/parts/runs.ts';

/** End of a step after the incident was closed. */
export const INCIDENT_CLOSED: StepEnd = {
  status: 'skipped',
  output: null,
  detail: 'the incident is closed',
  closed: true,
};

/** Returns whether the incident is closed, which ends all waits. */
export const isIncidentClosed = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<boolean> =>
  (await incidents.read(id))?.status === 'resolved';
