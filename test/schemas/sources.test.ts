import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toSignal } from '../../core/domain/alerts/signal.ts';
import { Config } from '../../schemas/config/config.ts';
import { Signal } from '../../schemas/alerts/signal.ts';
import { type Alert, sources } from '../../schemas/alerts/sources/index.ts';
import { ALERTS_MAX, type Parsed, type ParseResult } from '../../schemas/alerts/sources/parsed.ts';
import { fixture, inbound } from '../support/fixtures.ts';
import { anyCharacter } from '../support/any-character.ts';
import { runs } from '../support/runs.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');

type Vendor = 'alertmanager' | 'grafana';

const bodies = (sender: Vendor, name: string): string[] => fixture(`${sender}/${name}`).map(({ body }) => body);

function parse(sender: string, body: string): ParseResult<Alert> {
  const source = sources.get(sender);
  if (source === undefined) throw new Error(`nobody reads ${sender}`);
  return source.parse(body, () => NOON);
}

function read(sender: string, body: string): Parsed<Alert> {
  const result = parse(sender, body);
  if (!result.ok) throw new Error(`${result.fault.code}: ${result.fault.detail}`);
  return result.parsed;
}

const alertsOf = (sender: Vendor, name: string): Alert[] =>
  bodies(sender, name).flatMap((body) => read(sender, body).alerts);

const catalogue = Config.parse({
  version: 'test',
  services: {
    'checkout-api': { environments: { production: {} } },
    'search-api': { environments: { production: {} } },
  },
  paging: {},
});

const signalsOf = (sender: Vendor, name: string): Signal[] =>
  alertsOf(sender, name).map((alert) => toSignal(alert, catalogue));

describe.each(['alertmanager', 'grafana'] as const)('every recorded request from %s', (sender) => {
  test.each(inbound(sender))('$name is parsed completely', ({ requests }) => {
    for (const { body } of requests) {
      const group = JSON.parse(body) as { alerts: unknown[]; truncatedAlerts: number };
      const { alerts, unreadable, truncated } = read(sender, body);
      expect({ alerts: alerts.length, unreadable, truncated }).toEqual({
        alerts: group.alerts.length,
        unreadable: [],
        truncated: group.truncatedAlerts,
      });
    }
  });
});

describe('Alertmanager', () => {
  test('an alert is converted to our terms', () => {
    const [signal] = signalsOf('alertmanager', 'firing-critical-auto-rollback');
    expect(signal).toMatchObject({
      source: 'alertmanager',
      status: 'firing',
      service: 'checkout-api',
      environment: 'production',
      severity: 'critical',
      requestsRollback: true,
      startsAt: '2026-11-20T06:43:40.145Z',
      endsAt: null,
      title: 'checkout-api is burning its error budget 14.4x too fast',
      links: {
        runbook: 'https://runbooks.example.com/checkout-api/high-error-burn-rate',
        dashboard: 'https://grafana.example.com/d/slo-checkout-api',
      },
    });
  });

  test('an alert that fires and resolves is one episode', () => {
    const [fired, resolved] = signalsOf('alertmanager', 'lifecycle-firing-then-resolved');
    expect([fired?.status, resolved?.status]).toEqual(['firing', 'resolved']);
    expect(resolved?.episode).toBe(fired?.episode);
    expect(resolved?.endsAt).toMatch(/^2026-11-20T/);
  });

  test('a repeated notification is the same episode', () => {
    const episodes = signalsOf('alertmanager', 'repeat-interval').map(({ episode }) => episode);
    expect(episodes).toHaveLength(3);
    expect(new Set(episodes).size).toBe(1);
  });

  test('a firing group can contain resolved alerts', () => {
    const statuses = signalsOf('alertmanager', 'group-mixed-firing-resolved').map(({ status }) => status);
    expect(statuses).toEqual(['firing', 'resolved', 'firing']);
  });

  test('one group can contain several services, of which some request a rollback', () => {
    const signals = signalsOf('alertmanager', 'group-multiple-services');
    expect(new Set(signals.map(({ service, unmatched }) => unmatched ?? service)).size).toBe(3);
    expect(signals.filter(({ requestsRollback }) => requestsRollback)).toHaveLength(2);
  });

  test('an alert without a service is kept unchanged', () => {
    const [watchdog] = signalsOf('alertmanager', 'minimal-watchdog-no-grouping');
    expect(watchdog).toMatchObject({ service: 'unmatched', unmatched: '' });
    expect(watchdog?.links).toEqual({ runbook: null, dashboard: null, source: null });
  });

  test('fifty alerts are fifty episodes, in one request or in fifty', () => {
    for (const name of ['storm-50-one-group', 'storm-50-ungrouped']) {
      expect(new Set(signalsOf('alertmanager', name).map(({ episode }) => episode)).size).toBe(50);
    }
  });

  test('truncated alerts are reported', () => {
    const [body = ''] = bodies('alertmanager', 'truncated-max-alerts');
    expect(read('alertmanager', body)).toMatchObject({ truncated: 5, alerts: { length: 3 } });
  });

  test('texts in any script are preserved', () => {
    const [alert] = alertsOf('alertmanager', 'unicode');
    const [body = ''] = bodies('alertmanager', 'unicode');
    const written = (
      JSON.parse(body) as { alerts: { labels: Record<string, string>; annotations: Record<string, string> }[] }
    ).alerts[0];
    expect(Object.fromEntries(alert?.labels ?? [])).toEqual(written?.labels);
    expect(Object.fromEntries(alert?.annotations ?? [])).toEqual(written?.annotations);
  });
});

