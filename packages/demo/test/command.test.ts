import { expect, test } from 'vitest';
import { stories } from '../stories/index.ts';
import { demo, ended } from './run-demo.ts';

test('--list prints each story in a line of at most 100 characters', async () => {
  const { code, output } = await ended(demo(['--list']));
  expect(code).toBe(0);
  expect(output.trimEnd().split('\n')).toHaveLength(stories.length);
  expect(stories.map(({ name }) => name).every((name) => output.includes(name))).toBe(true);
  const texts = [...output.split('\n'), ...stories.map(({ about }) => about)];
  expect(texts.filter(({ length }) => length > 100)).toEqual([]);
});

test.each(['--story=no-such-story', '--bogus', 'bad-deploy'])('%s is a usage error', async (argument) => {
  const { code, output } = await ended(demo([argument]));
  expect(code).toBe(2);
  expect(output).toMatch(/npm run demo -- --help/);
  if (argument.startsWith('--story')) for (const { name } of stories) expect(output).toContain(name);
});
