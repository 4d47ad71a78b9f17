import { QUESTION, wholeWordPattern } from './lint.ts';

/** Names and texts of the incident that readers must not see. */
export type InternalTexts = {
  /** IDs and names of services, teams, people, and channels. */
  names: readonly string[];
  /** Values of labels, of which those that look like identifiers count. */
  labels: readonly string[];
  /** Texts of alerts and messages, of which no line may appear. */
  texts: readonly string[];
  /** Names that are on the status pages. */
  published: readonly string[];
  /** Hosts to which the text may link. */
  hosts: readonly string[];
};

/** Something in a text that prevents its publication. `permit`: whether a person may declare it public. */
export type PublicFinding = { text: string; permit: boolean };

/** A shorter line is too common to be recognized. */
const LINE_MIN_CHARS = 12;
const IDENTIFIER = /[-_./:@\d]/;
const URL_IN_TEXT = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s<>()"'\]]+/giu;
const ADDRESS =
  /\b(?:\d{1,3}\.){3}\d{1,3}\b|(?<![\w-])(?<![\w-]\.)[\w-]+(?:\.[\w-]+)*\.(?:internal|local|localhost|lan|corp|svc|cluster)\b/giu;

/**
 * Finds internal names, values of labels, links, and texts of alerts in a text for the public, and questions that are not
 * answered.
 *
 * @param permitted names that a person has declared public
 */
export function internalIn(text: string, internal: InternalTexts, permitted: readonly string[] = []): PublicFinding[] {
  const published = new Set([...internal.published, ...permitted].map((name) => name.toLowerCase()));
  const names = [...internal.names, ...internal.labels.filter((value) => value.length > 3 && IDENTIFIER.test(value))];
  const found = new Map<string, PublicFinding>();
  const add = (what: string, permit: boolean): void => void found.set(what.toLowerCase(), { text: what, permit });
  for (const name of new Set(names))
    if (
      name.length > 1 &&
      !published.has(name.toLowerCase()) &&
      new RegExp(wholeWordPattern(name).source, 'iu').test(text)
    )
      add(name, true);
  const folded = foldedText(text);
  for (const line of internal.texts
    .flatMap((internalText) => internalText.split('\n'))
    .map((internalText) => internalText.trim()))
    if (line.length >= LINE_MIN_CHARS && folded.includes(foldedText(line))) add(line, false);
  for (const [url] of text.matchAll(URL_IN_TEXT))
    if (!internal.hosts.includes(URL.parse(url)?.host ?? '') && !published.has(url.toLowerCase())) add(url, true);
  for (const [address] of text.matchAll(ADDRESS)) if (!published.has(address.toLowerCase())) add(address, false);
  if (text.includes(QUESTION)) add(QUESTION, false);
  return [...found.values()];
}

const foldedText = (text: string): string => text.toLowerCase().replaceAll(/\s+/g, ' ');