describe('Grafana', () => {
  test('the dashboard link of an alert comes from the panel', () => {
    const [signal] = signalsOf('grafana', 'firing-bearer');
    expect(signal).toMatchObject({ source: 'grafana', status: 'firing', episodic: true });
    expect(signal?.links.dashboard).toMatch(/^https?:/);
  });

  test.each(['nodata', 'datasource-error'])('%s is a monitoring failure, and requests nothing', (name) => {
    expect(signalsOf('grafana', name)).toMatchObject([{ monitoringFailure: true, requestsRollback: false }]);
  });

  test('the state "ok" means resolved', () => {
    expect(signalsOf('grafana', 'resolved')).toMatchObject([{ status: 'resolved' }]);
  });

  test('the format that it sends to an external Alertmanager is parsed', () => {
    const [body = ''] = bodies('alertmanager', 'firing-critical-auto-rollback');
    expect(read('grafana', body).alerts).toMatchObject([{ source: 'grafana' }]);
  });

  test('each receiver refuses the format of the other', () => {
    const [body = ''] = bodies('grafana', 'firing-bearer');
    expect(parse('alertmanager', body)).toMatchObject({ ok: false, fault: { status: 422, code: 'unknown-version' } });
  });
});

const ALERT = {
  status: 'firing',
  labels: { alertname: 'A' },
  annotations: {},
  startsAt: '2026-11-20T06:43:40Z',
  fingerprint: 'f1',
};
const group = (alerts: unknown, more: object = {}): string =>
  JSON.stringify({ version: '4', truncatedAlerts: 0, ...more, alerts });

describe('an unparsable body is refused with the reason', () => {
  test.each([
    ['no JSON', '{"version":', 400, 'not-json', /JSON/],
    ['empty JSON', '', 400, 'not-json', /JSON/],
    ['a list', '[]', 422, 'wrong-shape', /object/],
    ['null', 'null', 422, 'wrong-shape', /object/],
    ['no alerts', '{"version":"4"}', 422, 'wrong-shape', /alerts/],
    ['alerts that are not a list', group({}), 422, 'wrong-shape', /alerts/],
    ['an unknown version', group([ALERT], { version: '5' }), 422, 'unknown-version', /"5".*"4"/],
    ['a version that is a number', group([ALERT], { version: 4 }), 422, 'unknown-version', /not a string/],
    ['no version', '{"alerts":[]}', 422, 'unknown-version', /missing/],
    ['too many alerts', group(Array.from({ length: ALERTS_MAX + 1 }, () => ALERT)), 413, 'too-many-alerts', /5001/],
  ])('%s', (_, body, status, code, detail) => {
    const result = parse('alertmanager', body);
    expect(result).toMatchObject({ ok: false, fault: { status, code } });
    expect(result.ok ? '' : result.fault.detail).toMatch(detail);
  });

  test('the maximum number of alerts is accepted', () => {
    expect(read('alertmanager', group(Array.from({ length: ALERTS_MAX }, () => ALERT))).alerts).toHaveLength(
      ALERTS_MAX,
    );
  });
});

