import { setImmediate } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import { deployCounts } from '../decisions/deploy-counts.ts';
import { deployRecordOf } from '../decisions/deploy-record.ts';
import type { DeployHistory, DeployQuery } from '../types.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import { DeployRecord } from '../deploy-record.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { StoredChange } from '../../../schemas/incidents/stored-records.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { keyPointedTo } from '../../../core/stores/changes/changes.ts';
import { type Key, keys as coreKeys, shardedLists } from '../../../core/stores/keys.ts';
import { keys } from '../keys.ts';
import { ParsedTexts } from '../../../core/stores/parsed-texts.ts';
import { shardedPage } from '../../../core/stores/sharded.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { equals, type Item, put, remove, update } from '../../../platforms/store.ts';

/** Sorts after every ID with the same start. */
const AFTER_EACH_ID = '#\uffff';

/** More than twice the longest window of delivery figures, 366 days. Older changes are still recorded. */
const RETENTION_SECONDS = 800 * 24 * 3600;

/** What a rollup has: 2 with changes of the infrastructure, 3 with deploys that were rolled back before their end. Rollups of another form are written again. */
const FORMAT = 3;

/** Changes that a step of the backfill marks, and steps of a run. */
const BACKFILL_PAGE = 500;
const BACKFILL_PAGES = 4;

/** Marks that a run reads, and those of one day that its transaction removes: DynamoDB allows 100 items in all. */
const MARKS_READ = 5000;
const MARKS_PER_DAY = 95;

/** Services and environments that are read at the same time. */
const READ_AT_ONCE = 16;

/** Rollups that are cached parsed: those of four weeks of 700 services. */
const ROLLUPS_CACHED = 20_000;

const RollupRecord = DeployRecord.omit({ service: true, environment: true });
const Rollup = z.array(RollupRecord);

/** A change of a day that its rollup does not include yet. `mark`: new with each write of the change. */
type Mark = { key: Key; serviceEnvironment: ServiceEnvironment; day: string; mark: string };

/**
 * Reads deploys from rollups, an item for each day of a service and environment, and from the recorded changes. Each
 * write of a change marks its day in the same transaction, and a rollup removes the marks that it has read, so a day
 * without a mark has a current rollup, or no deploys.
 */
export class DeployHistoryTable implements DeployHistory {
  readonly #table: Table;
  readonly #parsed = new ParsedTexts(rollupOf, ROLLUPS_CACHED);

  constructor(table: Table) {
    this.#table = table;
  }

  async read(query: DeployQuery): Promise<DeployRecord[]> {
    const state = await this.#table.get(keys.rollupState());
    if (state?.['complete'] !== true || state['form'] !== FORMAT) return this.recorded(query);
    // Read marks before rollups: a mark that is removed meanwhile belongs to a rollup that is read afterwards.
    const marks = await this.#marks();
    const marksByScope = Map.groupBy(marks, ({ serviceEnvironment }) => keyOf(serviceEnvironment));
    const scopes = await this.#scopes(marks, query);
    const found: DeployRecord[][] = [];
    for (let from = 0; from < scopes.length; from += READ_AT_ONCE) {
      await setImmediate(); // let others run: a store in this process answers without a pause
      found.push(
        ...(await Promise.all(
          scopes
            .slice(from, from + READ_AT_ONCE)
            .map((serviceEnvironment) =>
              this.#deploysOfScope(serviceEnvironment, daysOf(marksByScope.get(keyOf(serviceEnvironment))), query),
            ),
        )),
      );
    }
    return found.flat();
  }

  async recorded(query: DeployQuery): Promise<DeployRecord[]> {
    const items =
      query.service === undefined
        ? await this.#changeItemsOfAll(query)
        : await this.#changeItemsOfService(query.service, query);
    return items.flatMap((item) => {
      if (query.environments !== undefined && !query.environments.includes(String(item['environment']))) return [];
      return deployRecordOf(StoredChange.parse(item)) ?? [];
    });
  }

