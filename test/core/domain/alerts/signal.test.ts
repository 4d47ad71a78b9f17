import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RoutesFile } from '../../../../schemas/alerts/routes.ts';
import { severityOf, toSignal, withoutTimesAhead } from '../../../../core/domain/alerts/signal.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { anAlert } from '../../alert.ts';
import { before, NOON } from '../../arbitraries.ts';
import { Signal } from '../../../../schemas/alerts/signal.ts';
import type { Alert } from '../../../../schemas/alerts/sources/index.ts';

const services = (catalogue: unknown): Config => Config.parse({ version: 'test', services: catalogue, paging: {} });

const checkout = services({ checkout: { environments: { production: {}, staging: {} } } });

const read = (labels: Record<string, string>, catalogue = checkout, more: Partial<Alert> = {}): Signal =>
  toSignal(anAlert({ labels, ...more }), catalogue);

const where = ({ service, environment, unmatched }: Signal) => ({ service, environment, unmatched });

describe('severity', () => {
  test.each([
    ['critical', 'critical'],
    ['page', 'critical'],
    ['warning', 'warning'],
    ['ticket', 'warning'],
    ['info', 'info'],
    ['none', 'info'],
    ['CRITICAL', 'critical'],
    ['Critical', 'critical'],
    ['PAGE', 'critical'],
    ['crit', 'critical'],
    ['Fatal', 'critical'],
    ['emergency', 'critical'],
    ['HIGH', 'critical'],
    ['P1', 'critical'],
    ['SEV-1', 'critical'],
    ['Warn', 'warning'],
    ['medium', 'warning'],
    ['p2', 'warning'],
    ['SEV3', 'warning'],
    ['NONE', 'info'],
    ['notice', 'info'],
    ['Low', 'info'],
    ['p5', 'info'],
    ['sev4', 'info'],
    ['blocker', 'warning'],
    ['', 'warning'],
    ['constructor', 'warning'],
    ['__proto__', 'warning'],
    [undefined, 'warning'],
  ])('%s means %s', (label, severity) => {
    expect(severityOf(label)).toBe(severity);
  });
});

describe('own words for severities', () => {
  const own = (severities: object) => RoutesFile.parse({ severities }).severities;

  test('take precedence, in any letter case', () => {
    const words = own({ Blocker: 'critical', high: 'warning' });
    expect(['BLOCKER', 'blocker', 'High', 'critical', 'other'].map((word) => severityOf(word, words))).toEqual([
      'critical',
      'critical',
      'warning',
      'critical',
      'warning',
    ]);
    expect(RoutesFile.parse({ severities: words }).severities).toEqual(words);
  });

  test.each([
    [{ critical: 'info' }, /critical.*is a severity of Firebreak/],
    [{ Major: 'critical', major: 'info' }, /major.*is written twice/],
    [{ major: 'urgent' }, /critical.*warning.*info/],
    [{ '-': 'info' }, /must not be empty/],
  ])('%j is refused', (severities, why) => {
    expect(() => own(severities)).toThrow(why);
  });
});

test('an environment in another letter case is that of the catalogue', () => {
  const environmentOf = (labels: Record<string, string>) => {
    const { service, environment } = read(labels);
    return `${service} ${environment}`;
  };
  expect(environmentOf({ service: 'checkout', environment: 'Staging' })).toBe('checkout staging');
  expect(environmentOf({ service: 'checkout', env: 'STAGING' })).toBe('checkout staging');
  expect(environmentOf({ service: 'checkout', environment: 'Qa' })).toBe('unmatched Qa');
});

test('a service in another letter case is that of the catalogue, unless several differ only in that', () => {
  expect(read({ service: 'Checkout', environment: 'staging' })).toMatchObject({ service: 'checkout', unmatched: null });
  const alike = services({ Api: {}, api: {}, web: {} });
  const serviceOf = (service: string) => read({ service }, alike).service;
  expect(['api', 'Api', 'API', 'WEB'].map(serviceOf)).toEqual(['api', 'Api', 'unmatched', 'web']);
});

