import { BUCKETS_PER_DAY, decodeDay } from '../../slo/decisions/day.ts';
import { BUCKET_SECONDS, bucketAt, emptyHistory } from '../../slo/decisions/history.ts';
import { CALENDAR, EVALUATION } from '../../freeze/decisions/state.ts';
import type { Page } from '../../../core/domain/ports/common.ts';
import type { ComputeOf } from '../../manifest.ts';
import { configuredSlo } from '../../slo/actions/corrections.ts';
import { type Deps, withPorts } from '../../slo/ports.ts';
import type { RECORDED_OBJECTIVE } from '../reports.ts';
import type { CountedDay, RecordedFreeze, RecordedObjective } from '../objective.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { collectPages } from '../../../core/actions/collect-pages.ts';
import { dayName, historyKey } from '../../slo/actions/history.ts';

const DAY_MS = 86_400_000;

/** Pages of freezes and of corrections that are read: more than an installation has in 90 days. */
const PAGES_MAX = 40;
const PAGE_ITEMS = 500;

export const objective: ComputeOf<typeof RECORDED_OBJECTIVE> = async (core, { id, seconds }) =>
  recordedObjective(withPorts(core), await configuredSlo(core, id), plusSeconds(core.clock.now(), -seconds));

/** Returns what the evaluations of an objective were based on, besides its counts. */
export async function recordedObjective(
  { freezes, sloCorrections }: Pick<Deps, 'freezes' | 'sloCorrections'>,
  { id, indicator }: Slo,
  since: Timestamp,
): Promise<RecordedObjective> {
  const [corrections, opened] = await Promise.all([
    collectPages((at) => sloCorrections.list(id, { limit: PAGE_ITEMS, ...at }), PAGES_MAX),
    collectPages((at) => freezes.list({ limit: PAGE_ITEMS, ...at }, ({ slo }) => slo === id), PAGES_MAX),
  ]);
  return {
    id,
    indicator,
    corrections: corrections.map(({ id: correction, category, starts_at, ends_at, rrule, time_zone, ...times }) => ({
      id: correction,
      category,
      starts_at,
      ends_at,
      rrule,
      time_zone,
      created_at: times.created_at,
      withdrawn_at: times.withdrawn_at,
      ended_at: times.ended_at,
    })),
    freezes: opened
      .flatMap(({ cause, starts_at, ended_at, ended_by }): RecordedFreeze[] => {
        if (cause !== 'budget' && cause !== 'burn') return [];
        const lifted = ended_by !== null && ended_by !== EVALUATION && ended_by !== CALENDAR;
        return ended_at !== null && ended_at < since ? [] : [{ cause, starts_at, ended_at, lifted }];
      })
      .toSorted((a, b) => (a.starts_at < b.starts_at ? -1 : 1)),
  };
}

/**
 * Returns the recorded counts of an objective, oldest day first. Days without any are absent.
 *
 * @param from first day, as `2026-11-20`
 * @param until last day, inclusive
 * @throws RangeError if the stored counts are corrupt
 */
export async function countedDays(
  { sloDays }: Pick<Deps, 'sloDays'>,
  slo: Slo,
  { from, until, limit }: { from: string; until: string; limit: number },
): Promise<Page<CountedDay>> {
  const first = Date.parse(from) / DAY_MS;
  const end = Date.parse(until) / DAY_MS;
  const last = Math.min(end, first + limit - 1);
  if (first > end) return { items: [], next_cursor: null };
  const stored = await sloDays.load(historyKey(slo), dayName(first), dayName(last));
  const items = [...stored].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([day, bytes]) => countedDay(day, bytes));
  return { items, next_cursor: last < end ? dayName(last + 1) : null };
}

function countedDay(name: string, bytes: Uint8Array): CountedDay {
  const day = Date.parse(name) / DAY_MS;
  const history = emptyHistory((BUCKETS_PER_DAY - 1) * BUCKET_SECONDS, (day + 1) * DAY_MS - 1);
  decodeDay(history, day, bytes);
  const buckets = Array.from({ length: BUCKETS_PER_DAY }, (_, slot) => bucketAt(history, history.oldest + slot));
  return {
    day: name,
    events: buckets.map((bucket) => bucket?.events ?? null),
    errors: buckets.map((bucket) => bucket?.errors ?? null),
  };
}
