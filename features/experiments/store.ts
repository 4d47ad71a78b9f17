import type { Page, ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Experiments } from './types.ts';
import type { Counters } from '../../core/domain/ports/system.ts';
import {
  ExpectedAlert,
  Experiment,
  ExperimentEvent,
  ExperimentId,
  ExperimentRecord,
  Observation,
  SeenChaos,
  EndCode,
  ExperimentEnding,
  ExperimentStatus,
  StopState,
} from './experiment.ts';
import { sha256 } from '../../core/stores/hash.ts';
import { auditWrite } from '../../core/stores/audit/audit-writes.ts';
import { keys, LIST } from './keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../core/stores/retention.ts';
import { collect, type Table } from '../../core/stores/table.ts';
import {
  absent,
  allOf,
  equals,
  type Item,
  present,
  put,
  remove,
  revisionIs,
  update,
  type Write,
} from '../../platforms/store.ts';
import * as z from 'zod';
import { Severity } from '../../schemas/config/names.ts';
import { readAs } from '../../schemas/parsing/read-as.ts';

/*
 * Schemas for records in the table, in which a newer version may have written unknown values. Each is read as the known
 * value that does the least harm: nothing is expected, so alerts page.
 */

const stored = {
  status: readAs(ExperimentStatus, 'ended'),
  ending: ExperimentEnding.extend({ code: readAs(EndCode, 'stopped') }).nullable(),
  stop: z.object({ state: readAs(StopState, 'unconfirmed'), detail: z.string() }),
};

const StoredExperiment = Experiment.extend(stored);

/** Keeps unknown fields, because it is written back as a whole. */
const StoredExperimentRecord = ExperimentRecord.extend(stored).loose();

const StoredExperimentEvent = ExperimentEvent.extend({ kind: readAs(ExperimentEvent.shape.kind, 'stopped') });

const StoredObservation = Observation;

const StoredExpectedAlert = ExpectedAlert.extend({ severity: readAs(Severity, 'critical') });

/** Observations per transaction, below DynamoDB's limit of 100 items. Further ones are not stored: one step has fewer. */
const OBSERVATIONS_PER_WRITE = 80;

/**
 * Stores chaos experiments, at most one at a time for each service and environment, and which objects of chaos systems
 * such as Litmus have been seen.
 */
export class ExperimentTable implements Experiments {
  readonly #table: Table;
  readonly #counters: Counters;

  constructor(table: Table, counters: Counters) {
    this.#table = table;
    this.#counters = counters;
  }

