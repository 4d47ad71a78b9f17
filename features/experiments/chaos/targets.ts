import { InstantIn, type Timestamp } from '../../../schemas/time/time.ts';

/** Reads labels as a label selector writes them, such as `app=cart,tier=web`. Null: it has other operators. */
export function equalLabels(selector: string): Record<string, string> | null {
  const pairs = selector
    .split(',')
    .map((requirement) => /^([\w./-]+)\s*==?\s*([\w.-]*)$/.exec(requirement.trim()))
    .map((match) => (match?.[1] === undefined || match[2] === undefined ? null : ([match[1], match[2]] as const)));
  return pairs.some((pair) => pair === null) ? null : Object.fromEntries(pairs.filter((pair) => pair !== null));
}

/** Returns the times that can be read, oldest first. */
export const timesOf = (texts: readonly (string | null | undefined)[]): Timestamp[] =>
  texts.flatMap((text) => InstantIn.safeParse(text).data ?? []).toSorted();
