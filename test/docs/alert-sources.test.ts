import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { groupOf } from '../../aws/secrets/secret-groups.ts';
import { sources } from '../../schemas/alerts/sources/index.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test.each([...sources.values()])('the README shows the receiver of $name', ({ name }) => {
  expect(README).toContain(`/v1/alerts/${name}`);
});

test('receivers can read the secrets of all signatures', () => {
  const secrets = [...sources.values()].flatMap(({ signature }) =>
    signature === undefined ? [] : [signature.secret, signature.timestampHeader?.secret ?? []].flat(),
  );
  expect(secrets.length).toBeGreaterThan(0);
  expect(secrets.filter((secret) => groupOf(secret) !== 'senders')).toEqual([]);
});
