import { expect, test } from 'vitest';
import { ruleFigures, type RuleFiring } from '../../../../core/domain/alerts/rule-figures.ts';
import type { EnvironmentName } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';

const firing = (more: Partial<RuleFiring> = {}, environment = 'production'): RuleFiring => ({
  signal: signal({ environment: environment as EnvironmentName, labels: [['alertname', 'Slow']] }),
  at: '2026-11-20T12:00:00.000Z' as Timestamp,
  incident: null,
  isActedOn: false,
  hasRunbook: false,
  isPaged: false,
  hasEnded: true,
  ...more,
});

test('an alert ended by itself if nothing was done; the rule with the most such alerts comes first', () => {
  const later = '2026-11-20T13:00:00.000Z' as Timestamp;
  const figures = ruleFigures([
    firing({ isPaged: true, isActedOn: true }),
    firing({ isPaged: true, at: later }),
    firing({ hasEnded: false }),
    ...[1, 2, 3].map(() => firing({}, 'staging')),
  ]);
  expect(figures).toEqual([
    { ...named('staging'), fired: 3, paged: 0, acted_on: 0, resolved_by_itself: 3, last_at: firing().at },
    { ...named('production'), fired: 3, paged: 2, acted_on: 1, resolved_by_itself: 1, last_at: later },
  ]);
});

const named = (environment: string) => ({ service: firing().signal.service, environment, rule: 'Slow' });
