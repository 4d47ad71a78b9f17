import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { groupOf } from '../../functions/assembly/secret-groups.ts';
import { sources, SourceName } from '../../schemas/alerts/sources/index.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const README = read('README.md');

test.each([...sources.values()])('the README shows the receiver of $name', ({ name }) => {
  expect(README).toContain(`/v1/alerts/${name}`);
});

test('docs/reference/routing.md lists the values of the label source', () => {
  const [, list = ''] = /`source` \(([^)]*)\)/.exec(read('docs/reference/routing.md')) ?? [];
  expect(list.match(/[\w-]+/g)).toEqual(SourceName.options);
});

test('receivers can read the secrets of all signatures', () => {
  const secrets = [...sources.values()].flatMap(({ signature }) =>
    signature === undefined ? [] : [signature.secret, signature.timestampHeader?.secret ?? []].flat(),
  );
  expect(secrets.length).toBeGreaterThan(0);
  expect(secrets.filter((secret) => groupOf(secret) !== 'senders')).toEqual([]);
});
