import { UNMATCHED } from '../../../schemas/config/names.ts';
import { UNKNOWN_ENVIRONMENT } from '../alerts/signal.ts';

/** The failing service. `unmatched`: the name that alerts of no known service gave. */
export type Place = { service: string; environment: string; unmatched?: string | null };

/** Returns the service and environment as people read them, without an environment that is not known. */
export const placeNames = ({ service, environment, unmatched }: Place): string[] => [
  unmatched || (service === UNMATCHED ? 'unknown service' : service),
  ...(environment === UNKNOWN_ENVIRONMENT ? [] : [environment]),
];

/** Returns the title of a problem to show beside its place. That of alerts outside the catalogue begins with the service, too. */
export const titleBeside = ({ unmatched }: Pick<Place, 'unmatched'>, title: string): string =>
  unmatched && title.startsWith(`${unmatched}: `) ? title.slice(unmatched.length + 2) : title;

/** Returns the place of an incident, and what is wrong there. */
export const placedTitle = (incident: Place & { title: string }, title = incident.title): string =>
  `${placeNames(incident).join(' ')}: ${titleBeside(incident, title)}`;