  async begin(
    experiment: ExperimentRecord,
    event: ExperimentEvent,
  ): Promise<{ ok: true } | { ok: false; running: ExperimentId }> {
    const { id, scope } = experiment;
    const result = await this.#table.transact([
      put(itemOf({ ...experiment, events: 1 }), absent),
      ...scope.map((serviceEnvironment) =>
        put({ ...keys.experimentAt(serviceEnvironment), experiment_id: id }, absent),
      ),
      put({ ...keys.experimentRunning(id), experiment_id: id }),
      ...this.#eventWrites(experiment, [event]),
    ]);
    if (result.ok) return { ok: true };
    for (const serviceEnvironment of scope) {
      const found = ExperimentId.safeParse(
        (await this.#table.get(keys.experimentAt(serviceEnvironment)))?.['experiment_id'],
      );
      if (found.success && found.data !== id) return { ok: false, running: found.data };
    }
    throw new Error(`experiment ${id} could not be stored; try again`);
  }

  async get(id: ExperimentId): Promise<ExperimentRecord | undefined> {
    const item = await this.#table.get(keys.experiment(id));
    return item && recordIn(item);
  }

  async list({
    service,
    environment,
    ...page
  }: Partial<ServiceEnvironment> & { limit: number; cursor?: string }): Promise<Page<Experiment>> {
    const { items, next_cursor } = await this.#table.page({ list: LIST }, page, (item) =>
      StoredExperiment.shape.scope
        .parse(item['scope'])
        .some(
          (serviceEnvironment) =>
            (service === undefined || serviceEnvironment.service === service) &&
            (environment === undefined || serviceEnvironment.environment === environment),
        ),
    );
    return { items: items.map((item) => StoredExperiment.parse(item)), next_cursor };
  }

  async unfinished(): Promise<ExperimentRecord[]> {
    const ids = await collect(this.#table.each(keys.experimentsRunning().pk), (item) =>
      ExperimentId.parse(item['experiment_id']),
    );
    if (ids.length === 0) return [];
    const items = await this.#table.getAll(ids.map(keys.experiment));
    return items.flatMap((item) => (item === undefined ? [] : [recordIn(item)]));
  }

  async put(
    experiment: ExperimentRecord,
    more: { events?: readonly ExperimentEvent[]; observations?: readonly Observation[] } = {},
  ): Promise<boolean> {
    const { events = [], observations = [] } = more;
    const { id, rev, scope, closed, conclusion } = experiment;
    const written = observations.slice(0, OBSERVATIONS_PER_WRITE);
    const { ok } = await this.#table.transact([
      put(
        itemOf({
          ...experiment,
          events: experiment.events + events.length,
          observations: experiment.observations + written.length,
          rev: rev + 1,
        }),
        revisionIs(rev),
      ),
      ...this.#eventWrites(experiment, events),
      ...written.map((observation, n) =>
        put({ ...keys.experimentObservation(id, experiment.observations + n + 1), ...observation }),
      ),
      ...(closed
        ? [
            remove(keys.experimentRunning(id)),
            ...scope.map((serviceEnvironment) => remove(keys.experimentAt(serviceEnvironment))),
          ]
        : []),
    ]);
    if (ok && closed && conclusion !== null)
      await this.#counters.add([{ name: 'firebreak_experiments_total', labels: [conclusion.outcome], by: 1 }]);
    return ok;
  }

  async expect(id: ExperimentId, alert: ExpectedAlert): Promise<void> {
    const name = `${alert.service}/${alert.environment}/${alert.episode}`;
    const listing = put({ ...keys.experimentAlert(id, sha256(name)), ...alert }, absent);
    if (!alert.abort) {
      await this.#table.transact([listing]);
      return;
    }
    // A new revision, so that the workflow cannot overwrite the abort with what it read before. Stores nothing if the
    // alert is known, or the experiment has been stopped.
    await this.#table.transact([
      listing,
      update(
        keys.experiment(id),
        { set: { abort_alert: { title: alert.title, at: alert.at } }, add: { rev: 1 } },
        allOf(present, equals('stopped_at', null)),
      ),
    ]);
  }

  events(id: ExperimentId): Promise<ExperimentEvent[]> {
    return collect(this.#table.each(keys.experiment(id).pk, { prefix: 'EVENT#' }), (item) =>
      StoredExperimentEvent.parse(item),
    );
  }

  observations(id: ExperimentId): Promise<Observation[]> {
    return collect(this.#table.each(keys.experiment(id).pk, { prefix: 'OBSERVATION#' }), (item) =>
      StoredObservation.parse(item),
    );
  }

  expected(id: ExperimentId): Promise<ExpectedAlert[]> {
    return collect(this.#table.each(keys.experiment(id).pk, { prefix: 'ALERT#' }), (item) =>
      StoredExpectedAlert.parse(item),
    );
  }

  seen(): Promise<SeenChaos[]> {
    return collect(this.#table.each(keys.allSeenChaos().pk), (item) => SeenChaos.parse(item));
  }

  async see(object: SeenChaos): Promise<void> {
    const expires = expiresAfter(object.at, RETENTION_DAYS.seenChaos);
    await this.#table.transact([put({ ...keys.seenChaos(object.key), ...object, ...expires })]);
  }

  /** Each event is an item, and an entry of the audit log. */
  #eventWrites({ id, name, scope, events: known }: ExperimentRecord, events: readonly ExperimentEvent[]): Write[] {
    return events.flatMap((event, n) => {
      const number = known + n + 1;
      return [
        put({ ...keys.experimentEvent(id, number), ...event }),
        auditWrite({
          id: `experiment:${id}:${number}`,
          at: event.at,
          actor: event.by ?? 'firebreak',
          kind: `experiment.${event.kind}`,
          subject: id,
          text: `Experiment ${name}: ${event.text}`,
          detail: { scope },
        }),
      ];
    });
  }
}

/** Returns the record without its keys. */
function recordIn({ pk: _pk, sk: _sk, list: _list, list_key: _key, ...record }: Item): ExperimentRecord {
  return StoredExperimentRecord.parse(record);
}

const itemOf = (experiment: ExperimentRecord): Item => ({
  ...keys.experiment(experiment.id),
  ...experiment,
  list: LIST,
  list_key: experiment.id,
});
