import type { PublicIncidents } from '../types.ts';
import { recentMonths } from '../decisions/uptime.ts';
import type { PublicIncident } from '../schemas/public-incident.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

/** Seconds for which an old month is cached, from which no page computes uptime. Only a late approval changes it. */
const OLD_MONTH_SECONDS = 3600;

type IncidentReads = Pick<PublicIncidents, 'open' | 'read' | 'startedIn' | 'watchedSince'>;

/**
 * Returns a function that makes the readers of one snapshot. They read each list at most once, and old months rarely: a
 * snapshot has the months of all years on all pages.
 */
export function cachedMonths(incidents: IncidentReads): (now: Timestamp) => IncidentReads {
  const old = new Map<string, { at: Timestamp; incidents: PublicIncident[] }>();

  async function readOld(month: string, now: Timestamp): Promise<PublicIncident[]> {
    const known = old.get(month);
    if (known !== undefined && secondsBetween(known.at, now) < OLD_MONTH_SECONDS) return known.incidents;
    const read = await incidents.startedIn(month);
    old.set(month, { at: now, incidents: read });
    return read;
  }

  return (now) => {
    const recent = new Set(recentMonths(now));
    const months = new Map<string, Promise<PublicIncident[]>>();
    let open: Promise<PublicIncident[]> | undefined;
    let watchedSince: ReturnType<IncidentReads['watchedSince']> | undefined;
    return {
      read: (id) => incidents.read(id),
      open: () => (open ??= incidents.open()),
      watchedSince: () => (watchedSince ??= incidents.watchedSince()),
      startedIn(month) {
        const reading = months.get(month) ?? (recent.has(month) ? incidents.startedIn(month) : readOld(month, now));
        months.set(month, reading);
        return reading;
      },
    };
  };
}
