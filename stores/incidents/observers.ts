import type { Counters } from '../../domain/ports/system.ts';
import type { IncidentLog } from './incident-log.ts';

/** Where the tables of incidents report what they have stored. */
export type Observers = { counters: Pick<Counters, 'add'>; events: Pick<IncidentLog, 'publish' | 'remember'> };

/** For tables whose changes nobody counts or logs. */
export const unobserved: Observers = {
  counters: { add: async () => undefined },
  events: { publish: async () => undefined, remember: () => undefined },
};
