/** The key of an item: a partition and a position in it. Both are texts, ordered by their UTF-8 bytes. */
export type Key = { pk: string; sk: string };

/** What is stored under a key. The keys are fields of it; `list` and `list_key` put it into a list. */
export type Item = Record<string, unknown>;

/** A field of an item, or the path to a field of a map in it. */
export type Field = string | readonly [string, ...string[]];

/** What must be true of the item under a key before it is written. An item that does not exist has no fields. */
export type Condition =
  | { op: 'exists' | 'missing'; field: Field }
  | { op: 'equals'; field: Field; value: unknown }
  /** A missing field differs, too. */
  | { op: 'differs'; field: Field; value: unknown }
  /** A missing field, and one of another type, is never in order with the value. */
  | { op: 'below' | 'at_most' | 'above'; field: Field; value: string | number }
  | { op: 'all' | 'any'; of: readonly Condition[] };

/** Changes of an item, each of another field. An item that does not exist is created. */
export type Update = {
  set?: Readonly<Record<string, unknown>>;
  /** Sets a field of a map that exists. */
  setIn?: readonly { field: readonly [string, ...string[]]; value: unknown }[];
  /** A field that is null is not missing. */
  setIfMissing?: Readonly<Record<string, unknown>>;
  /** Adds integers. A missing field counts as 0. */
  add?: Readonly<Record<string, number>>;
  /** Adds texts to a list that holds each once, in order. A missing field is an empty list. */
  include?: Readonly<Record<string, readonly string[]>>;
  remove?: readonly string[];
};

export type Write =
  | { kind: 'put'; item: Item; condition: Condition | undefined }
  | { kind: 'update'; key: Key; update: Update; condition: Condition | undefined }
  | { kind: 'remove'; key: Key; condition: Condition | undefined }
  /** Writes nothing: the transaction depends on the condition. */
  | { kind: 'check'; key: Key; condition: Condition };

/** `failed`: indexes of the writes whose condition failed. Nothing was written. */
export type Written = { ok: true } | { ok: false; failed: number[] };

/** Limits of what is read, by the sort key of a partition or of a list. */
export type Range = {
  prefix?: string;
  /** Inclusive. `after` and `before` are within them. */
  from?: string | undefined;
  until?: string | undefined;
  /** Exclusive. */
  after?: string | undefined;
  before?: string | undefined;
  /** Whether it goes on where an earlier read ended. Long lists are read in parts, and others may run between them. */
  goesOn?: boolean;
  newestFirst?: boolean;
  limit?: number;
};

/** `more`: the range goes on after the last item. */
export type Rows = { items: Item[]; more: boolean };

/**
 * One ordered table of items. Reads by key and of a partition see all that was written before; a list can be late.
 * Limits of all platforms: 400 KB for an item, 100 writes with different keys for a transaction.
 */
export interface Store {
  get(key: Key): Promise<Item | undefined>;
  /** Reads items, each at the index of its key; each by itself sees all that was written before. */
  getMany(keys: readonly Key[]): Promise<(Item | undefined)[]>;
  /** Reads items of a partition, in order. Without `limit`, as many as one call returns. */
  range(pk: string, range?: Range): Promise<Rows>;
  /** Reads items of all partitions whose `list` is this one, in order of their `list_key`. */
  list(list: string, range?: Range): Promise<Rows>;
  /**
   * Writes all or nothing, once: a write whose response was lost is not repeated.
   * @throws if the platform does not accept it: too large, twice the same key, or not available
   */
  write(writes: readonly Write[]): Promise<Written>;
  /**
   * Changes one item, without the guarantee of once: for changes that are harmless to repeat.
   * @returns the item after it, or before it; undefined if there is none, or if the condition failed
   */
  update(key: Key, update: Update, options?: UpdateOptions): Promise<Item | undefined>;
}

export type UpdateOptions = { condition?: Condition; returns?: 'after' | 'before' };

export const put = (item: Item, condition?: Condition): Write => ({ kind: 'put', item, condition });

export const update = (key: Key, changes: Update, condition?: Condition): Write => ({
  kind: 'update',
  key,
  update: changes,
  condition,
});

export const remove = (key: Key, condition?: Condition): Write => ({ kind: 'remove', key, condition });

export const check = (key: Key, condition: Condition): Write => ({ kind: 'check', key, condition });

export const exists = (field: Field): Condition => ({ op: 'exists', field });
export const missing = (field: Field): Condition => ({ op: 'missing', field });
export const equals = (field: Field, value: unknown): Condition => ({ op: 'equals', field, value });
export const differs = (field: Field, value: unknown): Condition => ({ op: 'differs', field, value });
export const below = (field: Field, value: string | number): Condition => ({ op: 'below', field, value });
export const atMost = (field: Field, value: string | number): Condition => ({ op: 'at_most', field, value });
export const above = (field: Field, value: string | number): Condition => ({ op: 'above', field, value });
export const allOf = (...of: readonly Condition[]): Condition => ({ op: 'all', of });
export const anyOf = (...of: readonly Condition[]): Condition => ({ op: 'any', of });

/** The item exists, or does not exist. */
export const present = exists('pk');
export const absent = missing('pk');

/** The item has not changed since it was read with this revision. */
export const revisionIs = (rev: unknown): Condition => equals('rev', rev);
