import * as z from 'zod';
import type { Page } from '../../domain/ports/common.ts';
import type { BegunRunbook, RunbookEnd, RunbookRun, RunbookRuns, StartedRun } from '../../domain/ports/runbooks.ts';
import type { Blobs, Clock } from '../../domain/ports/system.ts';
import { selectionEntry, planRun, planRunEnd } from '../../domain/runbooks/plan-runs.ts';
import type { Json } from '../../domain/runbooks/variables.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import { StoredEffect, StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { incidentAuditWrite } from '../audit/audit-writes.ts';
import { keys, shardedLists } from '../../stores/keys.ts';
import { ParsedTexts } from '../../stores/parsed-texts.ts';
import { type Observers, unobserved } from './observers.ts';
import { postWrites, timelineWrite } from './inbox.ts';
import { shardedPage } from '../../stores/sharded.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  absent,
  allOf,
  equals,
  type Item,
  missing,
  present,
  put,
  update,
  type Write,
} from '../../../platforms/store.ts';

const runKey = (key: string): string => `run-${key}`;

/** Above this, a runbook is stored in a blob; an item holds at most 400 KB. */
const RUNBOOK_MAX_BYTES = 128 * 1024;

const TRIES = 20;

/** Runbooks that are kept parsed: the different ones that incidents in progress follow. */
const RUNBOOKS_KEPT = 50;

const Pairs = z.array(z.tuple([z.string(), z.string()]));
const ContinuedRun = z.object({ of: z.number(), done: StepEnds, earlierKeys: z.record(z.string(), z.string()) });
const StoredTarget = z.object({
  labels: Pairs,
  annotations: Pairs,
  by: z.string().optional(),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  continues: ContinuedRun.optional(),
});
type StoredSelection = { runbook: Runbook } & z.infer<typeof StoredTarget>;

/**
 * Stores the runbooks that incidents follow, as full copies: a later change of the file applies only to later
 * incidents.
 */
export class RunbookTable implements RunbookRuns {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;
  readonly #observers: Pick<Observers, 'shown'>;
  /** Each step of a runbook reads it, and many incidents follow the same one. */
  readonly #runbooks = new ParsedTexts((json) => Runbook.parse(JSON.parse(json)), RUNBOOKS_KEPT);

