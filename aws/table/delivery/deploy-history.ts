import { deployRecordOf } from '../../../domain/delivery/deploy-record.ts';
import type { DeployHistory, DeployQuery } from '../../../domain/delivery/ports.ts';
import type { DeployRecord } from '../../../schemas/delivery/deploy-record.ts';
import { StoredChange } from '../../../schemas/incidents/stored-records.ts';
import { pointee } from '../changes/changes.ts';
import { keys, shardedLists } from '../core/keys.ts';
import { collect, type Item, listed, type Table } from '../core/table.ts';

/** Sorts after every ID with the same start. */
const LAST = '#\uffff';

/** Reads deploys from the recorded changes. */
export class DeployHistoryTable implements DeployHistory {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async recorded(query: DeployQuery): Promise<DeployRecord[]> {
    const items = query.service === undefined ? await this.#ofAll(query) : await this.#ofService(query.service, query);
    return items.flatMap((item) => {
      if (query.environments !== undefined && !query.environments.includes(String(item['environment']))) return [];
      return deployRecordOf(StoredChange.parse(item)) ?? [];
    });
  }

  async #ofAll({ from, until }: DeployQuery): Promise<Item[]> {
    const shards = shardedLists.changes.shards.map(async (shard) => {
      const found: Item[] = [];
      const { KeyConditionExpression, ExpressionAttributeValues, ...rest } = listed(shard);
      let start: Item | undefined;
      do {
        const { items, last } = await this.#table.query({
          ...rest,
          KeyConditionExpression: `${KeyConditionExpression} AND list_key BETWEEN :from AND :until`,
          ExpressionAttributeValues: { ...ExpressionAttributeValues, ':from': from, ':until': `${until}${LAST}` },
          ...(start && { ExclusiveStartKey: start }),
        });
        found.push(...items);
        start = last;
      } while (start !== undefined);
      return found;
    });
    return (await Promise.all(shards)).flat();
  }

  async #ofService(service: string, { from, until }: DeployQuery): Promise<Item[]> {
    const rows = await collect(
      this.#table.each(keys.changesOf(service).pk, '', { from, until: `${until}${LAST}` }),
      (item) => item,
    );
    return (await this.#table.getAll(rows.map(pointee))).filter((item) => item !== undefined);
  }
}
