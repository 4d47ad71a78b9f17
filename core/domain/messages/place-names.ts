import { UNMATCHED } from '../../../schemas/config/names.ts';
import { UNKNOWN_ENVIRONMENT } from '../alerts/signal.ts';

/** The failing service. `unmatched`: the name that alerts of no known service gave. */
export type Place = { service: string; environment: string; unmatched?: string | null };

/** Returns the service and environment as people read them, without an environment that is not known. */
export const placeNames = ({ service, environment, unmatched }: Place): string[] => [
  unmatched || (service === UNMATCHED ? 'unknown service' : service),
  ...(environment === UNKNOWN_ENVIRONMENT ? [] : [environment]),
];