describe('one bad alert does not affect the good ones', () => {
  test.each([
    ['no labels', { ...ALERT, labels: undefined }, /labels/],
    ['a label that is a number', { ...ALERT, labels: { a: 1 } }, /every value must be text/],
    ['an unknown status', { ...ALERT, status: 'pending' }, /status/],
    ['a fingerprint that is a number', { ...ALERT, fingerprint: 1 }, /fingerprint/],
    ['a start that is not a time', { ...ALERT, startsAt: 'yesterday' }, /yesterday/],
    ['a start without an offset', { ...ALERT, startsAt: '2026-11-20T06:43:40' }, /offset/],
    ['not an object', 'alert', /object/],
    ['null', null, /object/],
  ])('%s', (_, bad, detail) => {
    const { alerts, unreadable } = read('alertmanager', group([ALERT, bad, { ...ALERT, fingerprint: 'f2' }]));
    expect(alerts.map(({ fingerprint }) => fingerprint)).toEqual(['f1', 'f2']);
    expect(unreadable).toMatchObject([{ alerts: 1 }]);
    expect(unreadable[0]?.detail).toMatch(detail);
  });

  test('and can be parsed again later, as a separate body', () => {
    const { unreadable } = read('alertmanager', group([{ ...ALERT, startsAt: 'x' }, ALERT]));
    const mended = (unreadable[0]?.body ?? '').replace('"x"', '"2026-11-20T06:43:40Z"');
    expect(read('alertmanager', mended)).toMatchObject({ alerts: { length: 1 }, unreadable: [] });
  });
});

describe('the group key', () => {
  const keyOf = (groupKey: unknown): string | undefined =>
    read('alertmanager', group([ALERT], { groupKey })).alerts[0]?.groupKey;

  test.each([
    ['alertmanager', 'group-three-firing'],
    ['grafana', 'mixed-two-services'],
  ] as const)('%s: is part of every alert of the notification, unchanged', (sender, name) => {
    const [body = ''] = bodies(sender, name);
    const { groupKey } = JSON.parse(body) as { groupKey: string };
    const keys = signalsOf(sender, name).map((signal) => signal.groupKey);
    expect(keys.length).toBeGreaterThan(1);
    expect(new Set(keys)).toEqual(new Set([groupKey]));
  });

  test.each([
    ['2,048 characters', 'k'.repeat(2048), true],
    ['one more character', 'k'.repeat(2049), false],
    ['none', undefined, false],
    ['an empty key', '', false],
    ['a key that is not text', { a: 1 }, false],
    ['an unpaired surrogate', 'k\ud83d', false],
  ])('%s', (_, key, kept) => {
    expect(keyOf(key)).toBe(kept ? key : undefined);
  });

  test('is absent in messages that were queued before it existed', () => {
    const [signal] = signalsOf('alertmanager', 'firing-critical-auto-rollback');
    const { groupKey, ...older } = signal ?? {};
    expect(groupKey).toBeDefined();
    expect(Signal.parse(older)).not.toHaveProperty('groupKey');
    expect(Signal.parse(signal).groupKey).toBe(groupKey);
  });
});

