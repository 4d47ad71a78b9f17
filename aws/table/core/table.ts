import { randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
  type TransactionCanceledException as Canceled,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import type { Page } from '../../../domain/ports/common.ts';
import type { Key } from './keys.ts';
import { sharedItems } from './shared-items.ts';

export type Item = Record<string, unknown>;
export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** `failed`: indexes of the writes whose condition failed. Nothing was written. */
export type Transacted = { ok: true } | { ok: false; failed: number[] };

/** Number of attempts, with growing pauses, on conflicts and throttling before the caller gets the error. */
const TEMPORARY_TRIES = 8;

/** DynamoDB's limit for BatchGetItem. */
const KEYS_PER_CALL = 100;

/** How many such calls are in progress at once. */
const CALLS_AT_ONCE = 8;

/** Returns the query of a list across partitions: the index `list`, eventually consistent. */
export const listed = (list: string) => ({
  IndexName: 'list',
  KeyConditionExpression: '#list = :list',
  ExpressionAttributeNames: { '#list': 'list' },
  ExpressionAttributeValues: { ':list': list },
});

/** Accesses the table, by default with strongly consistent reads and transactions. */
export class Table {
  readonly name: string;
  /** Like `getAll`, for items that many callers read at the same time. */
  readonly shared = sharedItems((keys) => this.getAll(keys));
  readonly #client: DynamoDBDocumentClient;

  constructor(client: DynamoDBClient, name: string) {
    this.name = name;
    // It copies and redacts every item for a logger that is not set.
    client.middlewareStack.remove('loggerMiddleware');
    this.#client = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  }

  async get(key: Key): Promise<Item | undefined> {
    const { Item } = await this.#client.send(new GetCommand({ TableName: this.name, Key: key, ConsistentRead: true }));
    return Item;
  }

  /** Reads items, each at the index of its key. Each is strongly consistent. */
  async getAll(wanted: readonly Key[]): Promise<(Item | undefined)[]> {
    if (wanted.length > KEYS_PER_CALL) {
      const found: (Item | undefined)[] = [];
      for (let from = 0; from < wanted.length; from += CALLS_AT_ONCE * KEYS_PER_CALL) {
        const calls = Array.from({ length: CALLS_AT_ONCE }, (_, n) => from + n * KEYS_PER_CALL);
        const parts = await Promise.all(calls.map((start) => this.getAll(wanted.slice(start, start + KEYS_PER_CALL))));
        for (const part of parts) found.push(...part);
      }
      return found;
    }
    const found = new Map<string, Item>();
    // DynamoDB refuses duplicate keys in one call.
    let left: readonly Key[] = [...new Map(wanted.map((key) => [`${key.pk} ${key.sk}`, key])).values()];
    for (let attempt = 1; left.length > 0; attempt += 1) {
      const { Responses = {}, UnprocessedKeys = {} } = await this.#client.send(
        new BatchGetCommand({ RequestItems: { [this.name]: { Keys: [...left], ConsistentRead: true } } }),
      );
      for (const item of Responses[this.name] ?? []) found.set(`${item['pk']} ${item['sk']}`, item);
      left = (UnprocessedKeys[this.name]?.Keys ?? []) as Key[];
      if (left.length > 0 && attempt === TEMPORARY_TRIES) throw new Error(`cannot read ${left.length} items`);
      if (left.length > 0) await pause(attempt);
    }
    return wanted.map(({ pk, sk }) => found.get(`${pk} ${sk}`));
  }

  put(item: Item, condition?: Condition): Write {
    return { Put: { TableName: this.name, Item: item, ...condition } };
  }

  update(key: Key, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Write {
    return { Update: { TableName: this.name, Key: key, ...update } as NonNullable<Write['Update']> };
  }

  remove(key: Key, condition?: Condition): Write {
    return { Delete: { TableName: this.name, Key: key, ...condition } };
  }

  /**
   * Writes all or nothing. All attempts use one token, so that a transaction that succeeded although its response was
   * lost is not mistaken for a failed condition; single conditional writes therefore use it too.
   * @throws errors other than failed conditions and temporary ones: too large, no table, or persistent conflicts
   */
  async transact(writes: readonly Write[]): Promise<Transacted> {
    const ClientRequestToken = randomUUID();
    try {
      await withRetries(() =>
        this.#client.send(new TransactWriteCommand({ TransactItems: [...writes], ClientRequestToken })),
      );
      return { ok: true };
    } catch (error) {
      const failed = failedConditions(error);
      if (failed.length > 0) return { ok: false, failed };
      throw error;
    }
  }

  /** Runs an update that has no condition or is harmless to repeat. */
  async touch(key: Key, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<Item | undefined> {
    const { Attributes } = await withRetries(() =>
      this.#client.send(new UpdateCommand({ TableName: this.name, Key: key, ...update })),
    );
    return Attributes;
  }

  /**
   * Runs an update that is harmless to repeat. Returns the whole item after it, as strongly consistent as a read;
   * undefined: there is no such item.
   */
  async updateExisting(
    key: Key,
    update: Pick<UpdateCommandInput, 'UpdateExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>,
  ): Promise<Item | undefined> {
    try {
      return await this.touch(key, { ...update, ...present, ReturnValues: 'ALL_NEW' });
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  /** Returns all items of a partition whose sort key has this prefix, in order. Strongly consistent. */
  async *each(
    pk: string,
    prefix = '',
    options: { newestFirst?: boolean; after?: string; from?: string; until?: string; limit?: number } = {},
  ): AsyncGenerator<Item> {
    const { condition, values } = range(prefix, options);
    let start: Item | undefined;
    let left = options.limit ?? Infinity;
    do {
      const page = await this.#client.send(
        new QueryCommand({
          TableName: this.name,
          ConsistentRead: true,
          KeyConditionExpression: `pk = :pk${condition}`,
          ExpressionAttributeValues: { ':pk': pk, ...values },
          ScanIndexForward: options.newestFirst !== true,
          ...(left === Infinity ? {} : { Limit: left }),
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      );
      for (const item of page.Items ?? []) yield item;
      left -= page.Items?.length ?? 0;
      start = left > 0 ? page.LastEvaluatedKey : undefined;
    } while (start);
  }

  /** Runs one query, newest first. `last`: where the next one starts; undefined at the end. */
  async query(query: Omit<QueryCommandInput, 'TableName'>): Promise<{ items: Item[]; last: Item | undefined }> {
    const { Items = [], LastEvaluatedKey: last } = await this.#client.send(
      new QueryCommand({ TableName: this.name, ScanIndexForward: false, ...query }),
    );
    return { items: Items, last };
  }

  /**
   * Returns one page, newest first, of a partition or of a list in the index; `keep` filters items before they are
   * counted.
   */
  async page(
    query: Omit<QueryCommandInput, 'TableName'>,
    { limit, cursor }: { limit: number; cursor?: string | undefined },
    keep: (item: Item) => boolean = () => true,
  ): Promise<Page<Item>> {
    const items: Item[] = [];
    let start = cursor === undefined ? undefined : decodeCursor(cursor, query);
    do {
      const page = await this.query({
        ...query,
        Limit: Math.max(limit - items.length, 25),
        ...(start ? { ExclusiveStartKey: start } : {}),
      });
      for (const item of page.items) {
        if (!keep(item)) continue;
        items.push(item);
        if (items.length === limit) return { items, next_cursor: encodeCursor(item, query.IndexName !== undefined) };
      }
      start = page.last;
    } while (start);
    return { items, next_cursor: null };
  }
}

export async function collect<T>(items: AsyncIterable<Item>, read: (item: Item) => T): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(read(item));
  return all;
}

export type Condition = Pick<
  NonNullable<Write['Put']>,
  'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

export const absent: Condition = { ConditionExpression: 'attribute_not_exists(pk)' };

/** The condition that a record has not changed since it was read with this revision. */
export const revisionIs = (rev: unknown): Condition => ({
  ConditionExpression: 'rev = :rev',
  ExpressionAttributeValues: { ':rev': rev },
});
export const present: Condition = { ConditionExpression: 'attribute_exists(pk)' };

/** Thrown for a cursor that this API did not return. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor';

  constructor() {
    super('unknown cursor; omit it to start at the newest item');
  }
}

const encodeCursor = (item: Item, index: boolean): string => {
  const { pk, sk, list, list_key } = item;
  return Buffer.from(JSON.stringify(index ? { pk, sk, list, list_key } : { pk, sk })).toString('base64url');
};

function decodeCursor(cursor: string, query: Omit<QueryCommandInput, 'TableName'>): Item {
  const names = query.IndexName === undefined ? ['pk', 'sk'] : ['pk', 'sk', 'list', 'list_key'];
  const key = Cursor.safeParse(jsonIn(cursor));
  if (!key.success || Object.keys(key.data).toSorted().join() !== names.toSorted().join()) throw new BadCursor();
  const { ':pk': pk, ':list': list, ':prefix': prefix = '' } = query.ExpressionAttributeValues ?? {};
  const inside = query.IndexName === undefined ? key.data['pk'] === pk : key.data['list'] === list;
  if (!inside || !key.data['sk']?.startsWith(String(prefix))) throw new BadCursor();
  return key.data;
}

const Cursor = z.record(z.string(), z.string());

function jsonIn(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function range(
  prefix: string,
  { after, from, until }: { after?: string; from?: string; until?: string },
): { condition: string; values: Item } {
  if (after !== undefined)
    return {
      condition: ' AND sk BETWEEN :after AND :end',
      values: { ':after': `${after}\u0000`, ':end': `${prefix}\uffff` },
    };
  if (from !== undefined && until !== undefined)
    return { condition: ' AND sk BETWEEN :from AND :until', values: { ':from': from, ':until': until } };
  if (from !== undefined) return { condition: ' AND sk >= :from', values: { ':from': from } };
  if (until !== undefined) return { condition: ' AND sk <= :until', values: { ':until': until } };
  return prefix === ''
    ? { condition: '', values: {} }
    : { condition: ' AND begins_with(sk, :prefix)', values: { ':prefix': prefix } };
}

function failedConditions(error: unknown): number[] {
  if (!isCanceled(error)) return [];
  const reasons = error.CancellationReasons ?? [];
  // A conflict next to a failed condition proves nothing about the other writes: retry the transaction.
  if (reasons.some((reason) => reason.Code === 'TransactionConflict')) return [];
  return reasons.flatMap((reason, index) => (reason.Code === 'ConditionalCheckFailed' ? [index] : []));
}

/** Retries a write on temporary errors. The SDK's own retries do not cover conflicts. */
async function withRetries<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isTemporary(error) || attempt === TEMPORARY_TRIES) throw error;
      await pause(attempt);
    }
  }
}

const TEMPORARY_REASONS = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);
const TEMPORARY_ERRORS = new Set(['TransactionInProgressException', 'TransactionConflictException']);

const isTemporary = (error: unknown): boolean =>
  isCanceled(error)
    ? (error.CancellationReasons ?? []).some((reason) => TEMPORARY_REASONS.has(reason.Code ?? ''))
    : error instanceof Error && TEMPORARY_ERRORS.has(error.name);

const isCanceled = (error: unknown): error is Canceled => error instanceof TransactionCanceledException;

const pause = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(20 * 2 ** attempt, 1000) * (0.5 + Math.random() / 2)));
