import * as z from 'zod';
import type { Backlog, Clock, Waiting } from '../../domain/ports/system.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import { StoredEffect } from '../../../schemas/incidents/stored-records.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { millisOf, plusSeconds, Timestamp } from '../../../schemas/time/time.ts';
import { keys, pendingShards, unfinishedShards } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { type Item, put, remove, type Write } from '../../../platforms/store.ts';

/** Older effects without an outcome are abandoned and not counted. */
const RETENTION_SECONDS = 24 * 3600;

export class BacklogTable implements Backlog {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async pending(): Promise<Waiting> {
    return waiting((await this.#all(pendingShards)).map(({ since }) => Timestamp.parse(since)));
  }

  async effects(): Promise<{ kind: string; waiting: Waiting }[]> {
    const since = plusSeconds(this.#clock.now(), -RETENTION_SECONDS);
    const items = (await this.#all(unfinishedShards)).filter(({ at }) => Timestamp.parse(at) > since);
    return [...Map.groupBy(items, ({ kind }) => String(kind))].map(([kind, all]) => ({
      kind,
      waiting: waiting(all.map(({ at }) => Timestamp.parse(at))),
    }));
  }

  async #all(partitions: readonly string[]): Promise<Item[]> {
    return (await Promise.all(partitions.map((pk) => collect(this.#table.each(pk), (item) => item)))).flat();
  }
}

const Unfinished = z.object({
  incident: IncidentId,
  key: z.string(),
  kind: StoredEffect.shape.kind,
});

const waiting = (times: readonly Timestamp[]): Waiting => ({
  count: times.length,
  oldest: times.toSorted()[0] ?? null,
});

/** Returns the effects without an outcome. */
export async function unfinishedEffects(
  table: Table,
): Promise<{ incident: IncidentId; key: string; kind: Effect['kind'] }[]> {
  const items = await Promise.all(unfinishedShards.map((pk) => collect(table.each(pk), (item) => item)));
  // Those of earlier releases name no effect; they expire within a day.
  return items.flat().flatMap((item) => Unfinished.safeParse(item).data ?? []);
}

/** Part of the transaction that records the intent. */
export const unfinishedWrite = (id: IncidentId, { key, kind, at }: Pick<Effect, 'key' | 'kind' | 'at'>): Write =>
  put({
    ...keys.unfinished(id, key),
    incident: id,
    key,
    kind,
    at,
    expires_at: Math.ceil(millisOf(at) / 1000) + RETENTION_SECONDS,
  });

/** Part of the transaction that records the outcome. */
export const finishedWrite = (id: IncidentId, key: string): Write => remove(keys.unfinished(id, key));
