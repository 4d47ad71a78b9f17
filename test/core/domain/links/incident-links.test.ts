import { expect, test } from 'vitest';
import { alertLinks, incidentLinks } from '../../../../core/domain/links/incident-links.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';

const AT = '2026-11-22T10:00:00.000Z' as Timestamp;
const NOW = '2026-11-22T10:07:00.000Z' as Timestamp;

const page = (title: string, more: object = {}): object => ({
  title,
  kind: 'url',
  url: 'https://x.test/${{ service }}/${{ environment }}?from=${{ from.iso }}&to=${{ to.iso }}',
  ...more,
});

const CONFIG = Config.parse({
  version: 'v',
  paging: {},
  services: {
    checkout: { team: 'payments', links: [page('Logs', { url: 'https://own.test/${{ team }}?i=${{ incident }}' })] },
  },
  links: {
    links: [
      page('Logs'),
      page('Traces', { environments: ['staging'] }),
      page('Traces'),
      page('Pod', { url: 'https://x.test/pods/${{ labels.pod }}' }),
      page('Runbook'),
    ],
  },
});

const signal = (startsAt: Timestamp, more: Partial<Signal> = {}): Signal =>
  ({
    startsAt,
    severity: 'critical',
    unmatched: null,
    labels: [['pod', 'checkout-1']],
    annotations: [],
    links: { runbook: 'https://wiki.test/r', dashboard: null, source: null },
    ...more,
  }) as unknown as Signal;

const story = (more: Partial<IncidentRecord> = {}, signals = [signal(AT)]) => ({
  incident: {
    id: '01TEST00000000000000000001',
    service: 'checkout',
    environment: 'production',
    unmatched: null,
    severity: 'critical',
    opened_at: AT,
    resolved_at: null,
    ...more,
  } as IncidentRecord,
  signals,
});

const shown = (links: readonly { title: string; url: string }[]): Record<string, string> =>
  Object.fromEntries(links.map(({ title, url }) => [title, decodeURIComponent(url)]));

test('the link of an alert comes before that of the service, and that before the global one', () => {
  expect(shown(incidentLinks(story(), CONFIG, NOW))).toEqual({
    Runbook: 'https://wiki.test/r',
    Logs: 'https://own.test/payments?i=01TEST00000000000000000001',
    Traces: 'https://x.test/checkout/production?from=2026-11-22T09:45:00.000Z&to=2026-11-22T10:15:00.000Z',
    Pod: 'https://x.test/pods/checkout-1',
  });
  expect(shown(incidentLinks(story({}, [signal(AT, { labels: [] })]), CONFIG, NOW))['Pod']).toBeUndefined();
});

test('a service outside the catalogue has the global links, with the name that its alert gave', () => {
  const links = incidentLinks(story({ service: 'unmatched' as never, unmatched: 'billing' }), CONFIG, NOW);
  expect(shown(links)['Logs']).toMatch(/^https:\/\/x\.test\/billing\/production\?/);
});

test.each([null, ''])('an incident of which no service is named (%o) has the links of its alerts', (unmatched) => {
  const nameless = story({ service: 'unmatched' as never, unmatched });
  expect(shown(incidentLinks(nameless, CONFIG, NOW))).toEqual({ Runbook: 'https://wiki.test/r' });
});

test('a parent incident has the links of its alerts', () => {
  const parent = story({ group_reason: { text: 'together' } as never });
  expect(shown(incidentLinks(parent, CONFIG, NOW))).toEqual({ Runbook: 'https://wiki.test/r' });
});

test.each<[string, Parameters<typeof incidentLinks>, string]>([
  ['the first alert', [story({}, [signal(AT), signal(plusSeconds(AT, -600))]), CONFIG, NOW], '09:35:00 10:15:00'],
  ['the onset', [story(), CONFIG, NOW, plusSeconds(AT, -3600)], '08:45:00 10:15:00'],
  ['at most six hours', [story({}, [signal(plusSeconds(AT, -86400 * 30))]), CONFIG, NOW], '03:45:00 10:15:00'],
  [
    'the opening, if an alert claims the future',
    [story({}, [signal(plusSeconds(AT, 999))]), CONFIG, NOW],
    '09:45:00 10:15:00',
  ],
  ['the end', [story({ resolved_at: plusSeconds(AT, 120) }), CONFIG, plusSeconds(AT, 86400)], '09:45:00 10:07:00'],
])('the time range follows %s', (_, input, expected) => {
  const times = [...(shown(incidentLinks(...input))['Traces'] ?? '').matchAll(/T(\d\d:\d\d:\d\d)/g)];
  expect(times.map(([, time]) => time).join(' ')).toBe(expected);
});

test('the links of an open incident change every quarter of an hour only', () => {
  const at = (minute: number) => incidentLinks(story(), CONFIG, plusSeconds(AT, minute * 60));
  expect(at(1)).toEqual(at(15));
  expect(at(15)).not.toEqual(at(16));
});

test('alerts without an incident have links, but none that names the incident', () => {
  const place = { service: 'checkout', environment: 'production' };
  const links = alertLinks(place, [signal(AT)], { firstAt: AT, endedAt: plusSeconds(AT, 60), now: NOW }, CONFIG);
  expect(shown(links)).toEqual({
    Runbook: 'https://wiki.test/r',
    // The service's own template names the incident, so the global one is used.
    Logs: 'https://x.test/checkout/production?from=2026-11-22T09:45:00.000Z&to=2026-11-22T10:06:00.000Z',
    Traces: 'https://x.test/checkout/production?from=2026-11-22T09:45:00.000Z&to=2026-11-22T10:06:00.000Z',
    Pod: 'https://x.test/pods/checkout-1',
  });
});
