import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS } from '../../platforms/limits.ts';
import { applied, holds } from '../../platforms/model.ts';
import {
  absent,
  allOf,
  anyOf,
  below,
  check,
  type Condition,
  differs,
  equals,
  exists,
  type Item,
  type Key,
  missing,
  present,
  put,
  type Range,
  remove,
  type Store,
  update,
  type Update,
  type Write,
} from '../../platforms/store.ts';
import { runs } from '../support/runs.ts';

export type OpenStore = { store: Store; close(): Promise<void> };

const FIELDS = ['a', 'b', 'list', 'constructor'] as const;
const TEXTS = ['', 'a', 'a#1', 'ä', '\u{1f525}', '\uffee', 'z'] as const;

const field = fc.constantFrom(...FIELDS.slice(0, 2), 'constructor');
const scalar = fc.oneof(fc.constantFrom(...TEXTS), fc.integer({ min: -5, max: 5 }), fc.boolean(), fc.constant(null));
const value = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.record({ x: scalar, __proto: scalar }) },
);
const path = fc.oneof({ weight: 3, arbitrary: field }, { weight: 1, arbitrary: fc.constant(['m', 'x'] as const) });

const compared = fc.record({
  op: fc.constantFrom('below', 'at_most', 'above'),
  field: path,
  value: fc.oneof(fc.constantFrom(...TEXTS), fc.integer({ min: -5, max: 5 })),
}) as fc.Arbitrary<Condition>;

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom(absent, present),
    path.map((one) => exists(one)),
    path.map((one) => missing(one)),
    fc.tuple(path, value).map(([one, of]) => equals(one, of)),
    fc.tuple(path, value).map(([one, of]) => differs(one, of)),
    compared,
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((of) => allOf(...of)),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((of) => anyOf(...of)),
  ),
}));

/** Each field is in one part only: DynamoDB refuses overlaps. Numbers are added to `n` only, texts included in `s` only. */
const changes: fc.Arbitrary<Update> = fc
  .record({
    set: fc.dictionary(fc.constantFrom('a', 'constructor'), value, { noNullPrototype: true }),
    setIfMissing: fc.dictionary(fc.constant('c'), value, { noNullPrototype: true }),
    add: fc.dictionary(fc.constant('n'), fc.integer({ min: -3, max: 3 }), { noNullPrototype: true }),
    include: fc.dictionary(fc.constant('s'), fc.array(fc.constantFrom('x', 'y', 'z'), { minLength: 1 }), {
      noNullPrototype: true,
    }),
    remove: fc.subarray(['b']),
    isListed: fc.option(fc.constantFrom('L1', 'L2')),
  })
  .map(({ isListed, ...rest }) =>
    isListed === null ? rest : { ...rest, set: { ...rest.set, list: isListed, list_key: 'k' } },
  )
  .filter((one) => changesAny(one));

const changesAny = (one: Update): boolean => Object.values(one).some((part) => Object.keys(part).length > 0);

/** Changes that have the same result if they are repeated. */
const repeatable = changes.map((one): Update => ({ ...one, add: {} })).filter(changesAny);

const key = fc.record({
  pk: fc.constantFrom('P1', 'P2'),
  sk: fc.constantFrom('a', 'a#1', 'a#2', 'b', 'ä', '\uffee', '\u{1f525}'),
});
const maybe = fc.option(condition, { nil: undefined });

const item = fc
  .tuple(key, fc.dictionary(field, value, { noNullPrototype: true }), fc.option(fc.record({ x: scalar })), fc.boolean())
  .map(([of, fields, m, isListed]): Item => ({
    ...fields,
    ...of,
    ...(m !== null && { m }),
    ...(isListed && { list: 'L1', list_key: `${of.sk} ${of.pk}` }),
  }));

const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(item, maybe).map(([one, when]) => put(one, when)) },
  { weight: 3, arbitrary: fc.tuple(key, changes, maybe).map(([of, one, when]) => update(of, one, when)) },
  { weight: 1, arbitrary: fc.tuple(key, maybe).map(([of, when]) => remove(of, when)) },
  { weight: 1, arbitrary: fc.tuple(key, condition).map(([of, when]) => check(of, when)) },
);

