import type { Condition, Field, Item, Update } from './store.ts';

/** Returns whether a condition is true of an item; undefined: there is none. */
export function holds(condition: Condition, item: Item | undefined): boolean {
  switch (condition.op) {
    case 'exists':
      return valueOf(item, condition.field) !== undefined;
    case 'missing':
      return valueOf(item, condition.field) === undefined;
    case 'equals':
      return isEqual(valueOf(item, condition.field), condition.value);
    case 'differs':
      return !isEqual(valueOf(item, condition.field), condition.value);
    case 'below':
      return (order(valueOf(item, condition.field), condition.value) ?? 0) < 0;
    case 'at_most':
      return (order(valueOf(item, condition.field), condition.value) ?? 1) <= 0;
    case 'above':
      return (order(valueOf(item, condition.field), condition.value) ?? 0) > 0;
    case 'all':
      return condition.of.every((one) => holds(one, item));
    case 'any':
      return condition.of.some((one) => holds(one, item));
  }
}

/**
 * Returns the item after an update.
 *
 * @throws RangeError if a number is added to something else, or a field is set in a map that does not exist
 */
export function applied(update: Update, item: Item): Item {
  const { set = {}, setIn = [], setIfMissing = {}, add = {}, include = {}, remove = [] } = update;
  const after: Item = { ...item, ...set };
  for (const { field, value } of setIn) setDeep(after, field, value);
  for (const [name, value] of Object.entries(setIfMissing)) if (!Object.hasOwn(item, name)) after[name] = value;
  for (const [name, by] of Object.entries(add)) {
    const before = item[name] ?? 0;
    if (typeof before !== 'number') throw new RangeError(`cannot add to ${name}: it is no number`);
    after[name] = before + by;
  }
  for (const [name, texts] of Object.entries(include)) {
    const before = item[name] ?? [];
    if (!Array.isArray(before)) throw new RangeError(`cannot include in ${name}: it is no list`);
    after[name] = [...new Set([...(before as string[]), ...texts])].toSorted();
  }
  for (const name of remove) delete after[name];
  return after;
}

function valueOf(item: Item | undefined, field: Field): unknown {
  let value: unknown = item;
  for (const name of typeof field === 'string' ? [field] : field)
    value = isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

/** Replaces maps on the way, because the item before the update still has them. */
function setDeep(item: Item, [name, ...rest]: readonly [string, ...string[]], value: unknown): void {
  const [next, ...others] = rest;
  if (next === undefined) {
    item[name] = value;
    return;
  }
  const map = item[name];
  if (!isMap(map)) throw new RangeError(`cannot set a field of ${name}: it is no map`);
  const copy = { ...map };
  item[name] = copy;
  setDeep(copy, [next, ...others], value);
}

const isMap = (value: unknown): value is Item => typeof value === 'object' && value !== null && !Array.isArray(value);

function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, n) => isEqual(one, b[n]));
  if (!isMap(a) || !isMap(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]))
  );
}

/** Returns how a value is in order with another one of its type; undefined: types differ. */
function order(a: unknown, b: string | number): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return typeof a === 'string' && typeof b === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : undefined;
}
