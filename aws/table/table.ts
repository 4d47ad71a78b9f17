import { randomUUID } from 'node:crypto';
import {
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
import type { Page } from '../../domain/ports.ts';
import type { Key } from './keys.ts';
import { sharedItems } from './shared-items.ts';

export type Item = Record<string, unknown>;
export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** `failed`: places in the list of the writes whose condition did not hold. Nothing was written. */
export type Transacted = { ok: true } | { ok: false; failed: number[] };

/** Conflicts and throttling are tried again so often, with growing pauses, before they become the caller's error. */
const PASSING_TRIES = 8;

/** DynamoDB's limit for BatchGetItem. */
const KEYS_PER_CALL = 100;

/** The query of a list across places: the index `list`, eventually consistent. */
export const listed = (list: string) => ({
  IndexName: 'list',
  KeyConditionExpression: '#list = :list',
  ExpressionAttributeNames: { '#list': 'list' },
  ExpressionAttributeValues: { ':list': list },
});

/** The one table, with strongly consistent reads and transactions as its ordinary way. */
export class Table {
  readonly name: string;
  /** As `getAll`, for what very many ask at the same moment. */
  readonly shared = sharedItems((keys) => this.getAll(keys));
  readonly #client: DynamoDBDocumentClient;

  constructor(client: DynamoDBClient, name: string) {
    this.name = name;
    // It copies and censors every item for a logger that nobody has set.
    client.middlewareStack.remove('loggerMiddleware');
    this.#client = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  }

  async get(key: Key): Promise<Item | undefined> {
    const { Item } = await this.#client.send(new GetCommand({ TableName: this.name, Key: key, ConsistentRead: true }));
    return Item;
  }

  /** Items, each in the place of its key, a hundred in one call. Strongly consistent, each by itself. */
  async getAll(wanted: readonly Key[]): Promise<(Item | undefined)[]> {
    if (wanted.length > KEYS_PER_CALL) {
      return [
        ...(await this.getAll(wanted.slice(0, KEYS_PER_CALL))),
        ...(await this.getAll(wanted.slice(KEYS_PER_CALL))),
      ];
    }
    const found = new Map<string, Item>();
    // A key that is asked for twice in one call is refused.
    let left: readonly Key[] = [...new Map(wanted.map((key) => [`${key.pk} ${key.sk}`, key])).values()];
    for (let attempt = 1; left.length > 0; attempt += 1) {
      const { Responses = {}, UnprocessedKeys = {} } = await this.#client.send(
        new BatchGetCommand({ RequestItems: { [this.name]: { Keys: [...left], ConsistentRead: true } } }),
      );
      for (const item of Responses[this.name] ?? []) found.set(`${item['pk']} ${item['sk']}`, item);
      left = (UnprocessedKeys[this.name]?.Keys ?? []) as Key[];
      if (left.length > 0 && attempt === PASSING_TRIES) throw new Error(`${left.length} items could not be read`);
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
   * All or nothing. All tries carry one token, so that a transaction which was done although its answer was lost on the
   * way is not mistaken for a condition that failed; hence single conditional writes go through here, too.
   * @throws what is neither a failed condition nor passing: too large, no table, or conflicts that do not end
   */
  async transact(writes: readonly Write[]): Promise<Transacted> {
    const ClientRequestToken = randomUUID();
    try {
      await tried(() =>
        this.#client.send(new TransactWriteCommand({ TransactItems: [...writes], ClientRequestToken })),
      );
      return { ok: true };
    } catch (error) {
      const failed = failedConditions(error);
      if (failed.length > 0) return { ok: false, failed };
      throw error;
    }
  }

  /** An update that needs no condition, or whose repetition does no harm. */
  async touch(key: Key, update: Omit<UpdateCommandInput, 'TableName' | 'Key'>): Promise<Item | undefined> {
    const { Attributes } = await tried(() =>
      this.#client.send(new UpdateCommand({ TableName: this.name, Key: key, ...update })),
    );
    return Attributes;
  }

  /** Every item of a partition whose sort key begins so, in order. Strongly consistent. */
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

  /** One query as it is, newest first. `last`: where the next one goes on; undefined at the end. */
  async query(query: Omit<QueryCommandInput, 'TableName'>): Promise<{ items: Item[]; last: Item | undefined }> {
    const { Items = [], LastEvaluatedKey: last } = await this.#client.send(
      new QueryCommand({ TableName: this.name, ScanIndexForward: false, ...query }),
    );
    return { items: Items, last };
  }

  /** One page, newest first, of a partition or of a list of the index; `keep` drops items before they count. */
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
export const present: Condition = { ConditionExpression: 'attribute_exists(pk)' };

/** A cursor that we did not hand out. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor';

  constructor() {
    super('this cursor was not given by this API; leave it out to begin at the newest');
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
  if (from !== undefined) return { condition: ' AND sk >= :from', values: { ':from': from } };
  if (until !== undefined) return { condition: ' AND sk <= :until', values: { ':until': until } };
  return prefix === ''
    ? { condition: '', values: {} }
    : { condition: ' AND begins_with(sk, :prefix)', values: { ':prefix': prefix } };
}

function failedConditions(error: unknown): number[] {
  if (!isCanceled(error)) return [];
  const reasons = error.CancellationReasons ?? [];
  // A conflict beside a failed condition proves nothing about the others: try the whole again.
  if (reasons.some((reason) => reason.Code === 'TransactionConflict')) return [];
  return reasons.flatMap((reason, index) => (reason.Code === 'ConditionalCheckFailed' ? [index] : []));
}

/** A write again and again while what stands against it is passing. The SDK's own retries leave conflicts alone. */
async function tried<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!passing(error) || attempt === PASSING_TRIES) throw error;
      await pause(attempt);
    }
  }
}

const PASSING_REASONS = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);
const PASSING_ERRORS = new Set(['TransactionInProgressException', 'TransactionConflictException']);

const passing = (error: unknown): boolean =>
  isCanceled(error)
    ? (error.CancellationReasons ?? []).some((reason) => PASSING_REASONS.has(reason.Code ?? ''))
    : error instanceof Error && PASSING_ERRORS.has(error.name);

const isCanceled = (error: unknown): error is Canceled => error instanceof TransactionCanceledException;

const pause = (attempt: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(20 * 2 ** attempt, 1000) * (0.5 + Math.random() / 2)));
