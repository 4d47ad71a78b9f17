import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/reference/configuration.md'), 'utf8');

type Schema = {
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | false;
  anyOf?: Schema[];
  enum?: string[];
  default?: unknown;
  $ref?: string;
  $defs?: Record<string, Schema>;
};

const schemaOf = (file: string): Schema =>
  JSON.parse(readFileSync(join(ROOT, `config/schemas/${file}.json`), 'utf8')) as Schema;

/** Returns the schema of the entries of a record, which can be null. */
const entries = (schema: Schema | undefined): Schema => (schema?.additionalProperties || {}).anyOf?.[0] ?? {};

/** Returns the default and the values of each key: `health.max`. */
function keysOf(
  root: Schema,
  schema: Schema,
  prefix = '',
): [key: string, facts: { usual: string; values: string[] }][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, given]) => {
    const one = given.$ref === undefined ? given : { ...root.$defs?.[given.$ref.split('/').at(-1) ?? ''], ...given };
    const key = prefix + name;
    if (Object.keys(one.properties ?? {}).length > 0) return keysOf(root, one, `${key}.`);
    const required = schema.required?.includes(name) === true;
    const usual = required
      ? 'required'
      : one.default === undefined
        ? ''
        : JSON.stringify(one.default).replaceAll('"', '');
    return [[key, { usual, values: one.enum ?? [] }]];
  });
}

const services = schemaOf('services');
const service = entries(services.properties?.['services']);
const paging = schemaOf('paging');

test.each([
  ['| Key of a service |', keysOf(services, service)],
  ['| Key of an environment |', keysOf(services, entries(service.properties?.['environments']))],
  ['| Key |', keysOf(paging, paging)],
])('the table "%s" lists all keys with their values and defaults', (head, keys) => {
  const rows = (PAGE.split('\n\n').find((part) => part.startsWith(head)) ?? '').split('\n').slice(2);
  const shown = rows.flatMap((row) => {
    const [names = '', type = '', usual = ''] = row.slice(2).split(' | ');
    return names.split(', ').map((name) => [name.replaceAll('`', ''), { type, usual }] as const);
  });
  expect(shown.map(([name]) => name).toSorted()).toEqual(keys.map(([name]) => name).toSorted());
  const bySchema = new Map(keys);
  for (const [name, { type, usual }] of shown) {
    const { usual: expected, values } = bySchema.get(name) ?? { usual: '', values: [] };
    // A key without a default in the schema can have one that depends on other settings.
    if (expected !== '') expect([name, usual.replaceAll('`', '')]).toEqual([name, expected]);
    for (const value of values) expect([name, type]).toEqual([name, expect.stringContaining(`\`${value}\``)]);
  }
});