const keyOf = (one: Write): Key =>
  one.kind === 'put' ? { pk: String(one.item['pk']), sk: String(one.item['sk']) } : one.key;
const nameOf = ({ pk, sk }: Key): string => `${pk} ${sk}`;

const transaction = fc.uniqueArray(write, { minLength: 1, maxLength: 4, selector: (one) => nameOf(keyOf(one)) });

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What a store must do, in a map. */
class Model {
  readonly items = new Map<string, Item>();

  write(writes: readonly Write[]) {
    const failed = writes.flatMap((one, n) =>
      one.condition && !holds(one.condition, this.items.get(nameOf(keyOf(one)))) ? [n] : [],
    );
    if (failed.length > 0) return { ok: false, failed };
    for (const one of writes) this.#apply(one);
    return { ok: true };
  }

  #apply(one: Write): void {
    const name = nameOf(keyOf(one));
    if (one.kind === 'put') this.items.set(name, one.item);
    if (one.kind === 'update') this.items.set(name, applied(one.update, this.items.get(name) ?? { ...one.key }));
    if (one.kind === 'remove') this.items.delete(name);
  }

  rows(partition: 'pk' | 'list', of: string, range: Range): Item[] {
    const sort = partition === 'pk' ? 'sk' : 'list_key';
    const at = (one: Item): string => String(one[sort]);
    const { prefix = '', from, until, after, before, newestFirst = false, limit } = range;
    const found = [...this.items.values()]
      .filter((one) => one[partition] === of && one[sort] !== undefined && at(one).startsWith(prefix))
      .filter((one) => from === undefined || byBytes(at(one), from) >= 0)
      .filter((one) => until === undefined || byBytes(at(one), until) <= 0)
      .filter((one) => after === undefined || byBytes(at(one), after) > 0)
      .filter((one) => before === undefined || byBytes(at(one), before) < 0)
      .toSorted((a, b) => byBytes(at(a), at(b)));
    return (newestFirst ? found.toReversed() : found).slice(0, limit);
  }
}

const LISTS = ['L1', 'L2'] as const;
const list = fc.constantFrom(...LISTS);
const position = fc.constantFrom<string[]>('a', 'a#1', 'a#15', 'b', 'ä', '\uffee');
const range: fc.Arbitrary<Range> = fc
  .record(
    {
      prefix: fc.constantFrom('a', 'a#', 'ä'),
      from: position,
      until: position,
      after: position,
      before: position,
      newestFirst: fc.boolean(),
      limit: fc.integer({ min: 1, max: 4 }),
    },
    { requiredKeys: [] },
  )
  // What callers use: a prefix, or limits of one kind.
  .map(({ prefix, from, until, after, before, ...rest }): Range => {
    if (prefix !== undefined) {
      const inside = [after, before].map((one) => (one?.startsWith(prefix) ? one : undefined));
      return rest.newestFirst ? { ...rest, prefix, before: inside[1] } : { ...rest, prefix, after: inside[0] };
    }
    return from !== undefined || until !== undefined ? { ...rest, from, until } : { ...rest, after, before };
  });

/**
 * Tests what every platform's `Store` promises. Each test uses items of its own, or empties the store.
 *
 * @param options.isFaulty responses are lost and lists are late: only what the store promises nevertheless is tested
 */
