import { IncidentId } from '../../schemas/names.ts';

/** An incident as somebody names it: by its channel, as the chat or as people call it, or by its id. */
export type NamedIncident =
  /** `bare`: as a word that may be part of what they say as well, where no incident is called so. */
  { channel: string | null; name: string | null; bare?: true } | { id: IncidentId };

const MENTION = /^<#([A-Z0-9]{2,32})(?:\|([^<>]*))?>$/;

/** Names of channels have a letter at some place; `#1` is a number. */
const NAME = /^#(?=[^\s#]*\p{L})([^\s#<>|]{1,80})$/u;

/** As channels of incidents are called, without a `#`. */
const BARE = /^incident-\d[\p{Ll}\p{N}_-]{0,70}$/u;

/** Undefined: the word names none. */
export function incidentNamed(word: string): NamedIncident | undefined {
  const [mention, channel, label] = MENTION.exec(word) ?? [];
  if (mention !== undefined) return { channel: channel ?? null, name: label || null };
  const name = NAME.exec(word)?.[1];
  if (name !== undefined) return { channel: null, name: name.toLowerCase() };
  if (BARE.test(word)) return { channel: null, name: word, bare: true };
  const id = IncidentId.safeParse(word.toUpperCase());
  return id.success ? { id: id.data } : undefined;
}

/** As others would read it. */
export const referenceWords = (named: NamedIncident): string =>
  'id' in named ? named.id : `${named.bare === true ? '' : '#'}${named.name ?? named.channel ?? ''}`;
