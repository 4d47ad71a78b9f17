import { randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Item, Key, Range, Rows, Store, Update, UpdateOptions, Write, Written } from '../store.ts';
import { type Expressions, hasLowerLimit, isEmpty, keyExpressions, writeExpressions } from './expressions.ts';

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Number of attempts, with growing pauses, on conflicts and throttling before the caller gets the error. */
const TEMPORARY_TRIES = 8;

/** DynamoDB's limit for BatchGetItem. */
const KEYS_PER_CALL = 100;

/** How many such calls are in progress at once. */
const CALLS_AT_ONCE = 8;

/** Stores items in one DynamoDB table with an index `list`. */
export class DynamoStore implements Store {
  readonly #name: string;
  readonly #client: DynamoDBDocumentClient;

  constructor(client: DynamoDBClient, name: string) {
    this.#name = name;
    // It copies and redacts every item for a logger that is not set.
    client.middlewareStack.remove('loggerMiddleware');
    // An object with a property `constructor`, such as a label or a service of that name, is a map, too.
    const marshallOptions = { removeUndefinedValues: true, convertClassInstanceToMap: true };
    this.#client = DynamoDBDocumentClient.from(client, { marshallOptions });
  }

  async get(key: Key): Promise<Item | undefined> {
    const { Item } = await this.#client.send(new GetCommand({ TableName: this.#name, Key: key, ConsistentRead: true }));
    return Item && withLists(Item);
  }

  async getMany(wanted: readonly Key[]): Promise<(Item | undefined)[]> {
    if (wanted.length > KEYS_PER_CALL) {
      const found: (Item | undefined)[] = [];
      for (let from = 0; from < wanted.length; from += CALLS_AT_ONCE * KEYS_PER_CALL) {
        const calls = Array.from({ length: CALLS_AT_ONCE }, (_, n) => from + n * KEYS_PER_CALL);
        const parts = await Promise.all(calls.map((start) => this.getMany(wanted.slice(start, start + KEYS_PER_CALL))));
        for (const part of parts) found.push(...part);
      }
      return found;
    }
    const found = new Map<string, Item>();
    // DynamoDB refuses duplicate keys in one call.
    let left: readonly Key[] = [...new Map(wanted.map((key) => [`${key.pk} ${key.sk}`, key])).values()];
    for (let attempt = 1; left.length > 0; attempt += 1) {
      const { Responses = {}, UnprocessedKeys = {} } = await this.#client.send(
        new BatchGetCommand({ RequestItems: { [this.#name]: { Keys: [...left], ConsistentRead: true } } }),
      );
      for (const item of Responses[this.#name] ?? []) found.set(`${item['pk']} ${item['sk']}`, withLists(item));
      left = (UnprocessedKeys[this.#name]?.Keys ?? []) as Key[];
      if (left.length > 0 && attempt === TEMPORARY_TRIES) throw new Error(`cannot read ${left.length} items`);
      if (left.length > 0) await pause(attempt);
    }
    return wanted.map(({ pk, sk }) => found.get(`${pk} ${sk}`));
  }

  async range(pk: string, range: Range = {}): Promise<Rows> {
    return this.#query(keyExpressions({ name: 'pk', value: pk }, 'sk', range), range, { ConsistentRead: true });
  }

  async list(list: string, range: Range = {}): Promise<Rows> {
    return this.#query(keyExpressions({ name: 'list', value: list }, 'list_key', range), range, { IndexName: 'list' });
  }

  async #query(
    expressions: Expressions,
    range: Range,
    source: { ConsistentRead: true } | { IndexName: 'list' },
  ): Promise<Rows> {
    if (isEmpty(range)) return { items: [], more: false };
    const { newestFirst = false, limit, before } = range;
    // One more, because the item at an inclusive limit is left out.
    const isInclusive = before !== undefined && hasLowerLimit(range);
    const { Items = [], LastEvaluatedKey: last } = await this.#client.send(
      new QueryCommand({
        TableName: this.#name,
        ...expressions,
        ...source,
        ScanIndexForward: !newestFirst,
        ...(limit !== undefined && { Limit: isInclusive ? limit + 1 : limit }),
      }),
    );
    const sort = 'IndexName' in source ? 'list_key' : 'sk';
    const items = isInclusive ? Items.filter((item) => item[sort] !== before) : Items;
    const isCut = limit !== undefined && items.length > limit;
    return { items: (isCut ? items.slice(0, limit) : items).map(withLists), more: isCut || last !== undefined };
  }

  /**
   * All attempts use one token, so that a transaction that succeeded although its response was lost is not mistaken for
   * a failed condition; single conditional writes therefore use it too.
   */
  async write(writes: readonly Write[]): Promise<Written> {
    const ClientRequestToken = randomUUID();
    const TransactItems = writes.map((write) => this.#transactItem(write));
    try {
      await withRetries(() => this.#client.send(new TransactWriteCommand({ TransactItems, ClientRequestToken })));
      return { ok: true };
    } catch (error) {
      const failed = failedConditions(error);
      if (failed.length > 0) return { ok: false, failed };
      throw error;
    }
  }

  #transactItem(write: Write): TransactItem {
    const TableName = this.#name;
    switch (write.kind) {
      case 'put':
        return { Put: { TableName, Item: write.item, ...writeExpressions(write) } };
      case 'update':
        return {
          Update: { TableName, Key: write.key, ...writeExpressions(write) } as NonNullable<TransactItem['Update']>,
        };
      case 'remove':
        return { Delete: { TableName, Key: write.key, ...writeExpressions(write) } };
      case 'check':
        return {
          ConditionCheck: { TableName, Key: write.key, ...writeExpressions(write) } as NonNullable<
            TransactItem['ConditionCheck']
          >,
        };
    }
  }

  async update(
    key: Key,
    update: Update,
    { condition, returns = 'after' }: UpdateOptions = {},
  ): Promise<Item | undefined> {
    const ReturnValues = returns === 'after' ? 'ALL_NEW' : 'ALL_OLD';
    const input = {
      TableName: this.#name,
      Key: key,
      ...writeExpressions({ update, condition }),
      ReturnValues,
    } as const;
    try {
      const { Attributes } = await withRetries(() => this.#client.send(new UpdateCommand(input)));
      return Attributes && withLists(Attributes);
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }
}

/** Returns the item with lists in place of DynamoDB's sets. */
function withLists(item: Item): Item {
  for (const [name, value] of Object.entries(item))
    if (value instanceof Set) item[name] = [...(value as Set<string>)].toSorted();
  return item;
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

const isCanceled = (error: unknown): error is TransactionCanceledException =>
  error instanceof TransactionCanceledException;

const pause = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(20 * 2 ** attempt, 1000) * (0.5 + Math.random() / 2)));
