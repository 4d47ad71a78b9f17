import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';

/** A job of the sweep, each minute. `open`: open incidents. */
export type SweepJob<Deps> = {
  name: string;
  run: (deps: Deps, open: readonly IncidentRecord[]) => Promise<unknown>;
};
