import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Alerting, expectationOf } from '../../decisions/expectation.ts';
import { ExperimentStatus, type ExperimentRecord } from '../../experiment.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { anExperiment, checkoutProduction } from '../experiments.ts';

const NOW = timestamp(720_000);

const firing = (more: Partial<Alerting> = {}): Alerting => ({
  ...checkoutProduction,
  unmatched: null,
  source: 'alertmanager',
  severity: 'critical',
  labels: [['alertname', 'HighErrorRatio']],
  startsAt: timestamp(700_000),
  title: 'HighErrorRatio',
  monitoringFailure: false,
  ...more,
});

const ending = (code: NonNullable<ExperimentRecord['ending']>['code']) => ({
  code,
  reason: 'because',
  by: null,
  at: timestamp(710_000),
});

const codesOf = (signal: Alerting, experiment: ExperimentRecord, now = NOW): string[] => {
  const { kind, reasons } = expectationOf(signal, [experiment], now);
  return [kind, ...reasons.map(({ code }) => code)];
};

describe('an alert during an experiment', () => {
  test('is expected in its scope and time, with the reasons', () => {
    expect(codesOf(firing(), anExperiment())).toEqual(['expected', 'in_scope', 'in_time', 'expected_alert']);
  });

  test('stops the experiment if it is an abort condition', () => {
    const signal = firing({ labels: [['alertname', 'DataLoss']] });
    expect(codesOf(signal, anExperiment())).toEqual(['abort', 'in_scope', 'in_time', 'abort_alert']);
    // An abort condition need not be among the expected alerts.
    const experiment = anExperiment({ expected_alerts: [{ alertname: 'Slow' }] });
    expect(codesOf(signal, experiment)[0]).toBe('abort');
  });

  const isReal: [code: string, signal: Partial<Alerting>, experiment: Partial<ExperimentRecord>][] = [
    ['not_running', {}, { status: 'preparing' }],
    ['not_running', {}, { status: 'ended' }],
    ['outside_scope', { service: ServiceName.parse('cart') }, {}],
    ['outside_scope', { environment: EnvironmentName.parse('staging') }, {}],
    ['unmatched', { unmatched: 'checkout' }, {}],
    ['fired_before', { startsAt: timestamp(599_999) }, {}],
    ['fired_after', { startsAt: timestamp(715_000) }, { status: 'settling', stopped_at: timestamp(710_000) }],
    ['aborted', {}, { status: 'settling', stopped_at: timestamp(710_000), ending: ending('abort_check') }],
    ['over', {}, { status: 'settling', stopped_at: timestamp(705_000), until: NOW }],
    ['expired', {}, { expires_at: NOW }],
    ['stop_overdue', {}, { abort_alert: { title: 'DataLoss', at: timestamp(600_000) } }],
    ['stop_overdue', {}, { status: 'stopping', ending: { ...ending('abort_check'), at: timestamp(600_000) } }],
    ['event', { source: 'deployment', labels: [['alertname', 'DeploymentFailed']] }, {}],
    ['event', { source: 'deployment', labels: [['alertname', 'DataLoss']] }, {}],
    ['monitoring_failure', { monitoringFailure: true }, {}],
    ['other_labels', {}, { expected_alerts: [{ alertname: 'Slow' }, { alertname: 'HighErrorRatio', pod: 'a' }] }],
    [
      'abort_after_end',
      { labels: [['alertname', 'DataLoss']] },
      { status: 'settling', stopped_at: timestamp(710_000), ending: ending('completed') },
    ],
  ];
  test.each(isReal)('is real: %s (%j, %j)', (code, signal, experiment) => {
    expect(codesOf(firing(signal), anExperiment(experiment))).toEqual(['real', code]);
  });

  test('is expected until the stop of an abort, and in the grace period of an end', () => {
    expect(codesOf(firing(), anExperiment({ status: 'stopping', ending: ending('abort_check') }))[0]).toBe('expected');
    const settling = { status: 'settling', stopped_at: timestamp(710_000), ending: ending('completed') } as const;
    expect(codesOf(firing(), anExperiment(settling))[0]).toBe('expected');
  });

  test('is never expected outside the scope, before the start, after the end, or without an experiment', () => {
    const place = fc.record({
      service: fc.constantFrom('checkout', 'cart'),
      environment: fc.constantFrom('production', 'staging'),
    });
    fc.assert(
      fc.property(
        place,
        place,
        fc.constantFrom(...ExperimentStatus.options),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 2000 }),
        (own, scope, status, startsAt, now) => {
          const at = (second: number) => timestamp(1000 * second);
          const experiment = anExperiment({ status, scope: [scope as never] });
          const signal = firing({ ...(own as object), startsAt: at(startsAt) });
          const { kind } = expectationOf(signal, [experiment], at(now));
          const isInScope = own.service === scope.service && own.environment === scope.environment;
          const isInTime = startsAt >= 600 && now < 1020;
          const isActive = ['running', 'stopping', 'settling'].includes(status);
          if (!isInScope || !isInTime || !isActive) expect(kind).toBe('real');
          expect(expectationOf(signal, [], at(now)).kind).toBe('real');
        },
      ),
    );
  });
});