describe('times', () => {
  const alertAt = (more: object): Alert | undefined => read('alertmanager', group([{ ...ALERT, ...more }])).alerts[0];

  test.each([
    ['2026-11-20T06:43:40.145999999Z', '2026-11-20T06:43:40.145Z'],
    ['2026-11-20T06:43:40Z', '2026-11-20T06:43:40.000Z'],
    ['2026-11-20T08:43:40.1+02:00', '2026-11-20T06:43:40.100Z'],
    ['2026-11-20t06:43:40z', '2026-11-20T06:43:40.000Z'],
  ])('%s is normalized to %s', (startsAt, expected) => {
    expect(alertAt({ startsAt })?.startsAt).toBe(expected);
  });

  test.each(['0001-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00'])('%s as an end means no end', (endsAt) => {
    expect(alertAt({ status: 'resolved', endsAt })?.endsAt).toBeNull();
  });

  test.each(['0001-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00'])('%s as a start is none', (startsAt) => {
    for (const sender of ['alertmanager', 'grafana']) {
      const [fired] = read(sender, group([{ ...ALERT, startsAt }])).alerts;
      expect(fired).toMatchObject({ startsAt: '2026-11-20T12:00:00.000Z', endsAt: null, episodic: false });
      const end = { status: 'resolved', endsAt: '2026-11-20T07:00:00Z' };
      const [ended] = read(sender, group([{ ...ALERT, ...end, startsAt }])).alerts;
      const at = '2026-11-20T07:00:00.000Z';
      expect(ended).toMatchObject({ status: 'resolved', startsAt: at, endsAt: at, episodic: false });
    }
  });

  test('only resolved alerts have an end: for firing ones it is a guess of the sender', () => {
    expect(alertAt({ endsAt: '2026-11-20T07:00:00Z' })?.endsAt).toBeNull();
    expect(alertAt({ status: 'resolved', endsAt: '2026-11-20T07:00:00Z' })?.endsAt).toBe('2026-11-20T07:00:00.000Z');
  });
});

test('a label can have the name of an object property', () => {
  const body = `{"version":"4","alerts":[{"status":"firing","labels":{"__proto__":"x","constructor":"y","service":"checkout-api"},"startsAt":"2026-11-20T06:43:40Z","fingerprint":"f"}]}`;
  const [alert] = read('alertmanager', body).alerts;
  expect([...(alert?.labels ?? [])]).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
    ['service', 'checkout-api'],
  ]);
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

