import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, evaluate, holds } from '../../../../core/domain/runbooks/cel/cel.ts';
import type { Declarations, Variables } from '../../../../core/domain/runbooks/variables.ts';
import { variables } from './support.ts';
import { runs } from '../../../support/runs.ts';

const DECLARED: Declarations = {
  inputs: { instances: 'integer', share: 'number', flag: 'string', hard: 'boolean' },
  steps: ['first', 'second'],
};

const KNOWN = variables({
  labels: new Map([
    ['alertname', 'HighErrorRatio'],
    ['team', 'payments'],
  ]),
  inputs: { instances: 3, share: 0.5, flag: 'new-cart', hard: true },
  steps: { first: { status: 'succeeded', output: { count: 4, urls: ['https://x.test'], ratio: 0.25 } } },
  suspect: { version: 'v42', kind: 'deploy', confidence: 0.9, relation: 'same' },
});

const value = (text: string, given: Variables = KNOWN) => evaluate(text, DECLARED, given);

test.each([
  ['incident.severity == "critical" && service.tier <= 2', true],
  ['incident.name == "INC-42"', true],
  ['incident.opened_at.getHours("Europe/Berlin") < 6', true],
  ['incident.opened_at', '2026-11-20T03:00:00.000Z'],
  ['labels.team in ["payments", "orders"]', true],
  ['labels.alertname.matches("Error")', true],
  ['labels.alertname.matches("^Error")', false],
  ['labels.alertname.matches("(?i)errorratio$")', true],
  ['inputs.instances + 1', 4],
  ['inputs.share * 2.0', 1],
  ['inputs.hard', true],
  ['steps.first.output.count + 1', 5],
  ['steps.first.output.ratio < 0.5', true],
  ['steps.first.output.urls[0]', 'https://x.test'],
  ['steps.second.status', 'pending'],
  ['suspect != null && suspect.confidence >= 0.9', true],
  ['decision == null ? "none" : decision.kind', 'none'],
  ['labels.filter(name, name.startsWith("te"))', ['team']],
  ['labels.exists(name, name == "team")', true],
])('%s', (text, expected) => {
  expect(value(text)).toEqual({ ok: true, value: expected });
});

describe('a label that the alert lacks', () => {
  test.each([
    ['labels.action == "auto-rollback"', false],
    ['labels["action"] == ""', true],
    ['annotations.note == ""', true],
    ['has(labels.action)', false],
    ['"action" in labels', false],
    ['!has(labels.action) || labels.action == "auto-rollback"', true],
    ['size(labels)', 2],
  ])('%s is %j', (text, expected) => {
    expect(value(text)).toEqual({ ok: true, value: expected });
  });
});

test.each([
  ['1 +', /Unexpected token/],
  ['labls.team == "x"', /Unknown variable: labls/],
  ['incident.tier', /No such key: tier/],
  ['incident.severity == 1', /no such overload/],
  ['inputs.instances == "3"', /no such overload/],
  ['labels.team + 1', /no such overload/],
  ['now()', /no matching overload/],
  ['labels.team.matches(labels.alertname)', /requires a literal pattern/],
  ['labels.team.matches("a(")', /cannot be used: missing "\)"/],
  ['labels.team.matches("a(?=b)")', /look-around/],
  ['labels.map(name, labels[name])', /map\(\) is not allowed/],
  ['cel.bind(x, labels.team + labels.team, x + x)', /bind\(\) is not allowed/],
  ['labels.exists(a, labels.exists(b, a != b))', /inside another loop/],
  ['labels.exists(a, a.matches("x"))', /inside a loop/],
  [`${'!'.repeat(300)}true`, /maxAstNodes/],
  [`${'('.repeat(100)}1${')'.repeat(100)}`, /maxDepth/],
  [`"${'x'.repeat(1000)}" == ""`, /longer than 1000 characters/],
])('%s is rejected at compile time', (text, detail) => {
  expect(compile(text, DECLARED)).toMatchObject({ ok: false, detail: expect.stringMatching(detail) });
  expect(value(text)).toMatchObject({ ok: false, detail: expect.stringMatching(detail) });
});

test.each([
  ['1 / 0', /division by zero/],
  ['suspect.version', /No such key|null/],
  ['incident.opened_at.getHours("Mars/Olympus")', /time zone/],
  ['steps.first.output.missing', /No such key/],
  ['type(1)', /not a string, number/],
  ['labels.constructor.constructor', /No such key|Cannot index/],
])('%s explains why it has no value', (text, detail) => {
  expect(value(text, { ...KNOWN, suspect: null })).toMatchObject({ ok: false, detail: expect.stringMatching(detail) });
});

test('a condition that is neither true nor false is an error', () => {
  expect(holds('steps.first.output.count', DECLARED, KNOWN)).toEqual({
    ok: false,
    detail: 'its result is 4, not true or false',
  });
  expect(holds(undefined, DECLARED, KNOWN)).toEqual({ ok: true, value: true });
});

test('a pattern with catastrophic backtracking is evaluated in bounded time', () => {
  const labels = new Map([['team', `${'a'.repeat(4000)}!`]]);
  expect(value('labels.team.matches("^(a+)+$")', variables({ labels }))).toEqual({ ok: true, value: false });
});

test('patterns whose states, times the characters of a text, would take seconds are refused', () => {
  for (const pattern of ['"(a{1,100}){5}b$"', '"(.*a){200}b"'])
    expect(compile(`labels.team.matches(${pattern})`, DECLARED)).toMatchObject({
      ok: false,
      detail: expect.stringContaining('at most 300') as string,
    });
  const many = Array.from({ length: 20 }, (_, n) => `labels.team.matches("a.{${n + 20}}b")`).join(' || ');
  expect(compile(many, DECLARED)).toMatchObject({ ok: false, code: 'refused' });
});

test('an alert with very many and very long labels is evaluated', () => {
  const labels = new Map(Array.from({ length: 20_000 }, (_, n) => [`label_${n}`, 'x'.repeat(10_000)]));
  expect(value('labels.all(name, name != "x") && size(labels) <= 200', variables({ labels }))).toEqual({
    ok: true,
    value: true,
  });
});

test('no expression can escape from the data', () => {
  for (const text of [
    'labels.__proto__',
    'labels["constructor"]',
    'incident.toString',
    'steps.first.output.__proto__',
    'inputs.constructor',
    'suspect.hasOwnProperty("x")',
    '__proto__',
    'constructor',
    'globalThis',
  ]) {
    const asked = value(text);
    if (asked.ok) expect([text, asked.value]).toEqual([text, '']);
  }
});

test('no expression throws, for any alert', () => {
  const known =
    'labels . team == "x" && ( ) [ ] suspect ! ? : 1 matches null , exists in has steps first output + { } incident';
  const word = fc.constantFrom(...known.split(' '), 'opened_at', "'", '\\', '\n', '-', 'e', ' ');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(word, { maxLength: 12 }).map((words) => words.join('')),
        fc.string(),
      ),
      fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 4 }),
      (text, labels) => {
        const asked = evaluate(text, DECLARED, variables({ labels: new Map(labels) }));
        expect(asked.ok ? JSON.stringify(asked.value) : asked.detail).toEqual(expect.any(String));
      },
    ),
    { numRuns: runs(200) },
  );
});
