import type { IncidentRecord, IncidentView, PageContradiction } from '../../../schemas/incidents/incident.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { list } from '../correlation/words.ts';

/** Responders see a contradiction between the status page and the SLIs once it has lasted this long. */
const SHOWN_AFTER_SECONDS = 5 * 60;

/** A contradiction that was not seen for this time has ended: a check can be late. */
const SEEN_WITHIN_SECONDS = 3 * 60;

/** What a status page shows and the SLIs of a service contradict. */
export type Contradiction = Pick<PageContradiction, 'kind' | 'components'>;

/** Returns whether an objective pages. A long window stays above its factor after the errors have ended. */
export const pagesNow = ({
  state,
  burning,
  burn_rates,
}: Pick<SloStatus, 'state' | 'burning' | 'burn_rates'>): boolean =>
  state === 'ok' && burning.some(({ severity }) => severity === 'page') && (burn_rates['5m'] ?? 0) >= 1;

/** Returns whether the contradiction exists now, as far as is known. */
export const isCurrent = ({ seen, over }: PageContradiction, now: Timestamp): boolean =>
  !over && secondsBetween(seen, now) <= SEEN_WITHIN_SECONDS;

/** Returns whether it lasts long enough to be shown. */
export const isLong = ({ since, seen }: PageContradiction): boolean =>
  secondsBetween(since, seen) >= SHOWN_AFTER_SECONDS;

/** Returns the seconds of all contradictions of an incident. */
export const totalSeconds = ({ since, seen, earlier_seconds }: PageContradiction): number =>
  earlier_seconds + secondsBetween(since, seen);

/** Returns for how many minutes page and SLIs contradicted each other during an incident. */
export const contradictedMinutes = (contradiction: PageContradiction | null | undefined): number =>
  contradiction == null ? 0 : Math.floor(totalSeconds(contradiction) / 60);

/** Returns an incident's contradictions as the API shows them. */
export function contradictionView(contradiction: PageContradiction | undefined): IncidentView['page_contradiction'] {
  if (contradiction === undefined) return null;
  const { earlier_seconds: _, ...shown } = contradiction;
  return { ...shown, minutes: contradictedMinutes(contradiction) };
}

/** Returns the contradiction that responders must see now. Undefined: there is none. */
export const contradictionToShow = (
  { page_contradiction: contradiction, status }: Pick<IncidentRecord, 'page_contradiction' | 'status'>,
  now: Timestamp,
): PageContradiction | undefined =>
  contradiction != null && status !== 'resolved' && isCurrent(contradiction, now) && isLong(contradiction)
    ? contradiction
    : undefined;

/** Describes a contradiction: `The status page shows Checkout as operational, but its SLI is bad`. */
export function contradictionText({ kind, components }: Contradiction): string {
  const its = components.length === 1 ? 'its' : 'their';
  return kind === 'shown_operational'
    ? `The status page shows ${list(components)} as operational, but ${its} SLI is bad`
    : `The status page shows a problem with ${list(components)}, but ${its} SLI is good`;
}
