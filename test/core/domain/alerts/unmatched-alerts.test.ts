import { describe, expect, test } from 'vitest';
import { unmatchedAlerts, type UnmatchedAlert } from '../../../../core/domain/alerts/unmatched-alerts.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';

const { services } = Config.parse({
  ...emptyConfig,
  services: {
    checkout: { environments: { production: {} } },
    search: { match: { app: 'search-api' }, environments: { production: {}, staging: {} } },
  },
});

const at = (minute: number) => `2026-11-20T12:${String(minute).padStart(2, '0')}:00.000Z` as Timestamp;

const outsider = (
  unmatched: string,
  environment: string,
  minute: number,
  more: Partial<UnmatchedAlert> = {},
): UnmatchedAlert => ({
  signal: signal({
    unmatched,
    environment: environment as EnvironmentName,
    labels: [['alertname', `Rule${minute % 2}`]],
  }),
  at: at(minute),
  incident: null,
  ...more,
});

describe('alerts outside the catalogue', () => {
  test('are grouped by service and environment, the latest first', () => {
    const id = '01J0000000000000000000000A' as IncidentId;
    const groups = unmatchedAlerts(
      [
        outsider('payments', 'production', 1, { incident: id }),
        outsider('payments', 'production', 3),
        outsider('payments', 'production', 4),
        outsider('payments', 'staging', 2),
        outsider('ledger', 'production', 9),
      ],
      services,
    );
    expect(groups).toMatchObject([
      { service: 'ledger', times: 1, lastAt: at(9) },
      {
        service: 'payments',
        environment: 'production',
        names: ['Rule1', 'Rule0'],
        times: 3,
        lastAt: at(4),
        incident: id,
      },
      { service: 'payments', environment: 'staging', incident: null },
    ]);
  });

  test.each([
    ['', 'production', /no label service/],
    ['chekout', 'production', /If this is checkout, correct the label service/],
    ['ledger', 'production', /^Add the service ledger to services\.yaml/],
    ['checkout', 'staging', /has no environment staging/],
    ['search', 'unknown', /no label environment.*defaultEnvironment of search/],
    ['checkout', 'unknown', /^The catalogue has checkout in production now/],
    ['checkout', 'production', /^The catalogue has checkout in production now/],
    ['constructor', 'production', /^Add the service constructor/],
  ])('%j in %s: what to change', (service, environment, fix) => {
    expect(unmatchedAlerts([outsider(service, environment, 1)], services)[0]?.fix).toMatch(fix);
  });

  test('another value of a label in the match of its service: what to change', () => {
    const { signal: alert } = outsider('search', 'production', 1);
    const other = outsider('search', 'production', 1, { signal: { ...alert, labels: [['app', 'shop']] } });
    expect(unmatchedAlerts([other], services)[0]?.fix).toMatch(/found by other labels: app=search-api/);
  });
});
