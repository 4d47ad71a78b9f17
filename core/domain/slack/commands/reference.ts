import { IncidentId } from '../../../../schemas/config/names.ts';
import { numberNamed } from '../../incidents/incident-number.ts';

/** Reference to an incident: by its channel, as Slack or people write it, by its number as in `INC-42`, or by its ID. */
export type NamedIncident =
  /** `bare`: a word without `#`, which is part of the message if no incident has that name. */
  { channel: string | null; name: string | null; bare?: true } | { number: number } | { id: IncidentId };

const MENTION = /^<#([A-Z0-9]{2,32})(?:\|([^<>]*))?>$/;

/** Channel names contain a letter; `#1` is a number. */
const NAME = /^#(?=[^\s#]*\p{L})([^\s#<>|]{1,80})$/u;

/** Names of incident channels without `#`. */
const BARE = /^incident-\d[\p{Ll}\p{N}_-]{0,70}$/u;

/** What people write around a reference: `(INC-2)`, `INC-2:`. */
const AROUND = /^\(|[.,:;!)]+$/g;

/** Other ways to write `INC-2`: `INC2`, `#INC–2`. Longer numbers without a dash are names of channels, or of tickets elsewhere. */
const SPELLING = /^#?inc(?:[-–—]|(?=\d{1,5}$))/i;

/** Parses a reference; undefined: the word is not a reference. */
export function incidentNamed(text: string): NamedIncident | undefined {
  const word = text.replaceAll(AROUND, '');
  const number = numberNamed(word.replace(SPELLING, 'INC-'));
  if (number !== undefined) return { number };
  const [mention, channel, label] = MENTION.exec(word) ?? [];
  if (mention !== undefined) return { channel: channel ?? null, name: label || null };
  const name = NAME.exec(word)?.[1];
  if (name !== undefined) return { channel: null, name: name.toLowerCase() };
  if (BARE.test(word)) return { channel: null, name: word, bare: true };
  const id = IncidentId.safeParse(word.toUpperCase());
  return id.success ? { id: id.data } : undefined;
}

/** Formats a reference for display. */
export const referenceWords = (named: NamedIncident): string =>
  'id' in named
    ? named.id
    : 'number' in named
      ? `INC-${named.number}`
      : `${named.bare === true ? '' : '#'}${named.name ?? named.channel ?? ''}`;
