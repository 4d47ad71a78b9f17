import { expect, test } from 'vitest';
import { rison } from '../../../../core/domain/links/link-url.ts';

// Examples of the format's description at https://github.com/Nanonid/rison.
test.each([
  [{ any: 'json', yes: true }, '(any:json,yes:!t)'],
  [['A', 'B', { supportsObjects: true }], '!(A,B,(supportsObjects:!t))'],
  [{ supportsObjects: true, ints: 435 }, '(ints:435,supportsObjects:!t)'],
  [{ a: 0, b: 'foo', c: '23skidoo' }, "(a:0,b:foo,c:'23skidoo')"],
  [true, '!t'],
  [false, '!f'],
  [null, '!n'],
  [1.5, '1.5'],
  [-3, '-3'],
  [1e30, '1e30'],
  [1e-30, '1e-30'],
  ['a', 'a'],
  ['0a', "'0a'"],
  ['abc def', "'abc def'"],
  ['user@domain.com', "'user@domain.com'"],
  ['US $10', "'US $10'"],
  ['wow!', "'wow!!'"],
  ["can't", "'can!'t'"],
  ['', "''"],
  ['-h', "'-h'"],
  ['a-z', 'a-z'],
  ['Control-F: \u0006', "'Control-F: \u0006'"],
  [{ id: null, type: '/common/document' }, '(id:!n,type:/common/document)'],
  [[true, false, null, ''], "!(!t,!f,!n,'')"],
  [{}, '()'],
  [[], '!()'],
])('%j is %s', (value, text) => {
  expect(rison(value)).toBe(text);
});
