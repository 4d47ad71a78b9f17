import { describe, expect, test } from 'vitest';
import { generatedFiles } from '../../../decisions/generate/files.ts';
import { alertingRules, allowed, recordingRules } from '../../../decisions/generate/rules.ts';
import type { Rule } from '../../../decisions/generate/rule.ts';
import type { Slo } from '../../../../../schemas/slo/slo.ts';
import { hash } from '../../../../freeze/test/decisions/builders.ts';
import { badOfAll, goodOfAll, objective, slow } from './objectives.ts';
import { rateOf } from '../../../../../core/domain/monitoring/rates.ts';

const OPTIONS = {
  preset: 'multiwindow',
  raw: true,
  url: 'https://firebreak.example',
  tokenFile: '/etc/token',
  hash,
  services: {},
  environments: ['production'],
  lowVelocity: false,
} as const;

const rulesOf = (...slos: Slo[]): Rule[] => recordingRules(slos, hash).groups.flatMap(({ rules }) => rules);

describe('a rate', () => {
  test.each([
    ['with the window', 'sum(rate(a_total[{{.window}}]))', true, 'sum(rate(a_total[5m]))'],
    ['of several series', 'rate(a_total[{{.window}}])', true, 'sum(rate(a_total[5m]))'],
    [
      'of two sums is not one sum',
      'sum(rate(a[{{.window}}])) + sum(rate(b[{{.window}}]))',
      true,
      'sum(sum(rate(a[5m])) + sum(rate(b[5m])))',
    ],
    ['of a text with brackets', 'sum(rate(a{x=")"}[{{.window}}]))', true, 'sum(rate(a{x=")"}[5m]))'],
    ['of a raw text with brackets', 'sum(rate(a{x=`)`}[{{.window}}]))', true, 'sum(rate(a{x=`)`}[5m]))'],
    ['with a comment', 'sum(rate(a{x="#1"}[{{.window}}])) # ours', true, 'sum(rate(a{x="#1"}[5m]))'],
    ['of a counter', 'a_total{code!~"5..",path="{x}"}', true, 'sum(rate(a_total{code!~"5..",path="{x}"}[5m]))'],
    ['of a sum of counters', 'sum(a_total)', true, 'sum(rate((sum(a_total))[5m:1m]))'],
    ['of a metric that is already a rate', 'a_per_second', false, 'sum(avg_over_time((a_per_second)[5m:1m]))'],
  ])('%s', (_, query, counter, expected) => {
    expect(rateOf(query, counter)).toBe(expected);
  });
});

test('the allowed share is as exact as the target', () => {
  expect([0.999, 0.9, 0.9995, 0.99].map((target) => allowed(objective('x', badOfAll, { target })))).toEqual([
    0.001, 0.1, 0.0005, 0.01,
  ]);
});

test('the order of objectives does not matter', () => {
  const slos = [
    objective('b', badOfAll),
    objective('a', goodOfAll, { service: 'api' }),
    objective('c', slow, { service: 'api', environment: 'staging' }),
  ];
  const one = JSON.stringify([...generatedFiles(slos, OPTIONS)]);
  expect(JSON.stringify([...generatedFiles(slos.toReversed(), OPTIONS)])).toBe(one);
});

test('each further objective adds five rules', () => {
  const many = Array.from({ length: 50 }, (_, index) => objective(`slo-${index}`, badOfAll));
  expect(rulesOf(...many, objective('one-more', badOfAll)).length - rulesOf(...many).length).toBe(5);
});

test('slices are entirely good or bad, with rules of their own', () => {
  const sliced = objective('by-slices', badOfAll, {
    budgeting: { kind: 'timeslices', sliceSeconds: 300, sliceTarget: 0.95 },
  });
  const hour = rulesOf(sliced, objective('by-events', badOfAll)).filter(
    (rule) => 'record' in rule && rule.record === 'firebreak:slo_error:ratio_rate1h',
  );
  expect(hour.map(({ expr }) => expr)).toEqual([
    'firebreak:slo_errors:increase1h{slo!~"by-slices"} / firebreak:slo_events:increase1h{slo!~"by-slices"}',
    expect.stringContaining('> bool 0.05)[1h:5m]'),
  ]);
});

test('each alert has its urgency and a runbook', () => {
  for (const preset of ['multiwindow', 'simple'] as const) {
    for (const rule of alertingRules(preset).groups.flatMap(({ rules }) => rules)) {
      expect(rule).toMatchObject({
        labels: { severity: expect.stringMatching(/^(page|ticket)$/), runbook: expect.any(String) },
        annotations: { summary: expect.any(String), description: expect.any(String) },
      });
    }
  }
});

test('Alertmanager sends to Firebreak and never follows redirects', () => {
  const config = generatedFiles([], OPTIONS).get('alertmanager/firebreak.yaml');
  expect(config).toMatchObject({
    receivers: [
      {
        webhook_configs: [
          { url: 'https://firebreak.example/v1/alerts/alertmanager', http_config: { follow_redirects: false } },
        ],
      },
    ],
  });
});
