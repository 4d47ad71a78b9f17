import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { ChangeKind, ChangePatch, ChangeStatus, NewChange } from '../../schemas/changes/change.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/deployments.md'), 'utf8');

const code = (text: string): string[] => [...text.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name);
const rows = [...page.matchAll(/^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \| (yes )?\|$/gm)].map(
  ([, fields = '', value = '', initial = '', patch]) => ({
    fields: code(fields),
    value,
    initial,
    isPatchable: patch !== undefined,
  }),
);
const fieldsOf = (schema: z.ZodType): string[] => {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.keys(properties).toSorted();
};

test('docs/reference/deployments.md has every field, and says which of them PATCH accepts', () => {
  expect(rows.flatMap(({ fields }) => fields).toSorted()).toEqual(fieldsOf(NewChange));
  expect(rows.flatMap(({ fields, isPatchable }) => (isPatchable ? fields : [])).toSorted()).toEqual(
    fieldsOf(ChangePatch),
  );
});

test('it has every kind and status, and the required fields', () => {
  const row = (name: string) => rows.find(({ fields }) => fields.includes(name));
  expect(code(row('kind')?.value ?? '')).toEqual(ChangeKind.options);
  expect(code(row('status')?.value ?? '')).toEqual(ChangeStatus.options);
  const required = rows.flatMap(({ fields, initial }) => (initial === 'required' ? fields : []));
  const serviceEnvironment = { service: 'checkout', environment: 'production', version: 'v42' };
  expect(required).toEqual(Object.keys(serviceEnvironment));
  expect(NewChange.safeParse(serviceEnvironment).success).toBe(true);
});
