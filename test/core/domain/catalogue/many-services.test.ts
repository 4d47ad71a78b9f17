import { isMap, LineCounter } from 'yaml';
import { expect, test } from 'vitest';
import { lintCatalogue } from '../../../../core/domain/catalogue/catalogue-lint.ts';
import { firstCovering } from '../../../../core/domain/catalogue/first-covering.ts';
import { lineOf, parseYaml } from '../../../../core/stores/config/yaml-lines.ts';
import { ServicesFile } from '../../../../schemas/config/config.ts';
import { suggester } from '../../../../schemas/parsing/similar-names.ts';

const MANY = 500;
const names = Array.from({ length: MANY }, (_, index) => `service-${index}`);

test('finding the lines of all services reads their list once', () => {
  const lines = new LineCounter();
  const { contents } = parseYaml(names.map((name) => `${name}: {}\n`).join(''), lines);
  if (!isMap(contents)) throw new Error('not a map');
  const { items } = contents;
  let reads = 0;
  Object.defineProperty(contents, 'items', {
    get: () => {
      reads += 1;
      return items;
    },
  });
  expect(names.map((name) => lineOf(contents, [name], lines))).toEqual(names.map((_, index) => index + 1));
  expect(reads).toBe(1);
});

test('the line of a repeated key is that of the first one', () => {
  const lines = new LineCounter();
  const { contents } = parseYaml('a: 1\nb: 2\na: 3\n', lines);
  expect(lineOf(contents, ['a'], lines)).toBe(1);
});

test('only problems of dependencies are located', () => {
  const entries = names.map((name) => [name, { dependsOn: ['service-0', 'missing'] }]);
  const { services } = ServicesFile.parse({ services: Object.fromEntries(entries) });
  let located = 0;
  const problems = lintCatalogue(services, () => {
    located += 1;
    return { file: 'services.yaml', line: 1 };
  });
  expect(problems).toHaveLength(MANY + 1); // service-0 depends on itself
  expect(located).toBe(problems.length);
});

test('labels are compared only with those of services that share the rarest one', () => {
  let compared = 0;
  const all = names.map((name) => {
    const conditions = ['cluster=a', `service=${name}`];
    const every = (isMet: (condition: string) => boolean): boolean => {
      compared += 1;
      return !conditions.some((one) => !isMet(one));
    };
    return Object.assign([...conditions], { every });
  });
  expect(firstCovering([...all, ['cluster=a', 'service=service-7']]).flatMap((first) => first ?? [])).toEqual([7]);
  expect(compared).toBe(1);
});

test('the first of the sets that cover one is found', () => {
  const sets = [['a', 'b'], ['c'], ['b', 'a', 'd'], ['c', 'a', 'b'], ['e'], [], ['e'], ['f']];
  expect(firstCovering(sets)).toEqual([undefined, undefined, 0, 0, undefined, undefined, 4, 5]);
  expect(firstCovering(sets, (index) => index !== 0 && index !== 5)).toEqual([
    undefined,
    undefined,
    undefined,
    1,
    undefined,
    undefined,
    4,
    undefined,
  ]);
});

test('of very many unknown names, the first ones have suggestions', () => {
  const words = Array.from({ length: 25_000 }, (_, index) => `word-${index}`);
  const suggestionFor = suggester(words);
  expect(['wrd-1', 'wrd-2', 'wrd-3', 'wrd-1'].map(suggestionFor)).toEqual([
    'did you mean "word-1"?',
    'did you mean "word-2"?',
    null,
    'did you mean "word-1"?',
  ]);
});
