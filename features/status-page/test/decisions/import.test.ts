import { expect, test } from 'vitest';
import { BadCsv, parseCsv, subscribersOfCsv } from '../../decisions/import/csv.ts';
import { planStatuspageImport } from '../../decisions/import/statuspage.ts';

const component = (id: string, name: string) => ({ id, name, description: null, group: null });
const subscriber = (address: string, components: string[] | null) => ({
  channel: 'email',
  address,
  state: 'confirmed' as const,
  components,
});

test('components of a subscriber are named; all of them mean the page, also later ones', () => {
  const components = [component('c1', 'Checkout'), component('c2', 'Search')];
  const { subscribers, skipped } = planStatuspageImport(components, [
    subscriber('one@acme.example', ['c1', 'gone']),
    subscriber('all@acme.example', ['c1', 'c2']),
    subscriber('page@acme.example', null),
    subscriber('lost@acme.example', ['gone']),
    subscriber('ONE@acme.example', ['c2']),
  ]);
  expect(subscribers).toEqual([
    { email: 'ONE@acme.example', components: ['Search'] },
    { email: 'all@acme.example', components: null },
    { email: 'page@acme.example', components: null },
  ]);
  expect([...skipped]).toEqual([['unknown components: gone', ['lost@acme.example']]]);
});

test('without a list of components, names in a file are taken as they are', () => {
  const [read] = subscribersOfCsv('email,state,components\nada@acme.example,active,Checkout|Search\n', {
    confirmed: false,
  });
  const { subscribers } = planStatuspageImport([], read === undefined ? [] : [read]);
  expect(subscribers).toEqual([{ email: 'ada@acme.example', components: ['Checkout', 'Search'] }]);
});

test.each([
  [
    'a,b\r\n1,2\r\n',
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ],
  ['\uFEFFa\n"x ""y"", z"\n', [['a'], ['x "y", z']]],
  ['a\n"two\nlines"', [['a'], ['two\nlines']]],
  [
    'a,b\n,\n\n',
    [
      ['a', 'b'],
      ['', ''],
    ],
  ],
])('CSV %j', (text, cells) => {
  expect(parseCsv(text).map((record) => record.cells)).toEqual(cells);
});

test('errors of CSV name the line', () => {
  const lineOf = (text: string): unknown => {
    try {
      return subscribersOfCsv(text, { confirmed: true });
    } catch (error) {
      return error instanceof BadCsv ? [error.line, error.message] : error;
    }
  };
  expect(lineOf('email\na@b.example\n"open\n')).toEqual([3, 'a quotation mark is not closed']);
  expect(lineOf('phone\n1\n')).toEqual([1, expect.stringContaining('no column "address"')]);
});
