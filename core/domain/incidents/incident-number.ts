import type { IncidentId } from '../../../schemas/config/names.ts';

/** What names an incident. `number`: absent, or null in a view, in incidents that were stored before numbers existed. */
export type Named = { id: IncidentId; number?: number | null | undefined };

const REFERENCE = /^INC-([1-9]\d{0,8})$/i;

/** Returns the short name of an incident, such as `INC-42`; without a number, its ID. */
export const incidentName = ({ id, number }: Named): string => (number == null ? id : `INC-${number}`);

/** Returns the short name with a space, to begin a text with. Empty: the incident has no number. */
export const numberText = (incident: Named): string => (incident.number == null ? '' : `${incidentName(incident)} `);

/** Parses a short name in any case. Undefined: the text is none. */
export function numberNamed(text: string): number | undefined {
  const digits = REFERENCE.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Parses the number in an address, or before a subcommand, as `INC-42` or `42`. Undefined: the text is none. Among other words
 * in chats, and on the command line, digits alone can be a channel.
 */
export const numberInAddress = (text: string): number | undefined =>
  numberNamed(/^\d+$/.test(text) ? `INC-${text}` : text);

/** Retries of one opening that spread over more and more numbers. */
const SPREAD_DOUBLINGS_MAX = 6;

/**
 * Returns how many numbers an attempt to open an incident leaves free, so that processes that open incidents at the same
 * time do not try the same number again and again. The first attempt leaves none.
 *
 * @param attempt from 1
 * @param id minted for this attempt: its end is random
 */
export function numbersToSkip(attempt: number, id: IncidentId): number {
  const random = parseInt(id.slice(-2), 36);
  return random % 2 ** Math.min(attempt - 1, SPREAD_DOUBLINGS_MAX);
}
