import type { Projections } from '../../domain/incidents/projections.ts';
import type { Counters } from '../../domain/ports/system.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentLog } from './incident-log.ts';

/** Where the tables of incidents report what they have stored. */
export type Observers = {
  counters: Pick<Counters, 'add'>;
  events: Pick<IncidentLog, 'publish' | 'remember'>;
  shown: Shown;
};

/**
 * Wakes the projectors that show incidents. Each write that they show calls it, also a repeated one that finds itself done,
 * because the process may have died before the call. Only outcomes are shown, not intents, so that a page never waits for
 * Slack's queue.
 */
export type Shown = Pick<Projections, 'changed'> & {
  incident(...ids: readonly IncidentId[]): Promise<void>;
  /** Also wakes the projectors of the incidents that show this one's decision and status: those of its group. */
  withGroup(id: IncidentId): Promise<void>;
};

const nothing = async (): Promise<void> => undefined;

/** For tables whose changes nobody counts, logs, or shows. */
export const unobserved: Observers = {
  counters: { add: nothing },
  events: { publish: nothing, remember: () => undefined },
  shown: { changed: nothing, incident: nothing, withGroup: nothing },
};
