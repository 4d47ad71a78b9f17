import * as z from 'zod';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { SloStatuses } from '../types.ts';
import type { SloId } from '../../../schemas/slo/slo.ts';
import { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../keys.ts';
import type { BudgetState } from '../../../core/domain/ports/error-budgets.ts';
import { ParsedTexts } from '../../../core/stores/parsed-texts.ts';
import type { Table } from '../../../core/stores/table.ts';
import { anyOf, below, type Item, missing, remove, update } from '../../../platforms/store.ts';

const Statuses = z.array(SloStatus);

/** Number of texts, each with the statuses of a service and environment, that are cached parsed. */
const TEXTS_CACHED = 4000;

/**
 * Stores results of the last evaluation: one item for each service and environment, whose objectives are written and
 * read together.
 */
export class SloStatusTable implements SloStatuses {
  readonly #table: Table;
  readonly #parsed = new ParsedTexts(statusesOf, TEXTS_CACHED);

  constructor(table: Table) {
    this.#table = table;
  }

  async read(serviceEnvironments: readonly ServiceEnvironment[]): Promise<BudgetState> {
    const wanted = serviceEnvironments.map((one) => keys.sloStatus(one));
    const [evaluation, ...items] = await this.#table.shared.read([keys.sloEvaluation(), ...wanted]);
    return {
      statuses: wanted.map((_, index) => this.#parsed.of(statusesTextIn(items[index]))),
      evaluatedAt: evaluatedIn(evaluation),
    };
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
const statusesTextIn = (item: Item | undefined): string => (item === undefined ? '[]' : String(item['statuses']));

const statusesOf = (text: string): SloStatus[] => Statuses.parse(JSON.parse(text));

const statusesIn = (item: Item | undefined): SloStatus[] => statusesOf(statusesTextIn(item));

const evaluatedIn = (item: Item | undefined): Timestamp | null =>
  item?.['evaluated_at'] === undefined ? null : Timestamp.parse(item['evaluated_at']);
