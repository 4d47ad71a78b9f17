import { expect, test } from 'vitest';
import { ruleFigures, type RuleFiring } from '../../../../core/domain/alerts/rule-figures.ts';
import { noisyAlerts } from '../../../../core/domain/alerts/noisy-alerts.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';

const firing = (more: Partial<RuleFiring> = {}, environment = 'production'): RuleFiring => ({
  signal: signal({ environment: environment as EnvironmentName, labels: [['alertname', 'Slow']] }),
  at: '2026-11-20T12:00:00.000Z' as Timestamp,
  incident: null,
  isActedOn: false,
  hasRunbook: false,
  hasEnded: true,
  ...more,
});

test('an alert ended by itself if nothing was done; the rule with the most such alerts comes first', () => {
  const later = '2026-11-20T13:00:00.000Z' as Timestamp;
  const figures = ruleFigures([
    firing({ isActedOn: true }),
    firing({ at: later }),
    firing({ hasEnded: false }),
    ...[1, 2, 3].map(() => firing({}, 'staging')),
  ]);
  expect(figures).toEqual([
    { ...named('staging'), fired: 3, paged: 0, acted_on: 0, resolved_by_itself: 3, last_at: firing().at },
    { ...named('production'), fired: 3, paged: 0, acted_on: 1, resolved_by_itself: 1, last_at: later },
  ]);
});

test('pages are those that were sent, however many alerts the incident lists, in each place that shows them', () => {
  const [id, parent] = ['01J0000000000000000000000A', '01J0000000000000000000000B'] as IncidentId[];
  const pages = new Map([
    [id, 2],
    [parent, 1],
  ] as [IncidentId, number][]);
  const alerts = [1, 2, 3, 4, 5].map(() => firing({ incident: { id } as IncidentRecord, pages }));
  expect([ruleFigures(alerts)[0]?.paged, noisyAlerts(alerts)[0]?.pages]).toEqual([3, 3]);
});

test('alerts without the name of a rule are one by their key, or by their title without measured values', () => {
  const unnamed = (fingerprint: string, title: string, minute: number) =>
    firing({
      signal: signal({ source: 'generic', sender: 'token:monitor', labels: [], fingerprint, title }),
      at: `2026-11-20T12:0${minute}:00.000Z` as Timestamp,
    });
  const figures = ruleFigures([
    unnamed('backlog', '1532 orders wait', 1),
    unnamed('backlog', '1498 orders wait', 3),
    unnamed('backlog', '17 orders wait', 2),
    unnamed('a', 'Queue has 4711 messages at 10:01', 1),
    unnamed('b', 'Queue has 17 messages at 9:40', 2),
    unnamed('c', 'node-3 is down', 1),
    unnamed('d', 'node-4 is down', 1),
    unnamed('probe-81', 'Checkout took 3.4 s', 1),
    unnamed('probe-97', 'Checkout took 12.9 s', 2),
  ]);
  expect(figures).toMatchObject([
    { rule: '… orders wait', fired: 3 },
    { rule: 'Queue has … messages', fired: 2 },
    { rule: 'Checkout took', fired: 2 },
    { rule: 'node-3 is down', fired: 1 },
    { rule: 'node-4 is down', fired: 1 },
  ]);
});

test('keys of different senders and services are different alerts', () => {
  const keyed = { source: 'generic', fingerprint: '1' } as const;
  const titled = (title: string, more: Partial<Signal>) =>
    firing({ signal: signal({ ...keyed, labels: [], title, ...more }) });
  const figures = ruleFigures([
    titled('Slow', { sender: 'token:probes' }),
    titled('Orders wait', { sender: 'token:queues' }),
    titled('Down', { sender: 'token:probes', service: 'search' as ServiceName }),
  ]);
  expect(figures.map(({ rule }) => rule).toSorted()).toEqual(['Down', 'Orders wait', 'Slow']);
});

const named = (environment: string) => ({ service: firing().signal.service, environment, rule: 'Slow' });
