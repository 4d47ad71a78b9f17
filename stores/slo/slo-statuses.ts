import * as z from 'zod';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { SloStatuses } from '../../domain/ports/slo.ts';
import type { SloId } from '../../schemas/slo/slo.ts';
import { SloStatus } from '../../schemas/slo/slo-status.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import type { Table } from '../core/table.ts';
import { anyOf, below, type Item, missing, remove, update } from '../../platforms/store.ts';

const Statuses = z.array(SloStatus);

/**
 * Stores results of the last evaluation: one item for each service and environment, whose objectives are written and
 * read together.
 */
export class SloStatusTable implements SloStatuses {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async of(serviceEnvironment: ServiceEnvironment): Promise<SloStatus[]> {
    return statusesIn(await this.#table.get(keys.sloStatus(serviceEnvironment)));
  }

  /** Searches all items: an objective may have moved to another service. */
  async get(id: SloId): Promise<SloStatus | undefined> {
    for await (const item of this.#table.each(keys.sloStatuses().pk)) {
      const status = statusesIn(item).find((one) => one.id === id);
      if (status !== undefined) return status;
    }
    return undefined;
  }

  async all(): Promise<SloStatus[]> {
    const all: SloStatus[] = [];
    for await (const item of this.#table.each(keys.sloStatuses().pk)) all.push(...statusesIn(item));
    return all;
  }

  async put(serviceEnvironment: ServiceEnvironment, statuses: readonly SloStatus[]): Promise<void> {
    if (statuses.length === 0) {
      await this.#table.transact([remove(keys.sloStatus(serviceEnvironment))]);
      return;
    }
    // As text: DynamoDB's numbers have a smaller range than JavaScript's.
    await this.#table.update(keys.sloStatus(serviceEnvironment), { set: { statuses: JSON.stringify(statuses) } });
  }

  async evaluatedAt(): Promise<Timestamp | null> {
    return evaluatedIn(await this.#table.get(keys.sloEvaluation()));
  }

  /** A slow evaluation that ends after a later one does not move the time back. */
  async setEvaluatedAt(at: Timestamp): Promise<void> {
    await this.#table.transact([
      update(
        keys.sloEvaluation(),
        { set: { evaluated_at: at } },
        anyOf(missing('evaluated_at'), below('evaluated_at', at)),
      ),
    ]);
  }
}

/** As text, which `statusesOf` parses. */
export const statusesTextIn = (item: Item | undefined): string =>
  item === undefined ? '[]' : String(item['statuses']);

export const statusesOf = (text: string): SloStatus[] => Statuses.parse(JSON.parse(text));

const statusesIn = (item: Item | undefined): SloStatus[] => statusesOf(statusesTextIn(item));

export const evaluatedIn = (item: Item | undefined): Timestamp | null =>
  item?.['evaluated_at'] === undefined ? null : Timestamp.parse(item['evaluated_at']);
