import { describe, expect, test } from 'vitest';
import { abortReason, conclude, steadinessOf } from '../../decisions/conclusion.ts';
import type { EndCode, Observation, Phase } from '../../experiment.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { anExperiment } from '../experiments.ts';

const observed = (phase: Phase, ...values: (number | null)[]): Observation[] =>
  values.map((value, n) => ({
    at: timestamp(600_000 + 30_000 * n),
    phase,
    values: [{ name: 'errors', value, detail: value === null ? 'no answer' : '' }],
  }));

const ended = (code: EndCode, more: Parameters<typeof anExperiment>[0] = {}) =>
  anExperiment({ ending: { code, reason: `ended by ${code}`, by: null, at: timestamp(900_000) }, ...more });

const { checks } = anExperiment();

describe('the conclusion of an experiment', () => {
  test('held, with the numbers', () => {
    const all = [...observed('before', 0.001), ...observed('during', 0.01, 0.02), ...observed('after', 0.001)];
    expect(conclude(ended('completed'), all)).toMatchObject({
      outcome: 'held',
      recovered: true,
      reasons: ['errors stayed within at most 0.02, 0.01 to 0.02, on average 0.015'],
      checks: [{ during: { measured: 2, missing: 0, outside: 0, min: 0.01, max: 0.02, last: 0.02 } }],
    });
  });

  const cases: [name: string, code: EndCode, during: (number | null)[], more: object, expected: object][] = [
    ['one value outside', 'completed', [0.01, 0.05, 0.01], {}, { outcome: 'failed', because: 'outside_limits' }],
    [
      'tolerated',
      'completed',
      [0.01, 0.05, 0.01],
      { checks: checks.map((one) => ({ ...one, tolerated: 1 })) },
      { outcome: 'held' },
    ],
    ['not observed any more', 'abort_missing', [0.01], {}, { outcome: 'inconclusive', because: 'not_measured' }],
    ['a failure, then not observed', 'abort_missing', [0.5], {}, { outcome: 'failed', because: 'outside_limits' }],
    ['an abort', 'abort_alert', [0.01], {}, { outcome: 'failed', because: 'aborted' }],
    ['stopped by a person', 'stopped', [0.01], {}, { outcome: 'inconclusive', because: 'stopped_early' }],
    ['stopped after a failure', 'stopped', [0.5], {}, { outcome: 'failed', because: 'outside_limits' }],
    ['half measured', 'completed', [0.01, null], {}, { outcome: 'held' }],
    ['mostly unmeasured', 'completed', [0.01, null, null], {}, { outcome: 'inconclusive', because: 'not_measured' }],
    ['never measured', 'completed', [], {}, { outcome: 'inconclusive', because: 'not_measured' }],
    ['not steady', 'not_steady', [], { started_at: null }, { outcome: 'inconclusive', because: 'not_steady' }],
    ['never started', 'never_started', [], { started_at: null }, { outcome: 'inconclusive', because: 'not_started' }],
    [
      'a failed probe',
      'chaos_ended',
      [0.01],
      { chaos: { verdict: 'failed', text: 'probe failed', probes: [] } },
      { outcome: 'failed', because: 'chaos_verdict', reasons: ['probe failed'] },
    ],
    [
      'an error of the chaos system',
      'chaos_ended',
      [0.01],
      { chaos: { verdict: 'error', text: 'no target found', probes: [] } },
      { outcome: 'inconclusive', because: 'stopped_early', reasons: ['no target found'] },
    ],
  ];
  test.each(cases)('%s', (_, code, during, more, expected) => {
    expect(conclude(ended(code, more), observed('during', ...during))).toMatchObject(expected);
  });

  test('failed if the service does not recover', () => {
    const all = [...observed('during', 0.01), ...observed('after', 0.01, 0.3)];
    expect(conclude(ended('completed'), all)).toMatchObject({
      outcome: 'failed',
      because: 'not_recovered',
      recovered: false,
    });
  });
});

test('the steady state requires a measurement of each check, and none outside its limits', () => {
  expect(steadinessOf(checks, observed('before', 0.01, 0.02)).steady).toBe(true);
  expect(steadinessOf(checks, observed('before', 0.01, 0.03))).toEqual({
    steady: false,
    reasons: ['errors was outside at most 0.02 before the experiment, 0.01 to 0.03, on average 0.02'],
  });
  expect(steadinessOf(checks, observed('before', null)).reasons).toEqual([
    'errors was not measured before the experiment: no answer',
  ]);
  expect(steadinessOf(checks, []).steady).toBe(false);
});

test('an observation beyond an abort limit stops the experiment', () => {
  const of = (value: number | null) => abortReason(checks, observed('during', value)[0] as Observation);
  expect(of(0.2)).toBeNull();
  expect(of(null)).toBeNull();
  expect(of(0.21)).toBe('errors is 0.21, above its abort limit 0.2');
  const low = [{ ...(checks[0] as (typeof checks)[number]), max: null, min: 10, abort_above: null, abort_below: 5 }];
  expect(abortReason(low, observed('during', 4)[0] as Observation)).toBe('errors is 4, below its abort limit 5');
});
