import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { lastingTitle } from './lasting-title.ts';

type Alert = Pick<Signal, 'severity' | 'title' | 'unmatched'>;

/** Returns the alert that names a problem: the first critical one, else the first one. */
export const mostSevereOf = <T extends Pick<Alert, 'severity'>>(alerts: readonly T[]): T | undefined =>
  alerts.find(({ severity }) => severity === 'critical') ?? alerts[0];

/** Returns the text of an alert, after the service that it names if that is outside the catalogue. */
export const alertTitle = ({ unmatched, title }: Alert, shown: (title: string) => string = (text) => text): string =>
  unmatched ? `${unmatched}: ${shown(title)}` : shown(title);

/** Returns the title of a problem that these alerts have begun, without values of a moment. Undefined: there are no alerts. */
export function problemTitle(alerts: readonly Alert[]): string | undefined {
  const named = mostSevereOf(alerts);
  return named && alertTitle(named, lastingTitle);
}

/** Returns the title of a problem that was measured, and that no alert has reported yet. Names the service, as it stands alone in lists. */
export const measuredTitle = ({ service }: Pick<IncidentRecord, 'service'>): string =>
  `health of ${service} is above its limit`;

/** What older versions have stored instead. */
const MEASURED_BEFORE = 'health is above its limit';

/** Returns whether a title is that of a problem that no alert has reported yet. */
export const isMeasuredTitle = (title: string, incident: Pick<IncidentRecord, 'service'>): boolean =>
  title === measuredTitle(incident) || title === MEASURED_BEFORE;
