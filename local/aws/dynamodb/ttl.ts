import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  paginateScan,
} from '@aws-sdk/client-dynamodb';

export type TtlSweep = {
  /** Scans the table once and returns the number of deleted items. */
  sweep(): Promise<number>;
  /** Resolves when a running sweep has ended. */
  close(): Promise<void>;
};

/**
 * Items that expired longer ago than this are kept, as on AWS, to protect against malformed values.
 *
 * @see Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB"
 */
const IGNORED_AFTER_SECONDS = 5 * 365 * 24 * 60 * 60;

/**
 * Deletes expired items as DynamoDB's Time to Live does, because the local program has no TTL job: items whose
 * `attribute` is a number of seconds since the Unix epoch in the past, but not more than five years in the past. On
 * AWS, an item can remain for days after its expiry, so readers must filter by the attribute themselves in both
 * environments.
 *
 * @param options.everySeconds real seconds between the end of one sweep and the next; expiry is never time-scaled
 * @param options.now milliseconds since the Unix epoch, `Date.now` by default
 */
export function startTtlSweep(options: {
  client: DynamoDBClient;
  table: string;
  attribute: string;
  everySeconds: number;
  now?: () => number;
  log?: (entry: object) => void;
}): TtlSweep {
  const { client, table, attribute, everySeconds, now = Date.now, log = () => {} } = options;
  const sweep = () => sweepOnce(client, table, attribute, Math.floor(now() / 1000));
  const closed = new AbortController();
  const pause = () => sleep(everySeconds * 1000, undefined, { signal: closed.signal, ref: false }).catch(() => {});
  const sweepUntilClosed = async () => {
    for (await pause(); !closed.signal.aborted; await pause()) {
      try {
        const deleted = await sweep();
        if (deleted > 0) log({ event: 'dynamodb.ttl', table, deleted });
      } catch (error) {
        // Nothing depends on the time of deletion; the next sweep retries.
        log({ event: 'dynamodb.ttl-failed', table, error: String(error) });
      }
    }
  };
  const running = sweepUntilClosed();
  return {
    sweep,
    close: async () => {
      closed.abort();
      await running;
    },
  };
}

async function sweepOnce(
  client: DynamoDBClient,
  table: string,
  attribute: string,
  nowSeconds: number,
): Promise<number> {
  const expired = {
    expression: 'attribute_type(#ttl, :number) AND #ttl < :now AND #ttl > :ignored',
    values: {
      ':number': { S: 'N' },
      ':now': { N: `${nowSeconds}` },
      ':ignored': { N: `${nowSeconds - IGNORED_AFTER_SECONDS}` },
    },
  };
  const keyNames = await keyAttributes(client, table);
  const pages = paginateScan(
    { client },
    {
      TableName: table,
      ConsistentRead: true,
      FilterExpression: expired.expression,
      ProjectionExpression: keyNames.map((_, i) => `#k${i}`).join(', '),
      ExpressionAttributeNames: {
        '#ttl': attribute,
        ...Object.fromEntries(keyNames.map((name, i) => [`#k${i}`, name])),
      },
      ExpressionAttributeValues: expired.values,
    },
  );
  let deleted = 0;
  for await (const { Items = [] } of pages) {
    for (const key of Items) if (await deleteExpired(key)) deleted += 1;
  }
  return deleted;

  /** Repeats the condition in the delete request, to keep an item that was renewed after the scan. */
  async function deleteExpired(key: Record<string, AttributeValue>): Promise<boolean> {
    try {
      await client.send(
        new DeleteItemCommand({
          TableName: table,
          Key: key,
          ConditionExpression: expired.expression,
          ExpressionAttributeNames: { '#ttl': attribute },
          ExpressionAttributeValues: expired.values,
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

async function keyAttributes(client: DynamoDBClient, table: string): Promise<string[]> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
  return (Table?.KeySchema ?? []).flatMap(({ AttributeName }) => AttributeName ?? []);
}