  constructor(table: Table, blobs: Blobs, clock: Clock, observers: Pick<Observers, 'shown'> = unobserved) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
    this.#observers = observers;
  }

  of(id: IncidentId): Promise<BegunRunbook[]> {
    return begunRunbooks(this.#table, id);
  }

  async get(id: IncidentId, number: number): Promise<StoredSelection | undefined> {
    const item = await this.#table.get(keys.runbook(id, number));
    return item && this.#readSelection(item);
  }

  async #readSelection(item: Item): Promise<StoredSelection> {
    const json =
      typeof item['followed'] === 'string'
        ? item['followed']
        : Buffer.from((await this.#blobs.get(String(item['blob']))) ?? '').toString();
    const { runbook, ...target } = JSON.parse(json) as { runbook: unknown };
    return { runbook: this.#runbooks.of(JSON.stringify(runbook)), ...StoredTarget.parse(target) };
  }

  async run(id: IncidentId, number: number): Promise<RunbookRun | undefined> {
    const item = await this.#table.get(keys.runbook(id, number));
    if (item === undefined) return undefined;
    const { outcome = null, ended_as: text = null, at } = item;
    return {
      ...(await this.#readSelection(item)),
      number,
      at: Timestamp.parse(at),
      outcome: typeof outcome === 'string' ? outcome : null,
      text: typeof text === 'string' ? text : null,
    };
  }

  /** Returns the list row of a run, which points to it. */
  #listRowWrite(id: IncidentId, number: number, at: Timestamp): Write {
    const key = `${at}#${id}#${number}`;
    const listKeys = shardedLists.runbookRuns.attributes(`${id}-${number}`, key);
    return put({ ...keys.runbookRun(id, number), incident_id: id, number, ...listKeys });
  }

  async list(query: { limit: number; cursor?: string }): Promise<Page<{ incident: IncidentId; number: number }>> {
    const page = await shardedPage(this.#table, shardedLists.runbookRuns, query);
    const items = page.items.map((item) => ({
      incident: IncidentId.parse(item['incident_id']),
      number: Number(item['number']),
    }));
    return { items, next_cursor: page.next_cursor };
  }

  async memories(id: IncidentId, number: number): Promise<Map<string, Json>> {
    const { pk, sk: prefix } = keys.runbookMemory(id, number, '');
    const found = await collect(
      this.#table.each(pk, { prefix: prefix }),
      ({ sk, value }) => [String(sk).slice(prefix.length), JSON.parse(String(value)) as Json] as const,
    );
    return new Map(found);
  }

  async startedBy(id: IncidentId, key: string): Promise<number | undefined> {
    const number = (await this.#table.get(keys.noted(id, runKey(key))))?.['number'];
    return typeof number === 'number' ? number : undefined;
  }

  async start(id: IncidentId, selected: StoredSelection & { by: string }, key?: string): Promise<StartedRun> {
    const { name, version } = selected.runbook;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const known = key === undefined ? undefined : await this.startedBy(id, key);
      if (known !== undefined) return { kind: 'started', number: known };
      const [item, begun] = await Promise.all([this.#table.get(keys.incident(id)), this.of(id)]);
      const at = this.#clock.now();
      const plan = planRun(item && StoredIncident.parse(item), begun, selected, at);
      if (plan.kind !== 'starts') return plan;
      const { number, before } = plan;
      const result = await this.#table.transact([
        put(
          { ...keys.runbook(id, number), number, name, version, at, ...(await this.#content(id, number, selected)) },
          absent,
        ),
        this.#listRowWrite(id, number, at),
        // Only one run at a time: a concurrent start of the same runbook changes this number.
        put({ ...keys.runbookName(id, name), number }, before === null ? absent : equals('number', before)),
        ...(key === undefined ? [] : [put({ ...keys.noted(id, runKey(key)), number, at }, absent)]),
        ...postWrites(plan.post),
        incidentAuditWrite(id, `runbook-${number}`, plan.entry),
      ]);
      if (!result.ok) continue;
      await this.#observers.shown.incident(id);
      return { kind: 'started', number };
    }
    throw new Error(`cannot start a runbook in incident ${id}: it changed during all ${TRIES} attempts; try again`);
  }

  async choose(
    id: IncidentId,
    number: number,
    selected: StoredSelection,
    because: string,
  ): Promise<StoredSelection | undefined> {
    const at = this.#clock.now();
    const { name, version } = selected.runbook;
    const result = await this.#table.transact([
      put(
        { ...keys.runbook(id, number), number, name, version, at, ...(await this.#content(id, number, selected)) },
        absent,
      ),
      this.#listRowWrite(id, number, at),
      // Two concurrent evaluations may select the same runbook.
      put({ ...keys.runbookName(id, name), number }, absent),
      timelineWrite(id, `runbook-${number}`, selectionEntry(selected, number, because, at)),
    ]);
    await this.#observers.shown.incident(id);
    const stored = await this.get(id, number);
    if (stored === undefined && result.ok) throw new Error(`cannot store or read runbook ${number} of incident ${id}`);
    return stored;
  }

  async #content(
    id: IncidentId,
    number: number,
    selected: StoredSelection,
  ): Promise<{ followed: string } | { blob: string }> {
    const json = JSON.stringify(selected);
    if (Buffer.byteLength(json) <= RUNBOOK_MAX_BYTES) return { followed: json };
    const blob = `runbooks/${id}/${number}.json`;
    await this.#blobs.put(blob, json, 'application/json');
    return { blob };
  }

  async remember<T extends Json>(id: IncidentId, number: number, what: string, value: T): Promise<T> {
    const key = keys.runbookMemory(id, number, what);
    const { ok } = await this.#table.transact([
      put({ ...key, value: JSON.stringify(value), at: this.#clock.now() }, absent),
    ]);
    if (ok) return value;
    const stored = await this.recall(id, number, what);
    if (stored === undefined) throw new Error(`cannot store or read ${what} of runbook ${number} of incident ${id}`);
    return stored as T;
  }

  async recall(id: IncidentId, number: number, what: string): Promise<Json | undefined> {
    const item = await this.#table.get(keys.runbookMemory(id, number, what));
    return item && (JSON.parse(String(item['value'])) as Json);
  }

  async conclude(id: IncidentId, number: number, end: RunbookEnd): Promise<void> {
    const { outcome, text, acted } = end;
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(id));
      if (item === undefined) throw new Error(`incident ${id} does not exist`);
      const incident = StoredIncident.parse(item);
      // Only the end of a run that did nothing depends on other actions.
      const effects = acted || incident.status !== 'mitigating' ? [] : await this.#effectsOf(id);
      const planned = planRunEnd(incident, effects, { ...end, number }, this.#clock.now());
      const result = await this.#table.transact([
        update(
          keys.runbook(id, number),
          { set: { outcome, acted, ended_as: text } },
          allOf(present, missing('outcome')),
        ),
        ...(planned.kind === 'entry'
          ? [timelineWrite(id, `runbook-${number}-end`, planned.entry)]
          : postWrites(planned.post)),
      ]);
      if (!result.ok && !result.failed.includes(0)) continue;
      await this.#observers.shown.incident(id);
      return;
    }
    throw new Error(
      `cannot conclude the runbook of incident ${id}: it changed during all ${TRIES} attempts; the step is retried`,
    );
  }

  #effectsOf(id: IncidentId): Promise<Effect[]> {
    return collect(this.#table.each(keys.incident(id).pk, { prefix: 'EFF#' }), (item) => StoredEffect.parse(item));
  }
}

export async function begunRunbooks(table: Table, id: IncidentId): Promise<BegunRunbook[]> {
  return collect(table.each(keys.incident(id).pk, { prefix: 'RBK#' }), (item: Item) => ({
    number: Number(item['number']),
    name: String(item['name']),
    done: item['outcome'] !== undefined,
    acted: item['acted'] === true,
  }));
}
