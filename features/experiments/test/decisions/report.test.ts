import { expect, test } from 'vitest';
import { conclude } from '../../decisions/conclusion.ts';
import { reportOf } from '../../decisions/report.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { ALL_PLANTED, leaksIn } from '../../../../test/support/credentials.ts';
import { anExperiment, checkoutProduction } from '../experiments.ts';

test('the report of a failed hypothesis has its numbers, alerts, and action items, with all texts escaped', () => {
  const at = timestamp(660_000);
  const ended = anExperiment({
    name: 'lose | one <b>pod</b>',
    stopped_at: timestamp(900_000),
    ending: { code: 'completed', reason: 'its duration has passed', by: null, at: timestamp(900_000) },
    stop: { state: 'confirmed', detail: 'stopped' },
  });
  const observations = [{ at, phase: 'during' as const, values: [{ name: 'errors', value: 0.05, detail: '' }] }];
  const text = reportOf({
    ...ended,
    conclusion: conclude(ended, observations),
    observations,
    events: [{ at, kind: 'started', by: null, text: 'Started' }],
    alerts: [
      { at, episode: 'e', title: 'A|B', ...checkoutProduction, severity: 'critical', abort: false, reasons: [] },
    ],
  });
  expect(text).toContain('# Experiment: lose \\| one \\<b\\>pod\\</b\\>');
  expect(text).toContain('- Conclusion: **failed** (a check was outside its limits)');
  expect(text).toContain('Started: 1970-01-01T00:10:00.000Z; ran 300 s');
  expect(text).toContain('| errors | at most 0.02 | during | 1 | 0 | 1 | 0.05 | 0.05 | 0.05 |');
  expect(text).toContain('| 1970-01-01T00:11:00.000Z | A\\|B | checkout production | critical | none |');
  expect(text).toContain(
    '- [ ] Make the hypothesis of "lose \\| one \\<b\\>pod\\</b\\>" hold: errors was outside at most 0.02',
  );
  // Without a failure, there is nothing to do.
  expect(reportOf({ ...ended, events: [], observations: [], alerts: [] })).not.toContain('Action items');
});

test('the report of an experiment has no credentials', () => {
  const at = timestamp(660_000);
  const planted = anExperiment({
    name: ALL_PLANTED,
    hypothesis: ALL_PLANTED,
    stop: { state: 'confirmed', detail: ALL_PLANTED },
  });
  const report = reportOf({
    ...planted,
    observations: [],
    events: [{ at, kind: 'started', by: null, text: ALL_PLANTED }],
    alerts: [
      { at, episode: 'e', title: ALL_PLANTED, ...checkoutProduction, severity: 'critical', abort: false, reasons: [] },
    ],
  });
  expect(leaksIn(report.replaceAll('\\', ''))).toEqual([]);
  expect(report).toContain('REDACTED');
});
