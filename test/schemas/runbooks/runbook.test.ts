import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { FrontMatter, Runbook } from '../../../schemas/runbooks/runbook.ts';
import { runbookSchema, SCHEMA_FILE } from '../../../scripts/runbook-schema.ts';
import { runbook } from '../../core/domain/runbooks/support.ts';

const BASE = { title: 'Test', match: {} };

const step = (given: Record<string, unknown>) => FrontMatter.safeParse({ ...BASE, steps: [{ id: 'a', ...given }] });

const equals = (name: string, value: string) => ({ name, value, isRegex: false, isEqual: true });

describe('equivalent notations', () => {
  test.each([
    [{ team: 'a' }, [[equals('team', 'a')]]],
    ['team=a', [[equals('team', 'a')]]],
    [['team=a', { tier: 1 }], [[equals('team', 'a'), equals('tier', '1')]]],
    [{ any: ['team=a', ['tier=1', 'x=y']] }, [[equals('team', 'a')], [equals('tier', '1'), equals('x', 'y')]]],
    [{ any: 'a' }, [[equals('any', 'a')]]],
    [{}, [[]]],
  ])('match: %j', (match, any) => {
    expect(FrontMatter.parse({ title: 'Test', match })).toMatchObject({ match: { any } });
    expect(FrontMatter.parse({ title: 'Test', matchers: match })).toMatchObject({ match: { any } });
  });

  test.each([
    ['undo', { do: 'undo', steps: [] }],
    [{ do: 'undo' }, { do: 'undo', steps: [] }],
    [undefined, { do: 'stop', steps: [] }],
  ])('onFailure: %j', (onFailure, expected) => {
    expect(FrontMatter.parse({ ...BASE, onFailure })).toMatchObject({ onFailure: expected });
  });

  test.each([
    ['5m', 'PT5M'],
    ['PT5M', 'PT5M'],
    ['1h 30m', 'PT1H30M'],
  ])('timeout: %j', (timeout, expected) => {
    expect(step({ uses: 'restart', timeout }).data?.steps).toMatchObject([{ timeout: expected }]);
  });

  test.each([
    [true, { otherwise: 'stop' }],
    [
      { otherwise: 'skip', people: ['ada'] },
      { otherwise: 'skip', people: ['ada'] },
    ],
    [false, undefined],
  ])('approval: %j', (approval, expected) => {
    const [parsed] = step({ uses: 'restart', approval }).data?.steps ?? [];
    expect(parsed).toEqual({ id: 'a', uses: 'restart', with: {}, approval: expected });
  });

  test.each([
    [200, [200]],
    ['2xx', ['2xx']],
    [
      [200, '4xx'],
      [200, '4xx'],
    ],
    [undefined, ['2xx']],
  ])('expected status: %j', (status, expected) => {
    const parsed = step({ uses: 'http', with: { method: 'GET', url: 'https://x.test', expect: { status } } });
    expect(parsed.data?.steps).toMatchObject([{ with: { expect: { status: expected } } }]);
  });

  test('the conditions true and false need no quotes', () => {
    expect(FrontMatter.parse({ ...BASE, when: false }).when).toBe('false');
  });
});

test.each<[string, Record<string, unknown>]>([
  ['no match', { match: undefined }],
  ['match and matchers', { matchers: {} }],
  ['a name with spaces', { name: 'High errors' }],
  ['an invalid priority', { priority: 1.5 }],
  ['an optional input without a default', { inputs: { n: { type: 'integer' } } }],
  ['a default of another type', { inputs: { n: { type: 'integer', default: 'x' } } }],
  ['an expression in ${{ }}', { when: '${{ labels.x == "y" }}' }],
])('%s is refused', (_, given) => {
  expect(FrontMatter.safeParse({ ...BASE, ...given }).success).toBe(false);
});

