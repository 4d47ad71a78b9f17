import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { keys, shardedLists } from '../../aws/table/core/keys.ts';
import { type Item, Table, type Write } from '../../aws/table/core/table.ts';
import { Change } from '../../schemas/changes/change.ts';
import { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { Pin } from '../../schemas/changes/pin.ts';
import { TABLE_FORMAT, unreadable } from './formats.ts';

/**
 * Upgrades a table that an older version has written, so that its open incidents continue. Runs before anything else
 * reads the table, and can be repeated after a crash.
 *
 * @throws Error if a newer version has written the table
 */
export async function bringUpToDate(client: DynamoDBClient, name: string): Promise<void> {
  const table = new Table(client, name);
  const format = Number((await table.get(keys.format()))?.['format'] ?? 1);
  if (format === TABLE_FORMAT) return;
  if (format > TABLE_FORMAT) throw unreadable('the table in the data folder', format, TABLE_FORMAT);
  for await (const item of scanned(client, name)) {
    const writes = rewritten(table, item);
    if (writes.length > 0) await table.transact(writes);
  }
  await table.transact([table.put({ ...keys.format(), format: TABLE_FORMAT })]);
}

async function* scanned(client: DynamoDBClient, TableName: string): AsyncGenerator<Item> {
  const documents = DynamoDBDocumentClient.from(client);
  let start: Item | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await documents.send(
      new ScanCommand({ TableName, ConsistentRead: true, ...(start && { ExclusiveStartKey: start }) }),
    );
    yield* Items;
    start = LastEvaluatedKey;
  } while (start);
}

/** Returns the writes for an item of format 1. */
function rewritten(table: Table, item: Item): Write[] {
  const { pk, sk, list, list_key } = item;
  if (pk === 'PENDING') {
    const id = IncidentId.parse(sk);
    return [table.remove({ pk, sk: id }), table.put({ ...item, ...keys.pending(id) })];
  }
  switch (list) {
    case 'INCIDENTS': {
      const { id, service, status } = IncidentRecord.parse(item);
      return [
        table.put({ ...item, ...shardedLists.incidents.place(id, id) }),
        table.put(keys.incidentOf(service, id)),
        ...(status === 'resolved' ? [] : [table.put(keys.openIncident(id))]),
      ];
    }
    case 'CHANGES': {
      const { id, service, started_at } = Change.parse(item);
      return [
        table.put({ ...item, ...shardedLists.changes.place(id, String(list_key)) }),
        table.put({ ...keys.changeOf(service, started_at, id), at_pk: pk, at_sk: sk }),
      ];
    }
    case 'RECORDED':
    case 'MUTED': {
      const alert = String(pk).slice('EP#'.length);
      const lists = list === 'MUTED' ? shardedLists.muted : shardedLists.recorded;
      const [at] = String(list_key).split('#');
      return [table.put({ ...item, ...lists.place(alert, `${at}#${alert}`) })];
    }
    case 'PINS': {
      const { service, environment } = Pin.parse(item);
      return [table.put({ ...keys.pinnedPlace({ service, environment }), service, environment })];
    }
    default:
      return [];
  }
}