  async roll(daysMax: number): Promise<{ rolled: number; isComplete: boolean }> {
    let backfilled = false;
    for (let page = 0; page < BACKFILL_PAGES && !backfilled; page += 1) backfilled = await this.#backfill();
    const marks = await this.#marks(MARKS_READ);
    const days = [
      ...Map.groupBy(marks, ({ serviceEnvironment, day }) =>
        JSON.stringify([serviceEnvironment.service, serviceEnvironment.environment, day]),
      ).values(),
    ];
    let rolled = 0;
    for (const marksOfDay of days.slice(0, daysMax)) if (await this.#rollDay(marksOfDay)) rolled += 1;
    return { rolled, isComplete: backfilled && rolled === days.length };
  }

  /**
   * Marks the days of changes that were recorded before rollups of this form existed, one page at a time. The position is stored after
   * the marks of a page, so an interrupted run repeats at most one page.
   *
   * @returns whether all are marked
   */
  async #backfill(): Promise<boolean> {
    const stored = await this.#table.get(keys.rollupState());
    const state = stored?.['form'] === FORMAT ? stored : undefined;
    if (state?.['complete'] === true) return true;
    const cursor = typeof state?.['cursor'] === 'string' ? state['cursor'] : undefined;
    const page = await shardedPage(this.#table, shardedLists.changes, { limit: BACKFILL_PAGE, cursor });
    await Promise.all(
      page.items.map((item) => {
        const change = StoredChange.parse(item);
        return this.#table.update(keys.rollupMark(change), {
          set: { service: change.service, environment: change.environment },
          setIfMissing: { mark: 'backfill' },
        });
      }),
    );
    const complete = page.next_cursor === null;
    await this.#table.update(keys.rollupState(), { set: { complete, cursor: page.next_cursor, form: FORMAT } });
    return complete;
  }

  /**
   * Writes the rollup of a day, adds the deploys that it did not have before to the counts, and removes the marks that were
   * read before its changes. Does nothing if one of these marks has changed: another write or another run came between.
   */
  async #rollDay(all: readonly Mark[]): Promise<boolean> {
    const marks = all.slice(0, MARKS_PER_DAY);
    const [first] = marks;
    if (first === undefined) return false;
    const { serviceEnvironment, day } = first;
    const records = await this.#recordedOf(serviceEnvironment, dayFrom(day), dayUntil(day));
    const gzip = gzipSync(JSON.stringify(records.map((one) => RollupRecord.parse(one)))).toString('base64');
    const { service, environment } = serviceEnvironment;
    const add = deployCounts(records, await this.#rollupOf(serviceEnvironment, day));
    const result = await this.#table.transact([
      put({
        ...keys.rollup(serviceEnvironment, day),
        gzip,
        expires_at: Date.parse(day) / 1000 + RETENTION_SECONDS,
      }),
      put({ ...keys.rollupScope(serviceEnvironment), service, environment }),
      update(keys.deployCounts(serviceEnvironment), { set: { service, environment }, add }),
      ...marks.map(({ key, mark }) => remove(key, equals('mark', mark))),
    ]);
    return result.ok && marks.length === all.length;
  }

  async #rollupOf(serviceEnvironment: ServiceEnvironment, day: string): Promise<z.infer<typeof Rollup>> {
    const item = await this.#table.get(keys.rollup(serviceEnvironment, day));
    return item === undefined ? [] : rollupOf(String(item['gzip']));
  }

  async counts(): Promise<(ServiceEnvironment & { counts: ReadonlyMap<string, number> })[]> {
    return collect(this.#table.each(keys.deployCountsOfAll().pk), (item) => ({
      ...scopeIn(item),
      counts: new Map(Object.entries(item).filter((entry): entry is [string, number] => typeof entry[1] === 'number')),
    }));
  }

  async #marks(limit?: number): Promise<Mark[]> {
    const { pk } = keys.rollupMarks();
    return collect(this.#table.each(pk, limit === undefined ? {} : { limit }), (item) => {
      const sk = String(item['sk']);
      return {
        key: { pk, sk },
        serviceEnvironment: scopeIn(item),
        day: sk.slice(0, 10),
        mark: String(item['mark']),
      };
    });
  }

  async #scopes(marks: readonly Mark[], { service, environments }: DeployQuery): Promise<ServiceEnvironment[]> {
    const known = await collect(this.#table.each(keys.rollupScopes().pk), scopeIn);
    const all = new Map(
      [...known, ...marks.map(({ serviceEnvironment }) => serviceEnvironment)].map((serviceEnvironment) => [
        keyOf(serviceEnvironment),
        serviceEnvironment,
      ]),
    );
    return [...all.values()].filter(
      (serviceEnvironment) =>
        (service === undefined || serviceEnvironment.service === service) &&
        (environments === undefined || environments.includes(serviceEnvironment.environment)),
    );
  }

  async #deploysOfScope(
    serviceEnvironment: ServiceEnvironment,
    marked: ReadonlySet<string>,
    { from, until }: DeployQuery,
  ): Promise<DeployRecord[]> {
    const found: DeployRecord[] = [];
    const [first, last] = [from.slice(0, 10), until.slice(0, 10)];
    for await (const item of this.#table.each(keys.rollup(serviceEnvironment, first).pk, {
      from: first,
      until: last,
    })) {
      if (marked.has(String(item['sk']))) continue;
      found.push(...this.#parsed.of(String(item['gzip'])).map((one) => ({ ...one, ...serviceEnvironment })));
    }
    for (const day of marked)
      if (day >= first && day <= last)
        found.push(...(await this.#recordedOf(serviceEnvironment, dayFrom(day), dayUntil(day))));
    return found.filter(({ started_at: at }) => at >= from && at <= until);
  }

  /** Reads the changes of one service and environment. Strongly consistent. */
  async #recordedOf(
    serviceEnvironment: ServiceEnvironment,
    from: Timestamp,
    until: Timestamp,
  ): Promise<DeployRecord[]> {
    const items = await collect(
      this.#table.each(coreKeys.changes(serviceEnvironment).pk, { from, until: `${until}${AFTER_EACH_ID}` }),
      (item) => item,
    );
    return items.flatMap((item) => deployRecordOf(StoredChange.parse(item)) ?? []);
  }

  async #changeItemsOfAll({ from, until }: DeployQuery): Promise<Item[]> {
    const range = { from, until: `${until}${AFTER_EACH_ID}` };
    const shards = shardedLists.changes.shards.map((shard) =>
      collect(this.#table.eachOfList(shard, range), (item) => item),
    );
    return (await Promise.all(shards)).flat();
  }

  async #changeItemsOfService(service: string, { from, until }: DeployQuery): Promise<Item[]> {
    const rows = await collect(
      this.#table.each(coreKeys.changesOf(service).pk, { from, until: `${until}${AFTER_EACH_ID}` }),
      (item) => item,
    );
    return (await this.#table.getAll(rows.map(keyPointedTo))).filter((item) => item !== undefined);
  }
}

const rollupOf = (gzip: string): z.infer<typeof Rollup> =>
  Rollup.parse(JSON.parse(gunzipSync(Buffer.from(gzip, 'base64')).toString()));

const scopeIn = ({ service, environment }: Item): ServiceEnvironment => ({
  service: ServiceName.parse(service),
  environment: EnvironmentName.parse(environment),
});

const keyOf = ({ service, environment }: ServiceEnvironment): string => JSON.stringify([service, environment]);

const daysOf = (marks: readonly Mark[] = []): Set<string> => new Set(marks.map(({ day }) => day));

const dayFrom = (day: string): Timestamp => `${day}T00:00:00.000Z` as Timestamp;
const dayUntil = (day: string): Timestamp => plusSeconds(dayFrom(day), 24 * 3600 - 0.001);
