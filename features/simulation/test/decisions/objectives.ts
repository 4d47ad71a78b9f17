import { countsNeeded } from '../../decisions/objectives/replay-freezes.ts';
import type { ObjectiveRecord } from '../../decisions/objectives/compare-freezes.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { CountedDay } from '../../objective.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import { type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { DAY, NOON, type Story } from '../../../slo/test/decisions/pasts.ts';

export const at = (ms: number): Timestamp => timestamp(NOON + ms);
export const PERIOD = { from: at(-DAY), until: at(0) };

/** Builds a policy with these objectives of checkout. */
export const policy = (slos: Slo[], freeze: object = {}): Config =>
  Config.parse({
    version: 'test',
    paging: {},
    services: { checkout: { team: 'payments', environments: { production: {} } } },
    freeze,
    slos,
    runbooks: { version: 'test', runbooks: [] },
  });

/** Records the counts of a story as the API returns them. */
export function recordOf(slo: Slo, story: Story, more: Partial<ObjectiveRecord> = {}): ObjectiveRecord {
  const days: CountedDay[] = [];
  for (let day = Math.floor(countsNeeded(slo, PERIOD.from) / DAY); day * DAY < NOON; day++) {
    const buckets = Array.from({ length: 288 }, (_, slot) => {
      const from = day * DAY + slot * 300_000;
      return from < NOON ? story(from) : null;
    });
    days.push({
      day: timestamp(day * DAY).slice(0, 10),
      events: buckets.map((bucket) => bucket?.events ?? null),
      errors: buckets.map((bucket) => bucket?.errors ?? null),
    });
  }
  return { id: slo.id, indicator: slo.indicator, corrections: [], freezes: [], days, ...more };
}
