import { sha256 } from '../../../core/stores/hash.ts';
import { dayOf, decodeDay } from '../decisions/day.ts';
import { indicatorHash } from '../decisions/hash.ts';
import { emptyHistory, type History, indexOf } from '../decisions/history.ts';
import type { SloDays } from '../types.ts';
import type { Slo, SloId } from '../../../schemas/slo/slo.ts';
import { timestamp } from '../../../schemas/time/time.ts';

const DAY_MS = 86_400_000;

/**
 * Loads the stored history of an objective.
 *
 * @param seconds how far to look back from `now`
 * @param now Unix milliseconds
 * @throws RangeError if the stored history is corrupt
 */
export async function storedHistory(days: SloDays, slo: Slo, seconds: number, now: number): Promise<History> {
  const history = emptyHistory(seconds, now);
  const stored = await days.load(historyKey(slo), dayName(dayOf(history.oldest)), dayName(dayOf(indexOf(now))));
  for (const [name, bytes] of stored) decodeDay(history, Date.parse(name) / DAY_MS, bytes);
  return history;
}

/**
 * Returns the key of the stored history. A changed indicator has a new key, because the old history counted something
 * else.
 */
export const historyKey = ({ id, indicator }: Pick<Slo, 'id' | 'indicator'>): SloId =>
  `${id}@${indicatorHash(indicator, sha256)}` as SloId;

/**
 * Returns the date of a day, such as `2026-11-20`.
 *
 * @param day days since the Unix epoch
 */
export const dayName = (day: number): string => timestamp(day * DAY_MS).slice(0, 10);
