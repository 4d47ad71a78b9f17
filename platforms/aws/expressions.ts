import type { Condition, Field, Range, Update } from '../store.ts';

type Values = Record<string, unknown>;

/** A part of a DynamoDB request. */
export type Expressions = {
  UpdateExpression?: string;
  ConditionExpression?: string;
  KeyConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Values;
};

/** Names and values of one request. All names are replaced, because many words are reserved. */
class Aliases {
  readonly #names = new Map<string, string>();
  readonly #values: unknown[] = [];

  field = (field: Field): string =>
    (typeof field === 'string' ? [field] : field).map((name) => this.#name(name)).join('.');

  #name(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const alias = `#${this.#names.size}`;
    this.#names.set(name, alias);
    return alias;
  }

  value = (value: unknown): string => `:${this.#values.push(value) - 1}`;

  attributes(): Pick<Expressions, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'> {
    return {
      ...(this.#names.size > 0 && {
        ExpressionAttributeNames: Object.fromEntries([...this.#names].map(([name, alias]) => [alias, name])),
      }),
      ...(this.#values.length > 0 && {
        ExpressionAttributeValues: Object.fromEntries(this.#values.map((value, n) => [`:${n}`, value])),
      }),
    };
  }
}

/** Returns the expressions of a write; nothing for a write without condition and update. */
export function writeExpressions({
  update,
  condition,
}: {
  update?: Update;
  condition?: Condition | undefined;
}): Expressions {
  const aliases = new Aliases();
  const changed = update && updateExpression(update, aliases);
  const conditional = condition && conditionExpression(condition, aliases);
  return {
    ...(changed !== undefined && { UpdateExpression: changed }),
    ...(conditional !== undefined && { ConditionExpression: conditional }),
    ...aliases.attributes(),
  };
}

const COMPARED = { equals: '=', below: '<', at_most: '<=', above: '>' } as const;

function conditionExpression(condition: Condition, aliases: Aliases): string {
  switch (condition.op) {
    case 'exists':
      return `attribute_exists(${aliases.field(condition.field)})`;
    case 'missing':
      return `attribute_not_exists(${aliases.field(condition.field)})`;
    case 'differs': {
      const field = aliases.field(condition.field);
      return `(attribute_not_exists(${field}) OR ${field} <> ${aliases.value(condition.value)})`;
    }
    case 'equals':
    case 'below':
    case 'at_most':
    case 'above':
      return `${aliases.field(condition.field)} ${COMPARED[condition.op]} ${aliases.value(condition.value)}`;
    case 'all':
    case 'any': {
      const parts = condition.of.map((one) => conditionExpression(one, aliases));
      return parts.length === 1 ? parts.join('') : `(${parts.join(condition.op === 'all' ? ' AND ' : ' OR ')})`;
    }
  }
}

function updateExpression(update: Update, aliases: Aliases): string {
  const { set = {}, setIn = [], setIfMissing = {}, add = {}, include = {}, remove = [] } = update;
  const sets = [
    ...Object.entries(set).map(([name, value]) => `${aliases.field(name)} = ${aliases.value(value)}`),
    ...setIn.map(({ field, value }) => `${aliases.field(field)} = ${aliases.value(value)}`),
    ...Object.entries(setIfMissing).map(([name, value]) => {
      const field = aliases.field(name);
      return `${field} = if_not_exists(${field}, ${aliases.value(value)})`;
    }),
  ];
  const adds = [
    ...Object.entries(add).map(([name, by]) => `${aliases.field(name)} ${aliases.value(by)}`),
    ...Object.entries(include).map(([name, texts]) => `${aliases.field(name)} ${aliases.value(new Set(texts))}`),
  ];
  const removed = remove.map((name) => aliases.field(name));
  return [clause('SET', sets), clause('ADD', adds), clause('REMOVE', removed)].filter((text) => text !== '').join(' ');
}

const clause = (verb: string, parts: readonly string[]): string =>
  parts.length === 0 ? '' : `${verb} ${parts.join(', ')}`;

/** Sorts after every text that begins with a prefix, as keys are written. */
const LAST = '\u{10ffff}';

/** Sorts directly after a text. */
const NEXT = '\u0000';

/** Returns whether a range has a lower limit; then its upper limit is inclusive at DynamoDB. */
export const hasLowerLimit = ({ prefix = '', from, after }: Range): boolean =>
  prefix !== '' || from !== undefined || after !== undefined;

/** Returns the inclusive limits of a range. */
function limitsOf({ prefix = '', from, until, after, before }: Range): { lower: string; upper: string | undefined } {
  return {
    lower: (after === undefined ? undefined : `${after}${NEXT}`) ?? from ?? prefix,
    upper: before ?? until ?? (prefix === '' ? undefined : `${prefix}${LAST}`),
  };
}

/** Returns whether nothing can be within a range. DynamoDB refuses such a condition. */
export function isEmpty(range: Range): boolean {
  const { lower, upper } = limitsOf(range);
  return upper !== undefined && Buffer.compare(Buffer.from(lower), Buffer.from(upper)) > 0;
}

/**
 * Returns the key condition of a query. DynamoDB takes one condition on the sort key, whose two limits are inclusive: an
 * exclusive lower limit becomes the next text, and the caller leaves out the item at an exclusive upper limit.
 */
export function keyExpressions(partition: { name: string; value: string }, sort: string, range: Range): Expressions {
  const aliases = new Aliases();
  const whole = `${aliases.field(partition.name)} = ${aliases.value(partition.value)}`;
  const limited = sortExpression(sort, range, aliases);
  return { KeyConditionExpression: limited === undefined ? whole : `${whole} AND ${limited}`, ...aliases.attributes() };
}

function sortExpression(sort: string, range: Range, aliases: Aliases): string | undefined {
  const { prefix = '', from, until, after, before } = range;
  if ([from, until, after, before].every((limit) => limit === undefined))
    return prefix === '' ? undefined : `begins_with(${aliases.field(sort)}, ${aliases.value(prefix)})`;
  const field = aliases.field(sort);
  const { lower, upper } = limitsOf(range);
  if (upper === undefined) return `${field} >= ${aliases.value(lower)}`;
  return hasLowerLimit(range)
    ? `${field} BETWEEN ${aliases.value(lower)} AND ${aliases.value(upper)}`
    : `${field} ${before === undefined ? '<=' : '<'} ${aliases.value(upper)}`;
}
