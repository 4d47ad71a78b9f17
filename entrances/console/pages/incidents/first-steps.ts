import { isAcknowledged } from '../../../../core/domain/paging/acknowledgement.ts';
import type { ComputeReport } from '../../../../features/manifest.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { hasActed } from './list-filter.ts';

/** What incidents show to be done. The signals of a group are its incidents. */
export const SHOWN_BY = {
  alerts: ({ signal_count: count, group_reason }) => count > 0 && group_reason === undefined,
  page: (incident) => incident.pages > 0 && isAcknowledged(incident),
  acted: hasActed,
} satisfies Record<string, (incident: IncidentRecord) => boolean>;

export type StepsDone = Record<keyof typeof SHOWN_BY, boolean>;

/** Looks for an incident that shows each step. */
export const stepsDone: ComputeReport<null, StepsDone> = async ({ incidents }, _, may) => {
  const isDone = async (what: keyof typeof SHOWN_BY): Promise<boolean> => {
    const matches = (incident: IncidentRecord) => SHOWN_BY[what](incident) && may('incidents:read', incident);
    return (await incidents.search({ limit: 1, matches })).items.length > 0;
  };
  return { alerts: await isDone('alerts'), page: await isDone('page'), acted: await isDone('acted') };
};