test.each<[string, Record<string, unknown>]>([
  ['an unknown kind', { uses: 'reboot' }],
  ['a key of another kind', { uses: 'note', with: { text: 'x' }, inverse: { uses: 'restart' } }],
  ['an id that CEL cannot name', { id: 'my-step', uses: 'verify' }],
  ['an id that is reserved in CEL', { id: 'in', uses: 'verify' }],
  ['scaling without a ceiling', { uses: 'scale', with: { by: 1 } }],
  ['a ceiling from an expression', { uses: 'scale', with: { by: 1, ceiling: '${{ inputs.n }}' } }],
  ['scaling in two ways', { uses: 'scale', with: { by: 1, to: 4, ceiling: 9 } }],
  ['an unreasonable number of instances', { uses: 'scale', with: { by: 1, ceiling: 1_000_000 } }],
  ['waiting for a query without a limit', { uses: 'wait.until', with: { promql: 'up' } }],
  ['waiting for two conditions', { uses: 'wait.until', with: { promql: 'up', min: 1, cel: 'true' } }],
  ['an address without a host', { uses: 'http', with: { method: 'GET', url: '/status' } }],
  ['a host from an expression', { uses: 'http', with: { method: 'GET', url: 'https://${{ inputs.host }}/' } }],
  [
    'a host that an expression extends',
    { uses: 'http', with: { method: 'GET', url: 'https://x.test${{ inputs.rest }}' } },
  ],
  ['user and password in an address', { uses: 'http', with: { method: 'GET', url: 'https://a:b@x.test/' } }],
  ['another scheme', { uses: 'http', with: { method: 'GET', url: 'file:///etc/passwd' } }],
  [
    'a header of the connection',
    { uses: 'http', with: { method: 'GET', url: 'https://x.test', headers: { Host: 'y' } } },
  ],
  [
    'a header with a line break',
    { uses: 'http', with: { method: 'GET', url: 'https://x.test', headers: { 'a\nb': 'y' } } },
  ],
  [
    'a secret without a name',
    { uses: 'http', with: { method: 'GET', url: 'https://x.test', auth: { bearer: 'abc' } } },
  ],
  ['an unclosed template', { uses: 'note', with: { text: 'at ${{ incident.id' } }],
  ['an empty template', { uses: 'note', with: { text: 'at ${{ }}' } }],
  ['an invalid timeout', { uses: 'restart', timeout: 5 }],
  ['too many retries', { uses: 'restart', retry: { max: 1000 } }],
  ['a single parallel step', { parallel: [{ id: 'b', uses: 'verify' }] }],
  [
    'nested groups',
    {
      parallel: [
        { id: 'b', uses: 'verify' },
        { id: 'c', parallel: [{ id: 'd', uses: 'verify' }] },
      ],
    },
  ],
])('%s is refused', (_, given) => {
  expect(step(given).success).toBe(false);
});

test('parsed output parses to the same value again', () => {
  const head = [
    'services: checkout',
    'severity: critical',
    'mode: approve',
    'inputs: { n: { type: integer, default: 2 } }',
    'undo: reverse',
    'onFailure: { do: undo, steps: [{ id: z, uses: page }] }',
    'steps:',
    '  - { id: a, uses: restart, timeout: 1h 5m, approval: true, retry: { max: 2 }, blastRadius: {} }',
    '  - id: p',
    '    when: true',
    '    parallel:',
    '      - { id: b, uses: scale, timeout: 5m, with: { to: "${{ inputs.n }}", ceiling: 5 } }',
    '      - { id: c, uses: http, with: { method: GET, url: "https://x.test", expect: { status: 204 } } }',
    '  - { id: d, uses: wait.until, timeout: 1h, with: { promql: up, min: 1, for: 5m } }',
    '  - { id: e, uses: slack.post, with: { channel: Payments, text: x } }',
  ].join('\n');
  const parsed = runbook(head);
  expect(Runbook.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(JSON.parse(JSON.stringify(parsed)));
});

describe('the JSON Schema for editors', () => {
  test('is up to date (node scripts/runbook-schema.ts)', () => {
    expect(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'))).toEqual(JSON.parse(JSON.stringify(runbookSchema())));
  });

  test('accepts valid runbooks, and refuses misspelled keys', () => {
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')));
    const good = {
      title: 'Test',
      match: { any: ['runbook="x"', ['a=~"b.*"', { c: 1 }]] },
      steps: [
        { id: 'a', uses: 'rollback', timeout: '30m' },
        {
          id: 'p',
          parallel: [
            { id: 'b', uses: 'page' },
            { id: 'c', uses: 'note', with: { text: 'x' } },
          ],
        },
      ],
    };
    expect(schema.safeParse(good).error).toBeUndefined();
    expect(schema.safeParse({ ...good, steps: [{ id: 'a', uses: 'rolback' }] }).success).toBe(false);
    expect(schema.safeParse({ ...good, priorty: 1 }).success).toBe(false);
  });
});
