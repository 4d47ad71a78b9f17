import * as z from 'zod';
import type { BegunRunbook, Blobs, Clock, IncidentChange, RunbookEnd, RunbookRuns } from '../../domain/ports.ts';
import type { Json } from '../../domain/runbooks/variables.ts';
import { type IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { Runbook } from '../../schemas/runbook.ts';
import { StoredIncident } from '../../schemas/stored.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { keys } from './keys.ts';
import { mailWrites, timelineWrite } from './mail.ts';
import { absent, collect, type Item, type Table } from './table.ts';

/** A runbook above this is left in a blob; an item holds 400 KB at most. */
const RUNBOOK_MAX_BYTES = 128 * 1024;

const TRIES = 20;

const Pairs = z.array(z.tuple([z.string(), z.string()]));
const Followed = z.object({ runbook: Runbook, labels: Pairs, annotations: Pairs });
type Followed = z.infer<typeof Followed>;

/** Which runbooks incidents follow, whole: what is changed in a file meanwhile concerns only later incidents. */
export class RunbookTable implements RunbookRuns {
  readonly #table: Table;
  readonly #blobs: Blobs;
  readonly #clock: Clock;

  constructor(table: Table, blobs: Blobs, clock: Clock) {
    this.#table = table;
    this.#blobs = blobs;
    this.#clock = clock;
  }

  of(id: IncidentId): Promise<BegunRunbook[]> {
    return begunRunbooks(this.#table, id);
  }

  async get(id: IncidentId, number: number): Promise<Followed | undefined> {
    const item = await this.#table.get(keys.runbook(id, number));
    if (item === undefined) return undefined;
    const json =
      typeof item['followed'] === 'string'
        ? item['followed']
        : Buffer.from((await this.#blobs.get(String(item['blob']))) ?? '').toString();
    return Followed.parse(JSON.parse(json));
  }

  async choose(id: IncidentId, number: number, followed: Followed, because: string): Promise<Followed | undefined> {
    const at = this.#clock.now();
    const { name, version, title } = followed.runbook;
    const result = await this.#table.transact([
      this.#table.put(
        { ...keys.runbook(id, number), number, name, version, at, ...(await this.#content(id, number, followed)) },
        absent,
      ),
      // Two looks at the same moment may find the same one.
      this.#table.put({ ...keys.runbookName(id, name), number }, absent),
      timelineWrite(this.#table, id, `runbook-${number}`, {
        at,
        actor: 'firebreak',
        kind: 'runbook.started',
        text: `Follows the runbook "${title}" (${name}, version ${version.slice(0, 12)}): ${because}`,
        detail: { runbook: name, version, number },
      }),
    ]);
    const kept = await this.get(id, number);
    if (kept === undefined && result.ok)
      throw new Error(`runbook ${number} of incident ${id} could neither be kept nor read`);
    return kept;
  }

  async #content(id: IncidentId, number: number, followed: Followed): Promise<{ followed: string } | { blob: string }> {
    const json = JSON.stringify(followed);
    if (Buffer.byteLength(json) <= RUNBOOK_MAX_BYTES) return { followed: json };
    const blob = `runbooks/${id}/${number}.json`;
    await this.#blobs.put(blob, json, 'application/json');
    return { blob };
  }

  async remember<T extends Json>(id: IncidentId, number: number, what: string, value: T): Promise<T> {
    const key = keys.runbookMemory(id, number, what);
    const { ok } = await this.#table.transact([
      this.#table.put({ ...key, value: JSON.stringify(value), at: this.#clock.now() }, absent),
    ]);
    if (ok) return value;
    const kept = await this.recall(id, number, what);
    if (kept === undefined) throw new Error(`${what} of runbook ${number} of ${id} could neither be kept nor read`);
    return kept as T;
  }

  async recall(id: IncidentId, number: number, what: string): Promise<Json | undefined> {
    const item = await this.#table.get(keys.runbookMemory(id, number, what));
    return item && (JSON.parse(String(item['value'])) as Json);
  }

  async conclude(id: IncidentId, number: number, { outcome, text, acted, page }: RunbookEnd): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(keys.incident(id));
      if (item === undefined) throw new Error(`incident ${id} is not in the table`);
      const incident = StoredIncident.parse(item);
      const at = this.#clock.now();
      const timeline = { actor: 'firebreak', kind: `runbook.${outcome}`, text, detail: { number } };
      const result = await this.#table.transact([
        this.#table.update(keys.runbook(id, number), {
          UpdateExpression: 'SET outcome = :outcome, acted = :acted',
          ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(outcome)',
          ExpressionAttributeValues: { ':outcome': outcome, ':acted': acted },
        }),
        ...(incident.status === 'resolved'
          ? [timelineWrite(this.#table, id, `runbook-${number}-end`, { ...timeline, at })]
          : mailWrites(this.#table, incident, { kind: 'runbook', number, acted, page }, at, {
              ...(await this.#afterwards(incident, number, acted, at)),
              timeline,
            })),
      ]);
      if (result.ok || result.failed.includes(0)) return;
    }
    throw new Error(
      `incident ${id} changed ${TRIES} times while its runbook was to be concluded; the step is tried again`,
    );
  }

  /** Where the incident stands once a runbook has come to its end. */
  async #afterwards(
    { id, status, verification }: IncidentRecord,
    number: number,
    acted: boolean,
    at: Timestamp,
  ): Promise<IncidentChange> {
    if (acted) return { status: 'mitigated', verification: 'pending', verifying: { number: 0, runbook: number, at } };
    if (status !== 'mitigating' || (await this.#somethingActs(id))) return {};
    // What it has tried does not undo what has been done before it.
    return { status: verification === 'not_needed' || verification === 'failed' ? 'open' : 'mitigated' };
  }

  /** Something else of this incident is changing production at this moment. */
  async #somethingActs(id: IncidentId): Promise<boolean> {
    const effects = await collect(this.#table.each(keys.incident(id).pk, 'EFF#'), (item) => item);
    return effects.some(
      ({ resource, state }) => resource !== undefined && (state === 'intended' || state === 'accepted'),
    );
  }
}

export async function begunRunbooks(table: Table, id: IncidentId): Promise<BegunRunbook[]> {
  return collect(table.each(keys.incident(id).pk, 'RBK#'), (item: Item) => ({
    number: Number(item['number']),
    name: String(item['name']),
    done: item['outcome'] !== undefined,
    acted: item['acted'] === true,
  }));
}