test('a service whose labels match comes before one in another letter case, wherever it is listed', () => {
  const listed = services({
    checkout: {},
    legacy: { match: { service: 'Checkout' } },
    edge: { match: { job: 'edge' } },
  });
  expect(read({ service: 'Checkout' }, listed).service).toBe('legacy');
  expect(read({ service: 'CHECKOUT', job: 'edge' }, listed).service).toBe('edge');
  expect(read({ service: 'CHECKOUT' }, listed).service).toBe('checkout');
  expect(read({ service: 'checkout', job: 'edge' }, listed).service).toBe('checkout');
});

describe('a signal belongs to', () => {
  test.each([
    [
      'the service and environment in its labels',
      { service: 'checkout', environment: 'staging' },
      'checkout',
      'staging',
    ],
    [
      'the environment in env if environment is missing',
      { service: 'checkout', env: 'staging' },
      'checkout',
      'staging',
    ],
    [
      'the environment in environment if both are set',
      { service: 'checkout', environment: 'production', env: 'staging' },
      'checkout',
      'production',
    ],
    [
      'the environment in env if environment is empty, which means missing',
      { service: 'checkout', environment: '', env: 'staging' },
      'checkout',
      'staging',
    ],
  ])('%s', (_, labels, service, environment) => {
    expect(where(read(labels))).toEqual({ service, environment, unmatched: null });
  });

  test('the default environment in the catalogue', () => {
    const named = services({
      checkout: { defaultEnvironment: 'staging', environments: { production: {}, staging: {} } },
    });
    expect(read({ service: 'checkout' }, named).environment).toBe('staging');
  });

  test('the only environment', () => {
    const one = services({ checkout: { environments: { eu: {} } } });
    expect(read({ service: 'checkout' }, one).environment).toBe('eu');
  });

  test('the service whose labels match, regardless of the service label', () => {
    const catalogue = services({
      checkout: { match: { app: 'shop', tier: 'front' }, environments: { production: {} } },
    });
    expect(where(read({ app: 'shop', tier: 'front', service: 'other' }, catalogue)).service).toBe('checkout');
    expect(where(read({ app: 'shop', tier: 'back', service: 'checkout' }, catalogue))).toEqual({
      service: 'unmatched',
      environment: 'unknown',
      unmatched: 'checkout',
    });
  });

  test.each<[string, Record<string, string>, Record<string, string>, string]>([
    ['has another value', { service: 'shop' }, { service: 'checkout' }, 'checkout'],
    ['is not in the alert', { app: 'shop' }, { service: 'checkout' }, 'checkout'],
    ['is that of another service', { app: 'shop' }, { service: 'checkout', name: 'search' }, 'search'],
  ])('the service with that name, if a label of its match %s', (_, match, labels, service) => {
    const catalogue = services({ checkout: { match }, search: { match: { name: 'search' } } });
    expect(where(read(labels, catalogue)).service).toBe(service);
  });

  test('a service without environments, with the environment of its label', () => {
    expect(where(read({ service: 'batch', env: 'anything' }, services({ batch: null })))).toEqual({
      service: 'batch',
      environment: 'anything',
      unmatched: null,
    });
  });

  test('the environment as the configuration writes it, also without environments or a service, as a deployment is', () => {
    const of = services({
      batch: null,
      nightly: { defaultEnvironment: 'Nightly' },
      shop: { environments: { 'EU-Live': {} } },
    });
    const environmentOf = (labels: Record<string, string>) => read(labels, of).environment;
    expect(environmentOf({ service: 'batch', environment: 'PRODUCTION' })).toBe('production');
    expect(environmentOf({ service: 'batch', env: 'eu-live' })).toBe('EU-Live');
    expect(environmentOf({ service: 'nightly', env: 'nightly' })).toBe('Nightly');
    expect(environmentOf({ environment: 'PRODUCTION' })).toBe('production');
    expect(environmentOf({ service: 'batch', environment: '  ' })).toBe('production');
  });

  test('the spelling of an environment in the catalogue, also of the usual one', () => {
    const upper = services({ batch: null, shop: { environments: { Production: {} } } });
    expect(read({ service: 'batch', environment: 'production' }, upper).environment).toBe('Production');
    expect(read({ environment: 'PRODUCTION' }, upper).environment).toBe('Production');
  });
});

