import type { Unreadable } from './parsed.ts';

/** More bad alerts than this in one request are kept together: not one rule is broken, the sender is. */
const KEPT_APART_MAX = 50;

/** A text of the group that is longer than this is not kept with a bad alert of it. */
const ENVELOPE_TEXT_MAX_CHARS = 1024;

export type BadAlert = { item: unknown; detail: string };

/**
 * Bad alerts as bodies of their own, each with what is needed to read it again. One by one, so that the same alert is
 * counted when it comes again in another group.
 *
 * @param group what they came in
 * @param whole its text
 */
export function keptApart(bad: readonly BadAlert[], group: unknown, whole: string): Unreadable[] {
  const [first] = bad;
  if (first === undefined) return [];
  const bodyOf = (items: readonly unknown[]): string => written({ ...envelopeOf(group), alerts: items }) ?? whole;
  if (bad.length <= KEPT_APART_MAX) {
    return bad.map(({ item, detail }) => ({ body: bodyOf([item]), detail, alerts: 1 }));
  }
  const detail = `${bad.length} alerts, of which the first: ${first.detail}`;
  return [{ body: bodyOf(bad.map(({ item }) => item)), detail, alerts: bad.length }];
}

/** The group's short texts, its version among them. The rest repeats what the alerts say, and can be megabytes. */
const envelopeOf = (group: unknown): object =>
  typeof group === 'object' && group !== null
    ? Object.fromEntries(Object.entries(group).filter(([, value]) => isShortText(value)))
    : {};

const isShortText = (value: unknown): boolean => typeof value === 'string' && value.length <= ENVELOPE_TEXT_MAX_CHARS;

/** Undefined: nested too deeply to be written, though it could be read. */
function written(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
