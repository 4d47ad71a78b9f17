import { expect, test } from 'vitest';
import * as z from 'zod';
import { inputProblems, inputProblemText } from '../../../schemas/parsing/input-problems.ts';

const textOf = (schema: z.ZodType, value: unknown): string =>
  inputProblemText(schema.safeParse(value).error ?? expect.unreachable());

const kind = z.enum(['deploy', 'rollback']);
const target = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), url: z.url(), timeout: z.number().optional() }),
  z.strictObject({ kind: z.literal('argo-cd'), application: z.string() }),
]);
const page = z.union([z.boolean(), z.enum(['always', 'never'])]);
const receiver = z.union([z.string(), z.strictObject({ url: z.string(), secret: z.string() })]);

test.each<[string, z.ZodType, unknown, string]>([
  ['a missing text', z.string(), undefined, 'is required'],
  ['a missing word', kind, undefined, 'is required: one of deploy, rollback'],
  ['null for a text', z.string(), null, 'must be text'],
  ['a number for a text', z.string(), 7, 'must be text'],
  ['a text for a number', z.number(), 'seven', 'must be a number'],
  ['a text for one of few numbers', z.number().int().min(1).max(4), 'one', 'must be a whole number from 1 to 4'],
  ['a number in quotes', z.number(), '0.5', 'must be a number (remove the quotes)'],
  ['a percentage', z.number(), '99.9%', 'must be a number (write 0.999 for a share, 99.9 for a percentage)'],
  ['a number that was read', z.coerce.number().int().min(1).max(500), 'x', 'must be a whole number from 1 to 500'],
  ['a fraction', z.number().int(), 1.5, 'must be a whole number'],
  ['an infinite number', z.number().min(0), Infinity, 'must be a finite number of at least 0'],
  ['a word for a switch', z.boolean(), 'yes', 'must be true or false'],
  ['a text for a list', z.array(z.string()), 'a', 'must be a list'],
  ['a list for an object', z.object({}), [], 'must be an object (key: value)'],
  ['a key that is not allowed', z.object({ old: z.never().optional() }), { old: 1 }, 'old: must not be set'],
  ['a similar word', kind, 'rolback', 'must be one of deploy, rollback (did you mean "rollback"?)'],
  ['another word', kind, 'explode', 'must be one of deploy, rollback'],
  ['the only word', z.literal('v1'), 'v2', 'must be v1'],
  ['words with spaces', z.enum(['a b', 'c']), 'other', 'must be one of "a b", c'],
  ['a similar key', target, { kind: 'http', urll: 'x' }, 'url: is required; unknown key "urll" (did you mean "url"?)'],
  ['another key', z.strictObject({}), { a: 1, b: 2 }, 'unknown key "a"; unknown key "b"'],
  [
    'a key of a map',
    z.record(kind, z.number()),
    { deploy: 1, rollback: 1, deply: 1 },
    'unknown key "deply" (did you mean "deploy"?)',
  ],
  ['a similar kind', target, { kind: 'htp' }, 'kind: must be one of http, argo-cd (did you mean "http"?)'],
  ['no kind', target, {}, 'kind: is required: one of http, argo-cd'],
  ['none of the alternatives', page, 3, 'must be true or false or one of always, never'],
  ['almost an alternative', page, 'alway', 'must be true or false or one of always, never (did you mean "always"?)'],
  ['a part of an alternative', receiver, { url: 'x' }, 'secret: is required'],
  [
    'none of the alternatives, with their own text',
    z.union([z.ipv4(), z.ipv6()], 'must be an address, such as 10.0.0.1'),
    'shop',
    'must be an address, such as 10.0.0.1',
  ],
  ['an empty text', z.string().min(1), '', 'must not be empty'],
  ['a short text', z.string().min(3), 'ab', 'must have at least 3 characters, not 2'],
  ['a long text', z.string().max(10), 'x'.repeat(1234), 'must have at most 10 characters, not 1234'],
  ['an empty list', z.array(z.string()).min(1), [], 'must not be empty'],
  ['a long list', z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 item, not 2'],
  ['a small number', z.number().min(1), 0, 'must be at least 1'],
  ['a number at an open limit', z.number().lt(1), 1, 'must be less than 1'],
  ['a number between', z.number().multipleOf(5), 7, 'must be a multiple of 5'],
  ['no URL', z.url(), 'shop', 'must be a URL, such as https://example.com'],
  ['no time', z.iso.datetime(), 'today', 'must be a time, such as 2026-11-30T12:00:00Z'],
  ['another beginning', z.string().startsWith('/'), 'a', 'must start with /'],
  ['another form', z.string().regex(/^[a-f]+$/), 'x', 'must have the form /^[a-f]+$/'],
  [
    'a name with its own text',
    z.record(z.string().regex(/^a/, 'must begin with a'), z.number()),
    { b: 1 },
    'b: must begin with a',
  ],
  ['a condition without a text', z.string().refine((text) => text === 'a'), 'b', 'is not valid'],
])('%s', (_, schema, value, text) => expect(textOf(schema, value)).toBe(text));

test("a schema's own text that reads like another one is not taken for it", () => {
  const even = z.object({
    a: z.string().refine((text) => text.length % 2 === 0, 'is required to have an even length'),
  });
  const two = z.object({ a: z.string().max(0, 'must be blank').min(2, 'must be long') });
  expect(textOf(z.union([even, two]), { a: 'x' })).toBe('a: is required to have an even length');
  const own = z.union([z.ipv4(), z.ipv6()], 'fits none of the alternatives');
  expect(textOf(own, 'shop')).toBe('fits none of the alternatives');
  expect(textOf(z.strictObject({}, 'must be\nempty'), { a: 1, b: 2 })).toBe('must be\nempty; must be\nempty');
});

test('an unknown key is a problem of its own, at its place', () => {
  const { error } = z.object({ target }).safeParse({ target: { kind: 'argo-cd', aplication: 'x', url: 'y' } });
  expect(inputProblems(error ?? expect.unreachable())).toEqual([
    { path: ['target', 'application'], text: 'is required' },
    { path: ['target'], key: 'aplication', text: 'unknown key "aplication" (did you mean "application"?)' },
    { path: ['target'], key: 'url', text: 'unknown key "url"' },
  ]);
});

test('a text is short, and repeats no value, which can be a secret', () => {
  const secret = 'hunter2-hunter2';
  const schema = z.strictObject({ token: z.number(), kind, url: z.url(), target, page, receiver });
  const given = {
    token: secret,
    kind: secret,
    url: secret,
    target: { kind: secret },
    page: secret,
    receiver: [secret],
  };
  expect(textOf(schema, given)).not.toContain('hunter2');

  const keys = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`${n}${'x'.repeat(1000)}`, n]));
  const long = textOf(z.strictObject({ list: z.array(z.number()) }), { list: Object.keys(keys), ...keys });
  expect(long.length).toBeLessThan(1000);
  expect(long).toMatch(/^list\.0: must be a number; .*list\.9: must be a number; and 9990 more$/);
  expect(textOf(z.strictObject({}), keys)).toMatch(/^unknown key "0x{58}…"; .*; and 4990 more$/);
});
