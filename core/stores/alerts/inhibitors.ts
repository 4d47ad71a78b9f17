import * as z from 'zod';
import { sha256 } from '../../stores/hash.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { remove } from '../../../platforms/store.ts';
import type { Inhibitor } from '../../domain/alerts/inhibition.ts';
import type { MatchedLabels } from '../../domain/alerts/matchers.ts';

/** An alert whose end was never reported inhibits until a day after its last notification. */
const KEPT_SECONDS = 24 * 3600;

/** A pair for each value of a label, the first value last: versions up to 0.2.0 read only that. */
const Pairs = z.array(z.tuple([z.string(), z.string()]));
type Pairs = z.infer<typeof Pairs>;

const Stored = z.object({
  title: z.string(),
  labels: Pairs,
  expires_at: z.number(),
});

/** Stores alerts that fire, and removes those that have ended. `key`: identifies the alert of a sender. */
export async function recordInhibitors(
  table: Table,
  alerts: readonly (Inhibitor & { key: string; status: 'firing' | 'resolved' })[],
  now: Timestamp,
): Promise<void> {
  for (const { key, status, title, labels } of alerts) {
    const at = keys.inhibitor(sha256(key));
    const expires = Math.floor(millisOf(now) / 1000) + KEPT_SECONDS;
    if (status === 'firing') await table.update(at, { set: { title, labels: pairsOf(labels), expires_at: expires } });
    else await table.transact([remove(at)]);
  }
}

/** Returns the stored alerts. */
export async function readInhibitors(table: Table, now: Timestamp): Promise<Inhibitor[]> {
  const all = await collect(table.each(keys.inhibitors().pk), (item) => Stored.parse(item));
  return all
    .filter(({ expires_at: expires }) => expires > millisOf(now) / 1000)
    .map(({ title, labels }) => ({ title, labels: labelsOf(labels) }));
}

const pairsOf = (labels: MatchedLabels): Pairs =>
  [...labels].flatMap(([name, values]) =>
    [values]
      .flat()
      .map((value): Pairs[number] => [name, value])
      .toReversed(),
  );

const labelsOf = (pairs: Pairs): MatchedLabels =>
  new Map(
    [...Map.groupBy(pairs, ([name]) => name)].map(([name, same]) => [
      name,
      same.map(([, value]) => value).toReversed(),
    ]),
  );