export function storeConformance(
  platform: string,
  open: () => Promise<OpenStore>,
  { isFaulty = false }: { isFaulty?: boolean } = {},
): void {
  describe(`the store of ${platform}`, () => {
    let store: Store;
    let close: () => Promise<void>;
    beforeAll(async () => {
      ({ store, close } = await open());
    });
    afterAll(() => close());

    test('a field that is null is not missing', async () => {
      const ofNull = { pk: 'P3', sk: 'a' };
      await store.update(ofNull, { setIfMissing: { c: null } }, { returns: 'after' });
      expect(await store.update(ofNull, { setIfMissing: { c: 0 } }, { returns: 'after' })).toEqual({
        ...ofNull,
        c: null,
      });
    });

    test.each<Range>([
      { after: 'a', before: 'a' },
      { after: 'b', before: 'a' },
      { from: 'b', until: 'a' },
    ])('a range without room between its limits is empty: %j', async (limits) => {
      expect(await store.range('P1', limits)).toEqual({ items: [], more: false });
      expect(await store.list('L1', limits)).toEqual({ items: [], more: false });
    });

    test('does what the model does, with random transactions, updates, and ranges', async () => {
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.record({ transaction }) },
        {
          weight: 1,
          arbitrary: isFaulty
            ? fc.record({ of: key, changes: repeatable, when: fc.constant(undefined), returns: fc.constant('after') })
            : fc.record({ of: key, changes, when: maybe, returns: fc.constantFrom('after', 'before') }),
        },
        { weight: 2, arbitrary: fc.record({ range, pk: fc.constantFrom('P1', 'P2') }) },
        { weight: 1, arbitrary: fc.record({ range, list }) },
      );
      const at = ({ list_key }: Item) => String(list_key);
      const listed = async (of: string, within: Range) => (await store.list(of, within)).items.map(at);
      const expected = (of: string, within: Range, model: Model) => model.rows('list', of, within).map(at);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const model = new Model();
          for (const pk of ['P1', 'P2']) await empty(store, pk);
          for (const one of steps) {
            if ('transaction' in one) expect(await store.write(one.transaction)).toEqual(model.write(one.transaction));
            else if ('changes' in one) {
              const before = model.items.get(nameOf(one.of));
              const { returns } = one;
              const options = one.when === undefined ? { returns } : { returns, condition: one.when };
              const { ok } = model.write([update(one.of, one.changes, one.when)]);
              const result = await store.update(one.of, one.changes, options);
              if (!ok) expect(result).toBeUndefined();
              else if (returns === 'after') expect(result).toEqual(model.items.get(nameOf(one.of)));
              // Before the first update, AWS returns nothing, and the program that stands in for it the key.
              else expect(result ?? one.of).toEqual(before ?? one.of);
            } else if ('pk' in one) {
              const { items, more } = await store.range(one.pk, one.range);
              expect(items).toEqual(model.rows('pk', one.pk, one.range));
              if (!more) expect(items).toEqual(model.rows('pk', one.pk, { ...one.range, limit: Infinity }));
            } else if (!isFaulty)
              expect(await listed(one.list, one.range)).toEqual(expected(one.list, one.range, model));
          }
          const all = [...model.items.values()];
          const keys = all.map(({ pk, sk }) => ({ pk: String(pk), sk: String(sk) }));
          expect(await store.getMany([...keys, { pk: 'P1', sk: 'none' }])).toEqual([...all, undefined]);
          for (const [n, one] of keys.entries()) expect(await store.get(one)).toEqual(all[n]);
          if (isFaulty)
            for (const of of LISTS)
              await expect.poll(() => listed(of, {}), { interval: 1 }).toEqual(expected(of, {}, model));
        }),
        { numRuns: runs(isFaulty ? 10 : 30) },
      );
    });

    test('lets one of many concurrent writers win', async () => {
      const of = { pk: 'RACE', sk: 'one' };
      const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.write([put({ ...of, n }, absent)])));
      expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    });

    test('applies each of many concurrent transactions once', async () => {
      const of = { pk: 'RACE', sk: 'once' };
      await Promise.all(Array.from({ length: 20 }, () => store.write([update(of, { add: { count: 1 } })])));
      expect(await store.get(of)).toEqual({ ...of, count: 20 });
    });

    test('writes nothing of a transaction whose last condition fails', async () => {
      const of = (sk: string) => ({ pk: 'ALL', sk });
      const writes = [put({ ...of('1'), n: 1 }), update(of('2'), { add: { n: 1 } }), check(of('3'), present)];
      expect(await store.write(writes)).toEqual({ ok: false, failed: [2] });
      expect((await store.range('ALL')).items).toEqual([]);
      expect(await store.write([put(of('3')), ...writes.slice(0, 2)])).toEqual({ ok: true });
      expect(await store.write([remove(of('1'), below('n', 2)), ...writes.slice(1)])).toEqual({ ok: true });
      expect((await store.range('ALL')).items).toEqual([{ ...of('2'), n: 2 }, of('3')]);
    });

    test('reads a partition of several megabytes in parts', async () => {
      const text = 'x'.repeat(300_000);
      for (let n = 0; n < 8; n += 1) await store.write([put({ pk: 'BIG', sk: String(n), text })]);
      const found: string[] = [];
      for (let after: string | undefined, more = true; more;) {
        const part = await store.range('BIG', after === undefined ? {} : { after });
        expect(part.items.length).toBeLessThan(8);
        found.push(...part.items.map(({ sk }) => String(sk)));
        after = found.at(-1);
        more = part.more;
      }
      expect(found).toEqual(Array.from({ length: 8 }, (_, n) => String(n)));
      const keys = Array.from({ length: 8 }, (_, n) => ({ pk: 'BIG', sk: String(n) }));
      expect((await store.getMany(keys)).filter((one) => one?.['text'] === text)).toHaveLength(8);
    });

    test('reads hundreds of keys at once, and a key twice', async () => {
      const keys = Array.from({ length: 250 }, (_, n) => ({ pk: `MANY#${n}`, sk: 'x' }));
      for (let from = 0; from < 250; from += LIMITS.writes)
        await store.write(keys.slice(from, from + LIMITS.writes).map((one) => put(one)));
      expect(await store.getMany([...keys, keys[0] as Key])).toEqual([...keys, keys[0]]);
    });

    if (isFaulty) return;

    test('returns the result of each of many concurrent updates', async () => {
      const of = { pk: 'RACE', sk: 'updates' };
      const added = await Promise.all(Array.from({ length: 20 }, () => store.update(of, { add: { count: 1 } })));
      expect(added.map((one) => Number(one?.['count'])).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, n) => n + 1),
      );
    });

    test.each([
      ['an empty key', [put({ pk: '', sk: 'a' })]],
      ['a partition key that is too long', [put({ pk: 'p'.repeat(LIMITS.pkBytes + 1), sk: 'a' })]],
      ['a sort key that is too long', [put({ pk: 'LIMIT', sk: 's'.repeat(LIMITS.skBytes + 1) })]],
      ['an item that is too large', [put({ pk: 'LIMIT', sk: 'a', text: 'x'.repeat(LIMITS.itemBytes) })]],
      ['two writes of one item', [put({ pk: 'LIMIT', sk: 'a' }), remove({ pk: 'LIMIT', sk: 'a' })]],
      ['too many writes', Array.from({ length: LIMITS.writes + 1 }, (_, n) => put({ pk: 'LIMIT', sk: `${n}` }))],
      ['no writes', []],
      ['a number that is none', [put({ pk: 'LIMIT', sk: 'a', n: Number.NaN })]],
      [
        'a sum of a text',
        [put({ pk: 'LIMIT', sk: 'text', n: 'a' }), update({ pk: 'LIMIT', sk: 'T' }, { add: { n: 1 } })],
      ],
    ] as const)('refuses %s, and writes nothing', async (name, writes) => {
      if (name === 'a sum of a text') await store.write([put({ pk: 'LIMIT', sk: 'T', n: 'a' })]);
      await expect(store.write(writes)).rejects.toThrow();
      const left = (await store.range('LIMIT')).items;
      expect(left.filter(({ sk }) => sk !== 'T')).toEqual([]);
    });
  });
}

async function empty(store: Store, pk: string): Promise<void> {
  const { items } = await store.range(pk);
  if (items.length > 0) await store.write(items.map(({ sk }) => remove({ pk, sk: String(sk) })));
}