describe('the generic source', () => {
  const generic = {
    service: 'checkout-api',
    environment: 'production',
    severity: 'page',
    title: 'login fails',
    dedup_key: 'probe-1',
    status: 'firing',
  };
  const signalFrom = (more: object): Signal | undefined => {
    const [alert] = read('generic', JSON.stringify({ ...generic, ...more })).alerts;
    return alert && toSignal(alert, catalogue);
  };

  test('a signal has the same form as others', () => {
    expect(signalFrom({ links: { runbook: 'https://wiki/r' }, labels: { action: 'auto-rollback' } })).toMatchObject({
      source: 'generic',
      service: 'checkout-api',
      environment: 'production',
      severity: 'critical',
      title: 'login fails',
      requestsRollback: true,
      fingerprint: 'probe-1',
      links: { runbook: 'https://wiki/r' },
    });
  });

  test.each([
    ['FIRING', 'firing'],
    ['Resolved', 'resolved'],
  ])('the status %s is %s', (written, status) => {
    expect(signalFrom({ status: written })).toMatchObject({ status });
  });

  test('without a start, each key has one episode', () => {
    const [fired, ended] = [signalFrom({}), signalFrom({ status: 'resolved' })];
    expect(fired).toMatchObject({ episodic: false, startsAt: '2026-11-20T12:00:00.000Z', endsAt: null });
    expect(ended).toMatchObject({ episode: fired?.episode, endsAt: '2026-11-20T12:00:00.000Z' });
  });

  test.each(['0001-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00'])('the start %s is none', (starts_at) => {
    expect(signalFrom({ starts_at })).toEqual(signalFrom({}));
  });

  test('with a start, each start is an episode', () => {
    expect(signalFrom({ starts_at: '2026-11-20T06:43:40Z' })).toMatchObject({
      episodic: true,
      episode: 'generic:probe-1:2026-11-20T06:43:40.000Z',
    });
  });

  test('without an environment, that of the service applies, as for other alerts and for annotations', () => {
    const environmentOf = (service: string, entry: object, more: object = {}) => {
      const config = Config.parse({ version: 'test', services: { [service]: entry }, paging: {} });
      const [alert] = read('generic', JSON.stringify({ ...generic, service, environment: undefined, ...more })).alerts;
      const { environment, unmatched } = toSignal(alert ?? expect.fail(), config);
      return [environment, unmatched];
    };
    expect(environmentOf('billing', {})).toEqual(['production', null]);
    expect(environmentOf('search', { environments: { live: {} } })).toEqual(['live', null]);
    const several = { environments: { live: {}, qa: {} } };
    expect(environmentOf('shop', { ...several, defaultEnvironment: 'qa' })).toEqual(['qa', null]);
    expect(environmentOf('shop', several, { labels: { env: 'live' } })).toEqual(['live', null]);
    expect(environmentOf('shop', several)).toEqual(['unknown', 'shop']);
  });

  test.each([[''], ['  '], [null]])('an optional key that is %j is absent', (value) => {
    const absent = { environment: value, starts_at: value, links: value, labels: value };
    expect(signalFrom({ ...absent })).toEqual(signalFrom({ environment: undefined }));
    expect(signalFrom({ ...absent })).toMatchObject({ environment: 'production', unmatched: null });
  });

  test('labels cannot change its service', () => {
    expect(signalFrom({ labels: { service: 'search-api', environment: 'qa', severity: 'info' } })).toMatchObject({
      service: 'checkout-api',
      severity: 'critical',
    });
  });

  test.each([
    ['without a service', { service: undefined }, /service/],
    ['with an unknown key', { serverity: 'page' }, /serverity/],
    ['with an unknown status', { status: 'maybe' }, /status/],
    ['with labels that are not texts', { labels: { a: 1 } }, /every value must be text/],
    ['with labels in a list', { labels: ['a=1'] }, /^labels: must be an object of names and texts/],
    ['with links in a list', { links: ['http://x'] }, /^links: must be an object of names and http or https URLs/],
  ])('%s is refused', (_, more, detail) => {
    const result = parse('generic', JSON.stringify({ ...generic, ...more }));
    expect(result).toMatchObject({ ok: false, fault: { status: 422 } });
    expect(result.ok ? '' : result.fault.detail).toMatch(detail);
  });
});

test('parsers never throw, and their results can be stored', () => {
  const text = fc.string({ unit: anyCharacter, maxLength: 20 });
  const anyAlert = fc.record(
    {
      status: fc.constantFrom('firing', 'resolved', 'x'),
      labels: fc.oneof(fc.dictionary(text, text), fc.anything()),
      annotations: fc.oneof(fc.dictionary(text, text), fc.constant(null)),
      startsAt: fc.oneof(fc.constant('2026-11-20T06:43:40Z'), text),
      endsAt: fc.oneof(fc.constant('0001-01-01T00:00:00Z'), text),
      fingerprint: text,
      generatorURL: fc.oneof(text, fc.constant(null)),
    },
    { requiredKeys: [] },
  );
  const anyBody = fc.oneof(
    fc.json(),
    text,
    fc
      .tuple(fc.array(fc.oneof(anyAlert, fc.anything())), fc.oneof(text, fc.anything()))
      .map(([alerts, groupKey]) => writable({ version: '4', alerts, groupKey })),
  );
  fc.assert(
    fc.property(anyBody, fc.constantFrom(...sources.keys()), (body, sender) => {
      const result = parse(sender, body);
      if (!result.ok) {
        expect([400, 413, 422]).toContain(result.fault.status);
        expect(result.fault.detail).not.toBe('');
        return;
      }
      for (const alert of result.parsed.alerts) {
        const signal = toSignal(alert, catalogue);
        expect(JSON.stringify(signal).isWellFormed()).toBe(true);
        expect(
          [...signal.labels.flat(), signal.title, signal.groupKey ?? ''].every((part) => part.isWellFormed()),
        ).toBe(true);
      }
    }),
    { numRuns: runs(80) },
  );
});

/** Serializes generated values, some of which JSON does not support. */
function writable(value: unknown): string {
  try {
    return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  } catch {
    return '{"version":"4","alerts":[]}';
  }
}
