import { describe, expect, test } from 'vitest';
import { type Firing, NOISY_TIMES, noisyAlerts, wasActedOn } from '../../../../core/domain/alerts/noisy-alerts.ts';
import { blankIncident } from '../../../../core/domain/incidents/new-incident.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;

const incident = (more: Partial<IncidentRecord> = {}): IncidentRecord => ({
  ...blankIncident,
  id: '01J0000000000000000000000A' as IncidentId,
  service: 'checkout' as ServiceName,
  environment: 'production' as EnvironmentName,
  title: 'slow',
  severity: 'critical',
  opened_at: AT,
  trace: '',
  ...more,
});

const firings = (times: number, more: Partial<Firing> = {}): Firing[] =>
  Array.from({ length: times }, (_, n) => ({
    signal: signal({ labels: [['alertname', 'Slow']], title: `took ${n} s` }),
    at: `2026-11-20T12:00:${String(n).padStart(2, '0')}.000Z` as Timestamp,
    incident: null,
    isActedOn: false,
    hasRunbook: false,
    ...more,
  }));

const sent = (id: IncidentId, pages: number) => new Map([[id, pages]]);

describe('an alert is noisy', () => {
  test('if it fires often, nobody acts on it, and it has no runbook', () => {
    expect(noisyAlerts(firings(NOISY_TIMES - 1))).toEqual([]);
    expect(noisyAlerts(firings(NOISY_TIMES))).toMatchObject([{ name: 'Slow', times: NOISY_TIMES, newest: null }]);
  });

  test('unless somebody acted on it once, or it has a runbook', () => {
    expect(noisyAlerts([...firings(9), ...firings(1, { isActedOn: true })])).toEqual([]);
    expect(noisyAlerts([...firings(9), ...firings(1, { hasRunbook: true })])).toEqual([]);
  });

  test('with its incidents, their pages, and their acknowledgments', () => {
    const newer = '01J0000000000000000000000B' as IncidentId;
    const acknowledged = { acknowledged: { by: 'ada', at: AT } };
    expect(
      noisyAlerts([
        ...firings(3, { incident: incident({ pages: 3, handling: acknowledged }), pages: sent(incident().id, 2) }),
        ...firings(3, {
          incident: incident({ id: newer }),
          pages: sent(newer, 1),
          at: '2026-11-20T13:00:00.000Z' as Timestamp,
        }),
      ]),
    ).toMatchObject([{ times: 6, incidents: 2, acknowledged: 1, pages: 3, newest: newer }]);
  });

  test('in each service and environment by itself, the most frequent first', () => {
    const staging = { signal: signal({ environment: 'staging' as EnvironmentName, labels: [['alertname', 'Slow']] }) };
    expect(noisyAlerts([...firings(5), ...firings(7, staging)]).map(({ environment }) => environment)).toEqual([
      'staging',
      'production',
    ]);
    expect(noisyAlerts([...firings(4), ...firings(4, staging)])).toEqual([]);
  });
});

test.each([
  [{}, false],
  [{ handling: { acknowledged: { by: 'ada', at: AT } } }, false],
  [{ mitigations: 1 }, false],
  [{ status: 'resolved', resolved_at: AT, resolved_by: null }, false],
  [{ status: 'resolved', resolved_at: AT, resolved_by: 'ada' }, true],
  [{ verifying: { number: 1 } }, true],
  [{ last_requests: { rollback: { by: 'ada', at: AT, from: null, to: null } } }, true],
  [{ published_by: 'ada' }, true],
  [{ noted: true, handling: { acknowledged: { by: 'ada', at: AT } } }, true],
  [{ handling: { acted: { by: 'ada', at: AT } } }, true],
  [{ handling: { stakeholder_update: { by: 'ada', at: AT } } }, true],
  [{ by_hand: true }, true],
] satisfies [Partial<IncidentRecord>, boolean][])('an incident with %j was acted on: %s', (more, expected) => {
  expect(wasActedOn(incident(more))).toBe(expected);
});
