import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { configSchemas } from '../../scripts/config-schemas.ts';

const written = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

/** Validates a file like an editor. */
function accepts(name: string, value: unknown): boolean {
  const file = [...configSchemas().keys()].find((one) => basename(one) === `${name}.json`) ?? '';
  return z.fromJSONSchema(written(file) as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value).success;
}

describe('the JSON Schemas for editors', () => {
  test.each([...configSchemas()].map(([file, schema]) => [basename(file), file, schema] as const))(
    'config/schemas/%s is up to date (node scripts/config-schemas.ts)',
    (_, file, schema) => {
      expect(written(file)).toEqual(JSON.parse(JSON.stringify(schema)));
    },
  );

  test.each<[string, boolean, string, unknown]>([
    ['people', true, 'a person', { people: { ada: { name: 'Ada', slack: 'U024BE7LH', teams: ['payments'] } } }],
    [
      'people',
      true,
      'a role',
      { roles: { lead: { actions: ['incidents:read'], services: 'own' } }, everyone: 'nobody' },
    ],
    ['people', false, 'a misspelt key', { people: { ada: { emial: 'ada@example.com' } } }],
    ['people', false, 'an id of the wrong kind', { people: { ada: { slack: '@ada' } } }],
    ['services', true, 'names alone', { services: { checkout: null, search: { environments: { production: null } } } }],
    ['services', false, 'a misspelt key', { services: { checkout: { teem: 'payments' } } }],
    ['response', true, 'a clock', { triage: { acknowledgeMinutes: 5, updateMinutes: 'off' } }],
    ['response', true, 'stakeholders', { stakeholders: [{ email: 'cto@example.com', everyMinutes: 60 }] }],
    ['response', false, 'a misspelt key', { triage: { acknowledgeMinute: 5 } }],
    ['response', false, 'a receiver without an address', { webhooks: [{ signature: 'PAGER' }] }],
  ])('%s accepts (%s) %s', (name, expected, _, value) => {
    expect(accepts(name, value)).toBe(expected);
  });
});