describe('a signal is unmatched, and keeps its own names,', () => {
  test.each([
    [
      'when its service is not in the catalogue',
      { service: 'search', environment: 'eu' },
      { environment: 'eu', unmatched: 'search' },
    ],
    [
      'when its service is not in that environment',
      { service: 'checkout', environment: 'qa' },
      { environment: 'qa', unmatched: 'checkout' },
    ],
    ['when it names no service', { alertname: 'Watchdog' }, { environment: 'unknown', unmatched: '' }],
    [
      'when its service is called like what every object has',
      { service: 'constructor', environment: 'toString' },
      { environment: 'toString', unmatched: 'constructor' },
    ],
  ])('%s', (_, labels, expected) => {
    expect(where(read(labels))).toEqual({ service: 'unmatched', ...expected });
  });

  test.each([
    { eu: {}, us: {} },
    { production: {}, staging: {} },
  ])('if the catalogue cannot determine its environment: %j', (environments) => {
    const several = services({ checkout: { environments } });
    expect(where(read({ service: 'checkout', environment: '' }, several))).toEqual({
      service: 'unmatched',
      environment: 'unknown',
      unmatched: 'checkout',
    });
  });

  test('if an environment has the name of an object property', () => {
    expect(read({ service: 'checkout', environment: '__proto__' }).unmatched).toBe('checkout');
  });

  test('and its severity is kept', () => {
    expect(read({ service: 'search', severity: 'page' }).severity).toBe('critical');
  });
});

describe('a signal requests a rollback', () => {
  const asks = (labels: Record<string, string>, more: Partial<Alert> = {}, byRollbackReceiver = false): boolean =>
    toSignal(anAlert({ labels, ...more }), checkout, byRollbackReceiver).requestsRollback;

  test('by its label', () => {
    expect(asks({ action: 'auto-rollback' })).toBe(true);
  });

  test('not by another action, and not without one', () => {
    expect([asks({ action: 'page' }), asks({})]).toEqual([false, false]);
  });

  test('by the rollback receiver while it fires', () => {
    expect([asks({}, {}, true), asks({}, { status: 'resolved' }, true)]).toEqual([true, false]);
  });

  test.each(['DatasourceNoData', 'DatasourceError'])(
    'never as %s, which means that the monitoring failed',
    (alertname) => {
      const signal = toSignal(anAlert({ labels: { alertname, action: 'auto-rollback' } }), checkout, true);
      expect(signal).toMatchObject({ requestsRollback: false, monitoringFailure: true });
    },
  );
});

describe('a reason of Grafana for the state of an alert', () => {
  const withReason = (reason: string, status: 'firing' | 'resolved' = 'firing') =>
    toSignal(
      anAlert({ status, labels: { action: 'auto-rollback' }, annotations: { grafana_state_reason: reason } }),
      checkout,
      true,
    );

  test.each(['Error', 'NoData', 'Error, KeepLast', 'AnotherReason'])(
    'means, if it fires, that nothing was measured: %s',
    (reason) => {
      expect(withReason(reason)).toMatchObject({
        requestsRollback: false,
        monitoringFailure: true,
        severity: 'warning',
      });
    },
  );

  test('is none if it is empty', () => {
    expect(withReason('')).toMatchObject({ requestsRollback: true, monitoringFailure: false });
  });
});

describe('links', () => {
  const links = (annotations: Record<string, string>, generatorUrl: string | null = null) =>
    toSignal(anAlert({ annotations, generatorUrl }), checkout).links;

  test('come from the annotations and the sender', () => {
    const annotations = { runbook_url: 'https://wiki/r', dashboard: 'http://grafana/d' };
    expect(links(annotations, 'http://prometheus/graph')).toEqual({
      runbook: 'https://wiki/r',
      dashboard: 'http://grafana/d',
      source: 'http://prometheus/graph',
    });
  });

  test('come from the alternative annotation if the first is invalid', () => {
    const annotations = { runbook_url: 'see the wiki', runbook: 'https://wiki/r', dashboard_url: 'https://grafana/d' };
    expect(links(annotations)).toMatchObject({ runbook: 'https://wiki/r', dashboard: 'https://grafana/d' });
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'ftp://host/x',
    '//host/x',
    '/relative',
    'not a url',
    '',
  ])('%s is not shown', (url) => {
    expect(links({ runbook_url: url, dashboard_url: url }, url)).toEqual({
      runbook: null,
      dashboard: null,
      source: null,
    });
  });
});

