import { connectTo } from '../forward.ts';
import { startDynamoDb } from '../aws/dynamodb.ts';
import { type Call, jsonOf, type Reply, type Send } from './wire.ts';

/** A copy of the database that lags behind it: the data that an eventually consistent read may return. */
export type Replica = {
  /** Responds to a read from the copy. Also applies table operations to the copy. */
  read(call: Call): Promise<Reply>;
  /** Records a write that the primary may have applied. The copy contains it after the lag. */
  written(call: Call): void;
  close(): Promise<void>;
};

/** An item or a key in wire format: `{ pk: { S: 'x' } }`. */
type Item = Record<string, unknown>;
type Located = { table: string; item: Item };

type WriteInput = {
  TableName?: string;
  Item?: Item;
  Key?: Item;
  RequestItems?: Record<string, { PutRequest?: { Item: Item }; DeleteRequest?: { Key: Item } }[]>;
  TransactItems?: { Put?: WriteInput; Update?: WriteInput; Delete?: WriteInput }[];
};

type TableDescription = {
  TableName: string;
  KeySchema: { AttributeName: string }[];
  AttributeDefinitions: object[];
  GlobalSecondaryIndexes?: IndexDescription[];
  LocalSecondaryIndexes?: IndexDescription[];
};
type IndexDescription = { IndexName: string; KeySchema: object[]; Projection: object };

/**
 * Starts a second database as a copy of the primary's tables and items, and keeps it `lagMs` behind.
 *
 * Items are copied as a whole some time after they were written, in the order of writes, and indexes follow by
 * themselves. So any query, even a new one, gets the result of a moment ago, and an item never goes back in time. All
 * writes must go through this replica, except for PartiQL, which is not supported.
 *
 * @param first any call of the product, whose signature is used for the copy's own requests
 */
export async function startReplica(primary: Send, first: Call, lagMs: number): Promise<Replica> {
  const database = await startDynamoDb();
  const { hostname: host, port } = new URL(database.url);
  const connection = connectTo({ host, port: Number(port) });
  const ask = asker(first);
  const keyNames = new Map<string, string[]>();

  const keyOf = async ({ table, item }: Located): Promise<Item> => {
    const names = keyNames.get(table) ?? (await keyAttributes(table));
    return Object.fromEntries(names.map((name) => [name, item[name]]));
  };
  const keyAttributes = async (table: string) => {
    const { Table } = await ask<{ Table: TableDescription }>(connection.send, 'DescribeTable', { TableName: table });
    const names = Table.KeySchema.map(({ AttributeName }) => AttributeName);
    keyNames.set(table, names);
    return names;
  };
  const copy = async (located: Located) => {
    const TableName = located.table;
    const Key = await keyOf(located);
    const { Item } = await ask<{ Item?: Item }>(primary, 'GetItem', { TableName, Key, ConsistentRead: true });
    if (Item) await ask(connection.send, 'PutItem', { TableName, Item });
    else await ask(connection.send, 'DeleteItem', { TableName, Key });
  };

  await copyTables(
    <T>(operation: string, input: object) => ask<T>(primary, operation, input),
    <T>(operation: string, input: object) => ask<T>(connection.send, operation, input),
  );
  const timers = new Set<NodeJS.Timeout>();
  let copying: Promise<void> = Promise.resolve(); // sequential, since otherwise an older state could be copied last
  return {
    read: (call) => connection.send(call),
    written: (call) => {
      const items = itemsOf(jsonOf<WriteInput>(call));
      const timer = setTimeout(() => {
        timers.delete(timer);
        // Copying fails only if the primary is gone. Then there are no reads either.
        copying = items.reduce((before, item) => before.then(() => copy(item)).catch(() => {}), copying);
      }, lagMs);
      timers.add(timer.unref());
    },
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      await copying;
      connection.close();
      await database.close();
    },
  };
}

/**
 * Sends requests to either database, with the signature of a call that the primary has accepted. The local databases check
 * its access key, and not whether it fits the request.
 */
function asker({ headers: { authorization, 'x-amz-date': date } }: Call) {
  return async <T>(send: Send, operation: string, input: object): Promise<T> => {
    const reply = await send({
      method: 'POST',
      path: '/',
      headers: {
        authorization,
        'x-amz-date': date,
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      },
      body: Buffer.from(JSON.stringify(input)),
      operation,
      random: () => 0,
    });
    if (reply.status === 200) return jsonOf<T>(reply);
    throw new Error(`${operation} for the replica failed: ${reply.status} ${reply.body.toString()}`);
  };
}

type Ask = <T>(operation: string, input: object) => Promise<T>;

async function copyTables(primary: Ask, replica: Ask): Promise<void> {
  const { TableNames } = await primary<{ TableNames: string[] }>('ListTables', {});
  for (const TableName of TableNames) {
    const { Table } = await primary<{ Table: TableDescription }>('DescribeTable', { TableName });
    await replica('CreateTable', definitionOf(Table));
    let ExclusiveStartKey: Item | undefined;
    do {
      const page: { Items: Item[]; LastEvaluatedKey?: Item } = await primary('Scan', {
        TableName,
        ConsistentRead: true,
        ExclusiveStartKey,
      });
      for (const Item of page.Items) await replica('PutItem', { TableName, Item });
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }
}

function definitionOf({ TableName, KeySchema, AttributeDefinitions, ...table }: TableDescription): object {
  const indexes = (all: IndexDescription[] | undefined) =>
    all?.map(({ IndexName, KeySchema: keys, Projection }) => ({ IndexName, KeySchema: keys, Projection }));
  return {
    TableName,
    KeySchema,
    AttributeDefinitions,
    BillingMode: 'PAY_PER_REQUEST',
    GlobalSecondaryIndexes: indexes(table.GlobalSecondaryIndexes),
    LocalSecondaryIndexes: indexes(table.LocalSecondaryIndexes),
  };
}

/** Returns every item that a write changes. For a key, only its key attributes are returned, which is enough. */
function itemsOf({ TableName = '', Item, Key, RequestItems = {}, TransactItems = [] }: WriteInput): Located[] {
  const single = Item ?? Key;
  return [
    ...(single ? [{ table: TableName, item: single }] : []),
    ...Object.entries(RequestItems).flatMap(([table, requests]) =>
      requests.flatMap(({ PutRequest, DeleteRequest }) => {
        const item = PutRequest?.Item ?? DeleteRequest?.Key;
        return item ? [{ table, item }] : [];
      }),
    ),
    ...TransactItems.flatMap(({ Put, Update, Delete }) => {
      const write = Put ?? Update ?? Delete;
      return write ? itemsOf(write) : [];
    }),
  ];
}
