import type { Unreadable } from './parsed.ts';

/** More bad alerts than this in one request are stored together: then the sender is broken, not one rule. */
const STORED_SEPARATELY_MAX = 50;

/** Longer texts of the group are not stored with its bad alerts. */
const ENVELOPE_TEXT_MAX_CHARS = 1024;

export type BadAlert = { item: unknown; detail: string };

/**
 * Returns bad alerts as separate bodies, each with everything needed to parse it again. Separate, so that the same
 * alert is counted when it returns in another group.
 *
 * @param group the parsed group
 * @param groupText the text of the group
 */
export function separateBodies(bad: readonly BadAlert[], group: unknown, groupText: string): Unreadable[] {
  const [first] = bad;
  if (first === undefined) return [];
  const bodyOf = (items: readonly unknown[]): string => textOf({ ...envelopeOf(group), alerts: items }) ?? groupText;
  if (bad.length <= STORED_SEPARATELY_MAX) {
    return bad.map(({ item, detail }) => ({ body: bodyOf([item]), detail, alerts: 1 }));
  }
  const detail = `${bad.length} alerts, of which the first: ${first.detail}`;
  return [{ body: bodyOf(bad.map(({ item }) => item)), detail, alerts: bad.length }];
}

/** Returns the group's short texts, with its version. The rest repeats the alerts, and can be megabytes. */
const envelopeOf = (group: unknown): object =>
  typeof group === 'object' && group !== null
    ? Object.fromEntries(Object.entries(group).filter(([, value]) => isShortText(value)))
    : {};

const isShortText = (value: unknown): boolean => typeof value === 'string' && value.length <= ENVELOPE_TEXT_MAX_CHARS;

/** Returns undefined if the value is nested too deeply to be serialized, although it could be parsed. */
function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