describe('the title', () => {
  const title = (annotations: Record<string, string>, labels: Record<string, string> = {}): string =>
    toSignal(anAlert({ annotations, labels }), checkout).title;

  test('is one line', () => {
    expect(title({ summary: 'errors are high\n\n  5 % of requests\r\nsince noon\n' })).toBe(
      'errors are high 5 % of requests since noon',
    );
  });

  test('is the summary, else the title, else the alert name', () => {
    expect(title({ summary: 'a', title: 'b' }, { alertname: 'c' })).toBe('a');
    expect(title({ title: 'b' }, { alertname: 'c' })).toBe('b');
    expect(title({}, { alertname: 'c' })).toBe('c');
    expect(title({ summary: '' }, {})).toBe('alert without a name');
    expect(title({ summary: ' \n' }, { alertname: 'c' })).toBe('c');
  });

  test('is truncated if too long, without splitting a character', () => {
    const long = title({ summary: `${'a'.repeat(1023)}${'😀'.repeat(9)}` });
    expect(long.length).toBeLessThanOrEqual(1024);
    expect(long.isWellFormed()).toBe(true);
  });
});

test('an episode consists of source, fingerprint, and start, if there is one', () => {
  const alert = { fingerprint: 'f', startsAt: '2026-11-20T12:00:00.000Z' as Alert['startsAt'] };
  expect(toSignal(anAlert(alert), checkout).episode).toBe('alertmanager:f:2026-11-20T12:00:00.000Z');
  expect(toSignal(anAlert({ ...alert, episodic: false }), checkout).episode).toBe('alertmanager:f');
});

test('every alert results in a valid signal, and never one for a service or environment beyond the catalogue', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.constantFrom('checkout', 'production', 'staging', '__proto__', 'constructor', 'critical', ''),
  );
  const labelName = fc.oneof(
    fc.constantFrom('service', 'environment', 'env', 'severity', 'action', 'alertname', '__proto__', 'constructor'),
    text,
  );
  const texts = fc.array(fc.tuple(labelName, text)).map((entries) => new Map(entries));
  fc.assert(
    fc.property(texts, texts, fc.boolean(), (labels, annotations, byRollbackReceiver) => {
      const signal = toSignal({ ...anAlert({}), labels, annotations }, checkout, byRollbackReceiver);
      expect(Signal.parse(signal)).toEqual(signal);
      expect(JSON.parse(JSON.stringify(signal))).toEqual(signal);
      expect(new Map(signal.labels)).toEqual(labels);
      if (signal.unmatched === null) expect(['production', 'staging']).toContain(signal.environment);
      else expect(signal.service).toBe('unmatched');
    }),
  );
});

describe('a future time', () => {
  const resolved = { status: 'resolved' as const };

  test.each([
    ['of a start by more than five minutes is no start', { startsAt: before(-6) }, { startsAt: NOON, episodic: false }],
    ['of a start by less is a clock that differs', { startsAt: before(-5) }, { startsAt: before(-5), episodic: true }],
    ['of an end is the time of receipt', { ...resolved, endsAt: before(-1) }, { endsAt: NOON, episodic: true }],
  ])('%s', (_, times, expected) => {
    expect(withoutTimesAhead(anAlert(times), NOON)).toMatchObject(expected);
  });

  test('other times do not change', () => {
    for (const one of [anAlert({ startsAt: before(60) }), anAlert({ ...resolved, endsAt: before(1) })])
      expect(withoutTimesAhead(one, NOON)).toEqual(one);
  });
});
