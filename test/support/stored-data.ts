import { admittedSignalIn } from '../../core/stores/alerts/admit.ts';
import { keys } from '../../core/stores/keys.ts';
import { incidentRecordOf } from '../../core/stores/record.ts';
import type { DecisionInputs } from '../../core/domain/rollback/judgement.ts';
import type { AdmittedSignal } from '../../core/domain/ports/alerts.ts';
import type { StepQuestion } from '../../core/domain/ports/decisions.ts';
import { Database } from '../../platforms/sqlite/database.ts';
import { SqliteStore } from '../../platforms/sqlite/store.ts';
import {
  type Item,
  type Range,
  type Rows,
  type Update,
  update,
  type Write,
  type Written,
} from '../../platforms/store.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import {
  type DecisionView,
  type Effect,
  type IncidentRecord,
  TimelineEntry,
} from '../../schemas/incidents/incident.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import { StoredChange, StoredDecision, StoredEffect } from '../../schemas/incidents/stored-records.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** A decision with what tests check of its item. */
export type StoredJudgement = { view: DecisionView; inputs: DecisionInputs | StepQuestion['inputs'] };

/** @throws Error if a field is changed twice */
function refuseTwice({ set, setIfMissing, add, include, remove = [] }: Update): void {
  const names = [...[set, setIfMissing, add, include].flatMap((fields) => Object.keys(fields ?? {})), ...remove];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`an update changes ${twice} twice, which DynamoDB refuses`);
}

/**
 * A store in memory that tests can also read without waiting, as in a hook of a vendor's call. It decides nothing: the
 * stores in `stores/` write it.
 */
export class StoredData extends SqliteStore {
  readonly #database: Database;
  /** Changes what stores read of a partition, such as for a version that does not know a field. */
  read: (item: Item) => Item = (item) => item;

  constructor() {
    const database = Database.inMemory();
    super(database);
    this.#database = database;
  }

  /** Refuses what DynamoDB refuses, and SQLite does not: to change a field twice. */
  override write(writes: readonly Write[]): Promise<Written> {
    for (const one of writes) if (one.kind === 'update') refuseTwice(one.update);
    return super.write(writes);
  }

  override async range(pk: string, range?: Range): Promise<Rows> {
    const { items, more } = await super.range(pk, range);
    return { items: items.map((item) => this.read(item)), more };
  }

  /** Returns incidents with what is stored of them, oldest first. They always show the current state. */
  get dossiers(): ReadonlyMap<IncidentId, Dossier> {
    return new Map(this.#ids().map((id) => [id, new Dossier(this, id)]));
  }

  #ids(): IncidentId[] {
    const rows = this.#database.sql.all(`SELECT sk FROM items WHERE pk > 'INCOF#' AND pk < 'INCOF$' ORDER BY sk`);
    return rows.map(({ sk }) => String(sk) as IncidentId);
  }

  /** @throws Error if there is none */
  dossier(id: IncidentId): Dossier {
    const found = this.dossiers.get(id);
    if (found === undefined) throw new Error(`incident ${id} does not exist`);
    return found;
  }

  /** The ID of the next incident: the same in every run, and sorted by creation like real ones. */
  nextIncidentId = (): IncidentId => `01TEST${String(this.#ids().length + 1).padStart(20, '0')}` as IncidentId;

  /** Incidents that are not resolved. */
  get open(): IncidentId[] {
    return this.#all(`pk = 'OPENINC' ORDER BY sk`).map(({ sk }) => sk as IncidentId);
  }

  isOpen(scope: string): boolean {
    const { pk } = keys.open(scope);
    return this.#all('pk = ?', pk).length > 0;
  }

  /** Incidents with messages that their workflow has not read. */
  get pending(): IncidentId[] {
    return this.#all(`pk > 'PENDING#' AND pk < 'PENDING$' ORDER BY sk`).map(({ sk }) => sk as IncidentId);
  }

  /** Changes by their start, oldest first. */
  get changes(): Change[] {
    return this.#all(`pk > 'CHG#' AND pk < 'CHG$' ORDER BY sk`).map((item) => StoredChange.parse(item));
  }

