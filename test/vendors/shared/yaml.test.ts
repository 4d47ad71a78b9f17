import { describe, expect, test } from 'vitest';
import { parseForeignYaml } from '../../../vendors/shared/yaml.ts';

const laughs = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...[...'bcdefghij'].map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[n]}`).join(', ')}]`),
].join('\n');

describe('hostile YAML is not parsed', () => {
  test.each([
    ['aliases that expand to a billion values', laughs],
    ['brackets without an end', '['.repeat(100_000)],
    ['deep sequences', `${'- '.repeat(100_000)}a`],
    ['too many lines', 'a:\n'.repeat(20_001)],
    ['too many items on one line', `[${'a,'.repeat(20_001)}]`],
    ['too many characters', `a: ${'x'.repeat(1024 * 1024)}`],
    ['no YAML', 'a: ]'],
  ])('%s', (_, text) => {
    expect(parseForeignYaml(text)).toBeUndefined();
  });
});

test('a large map is parsed without comparing its keys with each other', () => {
  const keys = Array.from({ length: 19_000 }, (_, n) => `key${n}: ${n}`).join('\n');
  expect(Object.keys(parseForeignYaml(keys) as object)).toHaveLength(19_000);
  expect(parseForeignYaml('a: 1\na: 2')).toEqual({ a: 2 });
});
