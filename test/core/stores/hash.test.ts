import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../core/stores/hash.ts';

test('canonical JSON has all keys in order, and is the JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      JSON.parse(text, (_, inner: unknown) => {
        if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
        const keys = Object.keys(inner).filter((key) => !/^\d+$/.test(key)); // objects put numbers first
        expect(keys).toEqual(keys.toSorted());
        return inner;
      });
    }),
  );
});

test('canonical JSON leaves out what JSON leaves out', () => {
  const value = {
    b: undefined,
    a: [undefined, new Date(0), Buffer.from('x')],
    c: () => 1,
    d: new URL('http://a.test'),
  };
  expect(canonicalJson(value)).toBe(
    '{"a":[null,"1970-01-01T00:00:00.000Z",{"data":[120],"type":"Buffer"}],"d":"http://a.test/"}',
  );
});