  /** Locks of targets. */
  get locks(): Item[] {
    return this.#all(`pk > 'LOCK#' AND pk < 'LOCK$' ORDER BY pk`);
  }

  /** Sessions of the console. */
  get sessions(): Item[] {
    return this.#all(`sk = 'SESSION'`);
  }

  /** Automatic actions of all services. */
  get automaticActions(): Item[] {
    return this.#all(`pk > 'AUTOACTION#' AND pk < 'AUTOACTION$' ORDER BY sk`);
  }

  get isPaused(): boolean {
    return this.#all(`pk = ?`, keys.automation().pk)[0]?.['paused'] === true;
  }

  /** Returns the start of the newest episode of an alert. */
  startOf(fingerprint: string): Timestamp | undefined {
    const episodes = this.#all(`pk > 'EP#' AND pk < 'EP$' ORDER BY rowid`);
    return episodes.findLast((episode) => episode['fingerprint'] === fingerprint)?.['starts_at'] as Timestamp;
  }

  /** Returns items of an incident in this order. */
  of(id: IncidentId, prefix: string, order = 'sk'): Item[] {
    const { pk } = keys.incident(id);
    return this.#all(`pk = ? AND sk >= ? AND sk < ? ORDER BY ${order}`, pk, prefix, `${prefix}~`);
  }

  /** Changes an incident regardless of its state. */
  async editIncident(id: IncidentId, set: object): Promise<void> {
    await this.write([update(keys.incident(id), { set: set as Record<string, unknown> })]);
  }

  /** Removes the records of changes, as if they were never reported. */
  forgetChanges(which: (change: Change) => boolean = () => true): void {
    for (const { id } of this.changes.filter(which))
      this.#database.sql.run(
        `DELETE FROM items WHERE (pk > 'CHG' AND pk < 'CHH' OR pk IN ('LIVE', 'ROLLING', 'FAILED')) AND instr(sk || pk || item, ?)`,
        id,
      );
  }

  #all(condition: string, ...values: string[]): Item[] {
    const rows = this.#database.sql.all(`SELECT item FROM items WHERE ${condition}`, ...values);
    return rows.map(({ item }) => JSON.parse(String(item)) as Item);
  }
}

/** What is stored of an incident. */
class Dossier {
  readonly #store: StoredData;
  readonly #id: IncidentId;

  constructor(store: StoredData, id: IncidentId) {
    this.#store = store;
    this.#id = id;
  }

  get record(): IncidentRecord {
    return this.#store.of(this.#id, 'META').map(incidentRecordOf)[0] as IncidentRecord;
  }

  /** In the order of recording. */
  get timeline(): TimelineEntry[] {
    return this.#store.of(this.#id, 'TL#', 'rowid').map((item) => TimelineEntry.parse({ detail: null, ...item }));
  }

  get inbox(): { seq: number; at: Timestamp; message: Message }[] {
    return this.#store
      .of(this.#id, 'IN#')
      .map(({ seq, at, message }) => ({ seq: Number(seq), at: at as Timestamp, message: message as Message }));
  }

  /** By their starts. */
  get signals(): AdmittedSignal[] {
    return this.#store.of(this.#id, 'SIG#').map(admittedSignalIn);
  }

  get decisions(): ReadonlyMap<number, StoredJudgement> {
    const all = this.#store.of(this.#id, 'DEC#');
    return new Map(
      all.map((item) => [
        Number(item['number']),
        { view: StoredDecision.parse(item), inputs: JSON.parse(String(item['inputs'])) as StoredJudgement['inputs'] },
      ]),
    );
  }

  get effects(): ReadonlyMap<string, Effect> {
    const all = this.#store.of(this.#id, 'EFF#').map((item) => StoredEffect.parse(item));
    return new Map(all.toSorted((a, b) => a.at.localeCompare(b.at)).map((effect) => [effect.key, effect]));
  }

  /** Of a parent: its children, also former ones. */
  get children(): IncidentId[] {
    return this.#store.of(this.#id, 'CHILD#').map(({ child }) => child as IncidentId);
  }
}
