import * as z from 'zod';
import { sha256 } from '../../stores/hash.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { type Item, put, remove } from '../../../platforms/store.ts';
import { pooled } from '../../domain/concurrency.ts';
import type { Incidents } from '../../domain/ports/incidents.ts';
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

/** Groups in which one alert inhibits at most: all are written together. */
const GROUPS_MAX = 40;

/** How many alerts of a group are read together, to find one that has not expired. */
const READ_AT_ONCE = 5;
const GROUPS_AT_ONCE = 16;

const Grouped = z.object({ groups: z.array(z.string()) });

/** Stores alerts that fire in their groups, and removes those that have ended. `key`: identifies the alert of a sender. */
export async function recordInhibitors(
  table: Table,
  alerts: Parameters<Incidents['recordInhibitors']>[0],
  now: Timestamp,
): Promise<void> {
  const hashes = [...new Set(alerts.map(({ key }) => sha256(key)))];
  const found = await table.getAll(hashes.map(keys.inhibitor));
  const known = new Map(hashes.map((hash, n) => [hash, found[n] === undefined ? [] : Grouped.parse(found[n]).groups]));
  for (const { key, status, title, labels, ...alert } of alerts) {
    const hash = sha256(key);
    const at = keys.inhibitor(hash);
    const before = known.get(hash) ?? [];
    const groups = status === 'firing' ? [...new Set(alert.groups.map(sha256))].slice(0, GROUPS_MAX) : [];
    const expires_at = Math.floor(millisOf(now) / 1000) + KEPT_SECONDS;
    const inhibitor = { title, labels: pairsOf(labels), expires_at };
    await table.transact([
      status === 'firing' ? put({ ...at, groups, expires_at }) : remove(at),
      ...groups.map((group) => put({ ...keys.inhibiting(group, hash), ...inhibitor })),
      ...before.filter((group) => !groups.includes(group)).map((group) => remove(keys.inhibiting(group, hash))),
      remove(keys.formerInhibitor(hash)),
    ]);
    known.set(hash, groups);
  }
}

/** Returns an alert of each group that has one, and those that versions up to 0.2.0 stored. */
export async function readInhibitors(table: Table, groups: Iterable<string>, now: Timestamp): Promise<Inhibitor[]> {
  const former = collect(table.each(keys.formerInhibitors().pk), (item) => liveIn(item, now) ?? []);
  const found: Inhibitor[] = [];
  await pooled([...new Set(groups)], GROUPS_AT_ONCE, async (group) => {
    for await (const item of table.each(keys.inhibitingOf(sha256(group)).pk, {}, READ_AT_ONCE)) {
      const live = liveIn(item, now);
      if (live === undefined) continue;
      found.push(live);
      return;
    }
  });
  return [...(await former).flat(), ...found];
}

/** Reads an alert. Undefined: it has expired. */
function liveIn(item: Item, now: Timestamp): Inhibitor | undefined {
  const { title, labels, expires_at: expires } = Stored.parse(item);
  return expires > millisOf(now) / 1000 ? { title, labels: labelsOf(labels) } : undefined;
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
