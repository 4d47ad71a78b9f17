import { describe, expect, test } from 'vitest';
import { alertStates } from '../../integrations/alertmanager/alert-states.ts';
import { exchange } from '../local/standins/support.ts';
import { nobody, type Reply, vendor } from './server.ts';

type Labels = [string, string][];

const ERRORS: Labels = [
  ['alertname', 'HighErrorBurnRate'],
  ['service', 'checkout'],
];
const LATENCY: Labels = [
  ['alertname', 'HighLatency'],
  ['service', 'checkout'],
];
const absent = async () => undefined;

const listed = (...all: Labels[]): Reply => ({
  body: JSON.stringify(
    all.map((labels) => ({
      labels: Object.fromEntries(labels),
      endsAt: '2026-11-20T12:05:00Z',
      status: { state: 'active' },
    })),
  ),
});

async function askAlertmanager(reply: Reply, ...labelSets: Labels[]): Promise<number[] | null> {
  const { url } = await vendor(reply);
  return alertStates({ alertmanager: async () => url, prometheus: absent }).gone(labelSets);
}

async function askPrometheus(reply: Reply, ...labelSets: Labels[]): Promise<number[] | null> {
  const { url } = await vendor(reply);
  return alertStates({ alertmanager: absent, prometheus: async () => url }).gone(labelSets);
}

describe('Alertmanager is asked which alerts are gone:', () => {
  test('those that it does not list, by all their labels', async () => {
    expect(await askAlertmanager(listed(ERRORS), ERRORS, LATENCY)).toEqual([1]);
  });

  test('whatever the order of their labels', async () => {
    expect(await askAlertmanager(listed(ERRORS), ERRORS.toReversed())).toEqual([]);
  });

  test('one with a label more or another value is another alert', async () => {
    const more: Labels = [...ERRORS, ['zone', 'a']];
    const otherwise: Labels = [
      ['alertname', 'HighErrorBurnRate'],
      ['service', 'search'],
    ];
    expect(await askAlertmanager(listed(more, otherwise), ERRORS)).toEqual([0]);
  });

  test('all, when it lists none', async () => {
    expect(await askAlertmanager(listed(), ERRORS, LATENCY)).toEqual([0, 1]);
  });

  test.each<[string, Reply]>([
    ['500', { status: 500, body: '[]' }],
    ['401', { status: 401, body: '[]' }],
    ['HTML', { body: '<html>' }],
    ['something else', { body: '{"status":"success"}' }],
    ['half an answer', { cut: 200 }],
  ])('%s says nothing, so nothing is taken as ended', async (_, reply) => {
    expect(await askAlertmanager(reply, ERRORS)).toBeNull();
  });

  test('it is asked once for each name, whatever is in that', async () => {
    const { url, received } = await vendor(listed());
    const strange: Labels = [['alertname', 'a "b" \\ & ü']];
    await alertStates({ alertmanager: async () => `${url}/`, prometheus: absent }).gone([
      ERRORS,
      [...ERRORS, ['zone', 'a']],
      strange,
    ]);
    const asked = received.map(({ path }) => new URL(path, url));
    expect(asked.map(({ pathname }) => pathname)).toEqual(['/api/v2/alerts', '/api/v2/alerts']);
    expect(new Set(asked.map(({ searchParams }) => searchParams.get('filter')))).toEqual(
      new Set(['alertname="HighErrorBurnRate"', 'alertname="a \\"b\\" \\\\ & ü"']),
    );
  });

  test('it says nothing as long as one of the questions has no answer', async () => {
    const { url } = await vendor(listed(), { status: 500 });
    const states = alertStates({ alertmanager: async () => url, prometheus: absent });
    expect(await states.gone([ERRORS, LATENCY])).toBeNull();
  });
});

describe('Prometheus is asked where there is no Alertmanager:', () => {
  const active: Reply = { body: exchange('prometheus/alerts-active').response.body };

  const burning = (...more: Labels): Labels => [['alertname', 'HighErrorBurnRate'], ...more];

  test.each<[string, number[], Labels]>([
    [
      'is there, with labels that relabelling has added',
      [],
      burning(['service', 'checkout-api'], ['env', 'production'], ['cluster', 'a']),
    ],
    ['is there, where its sender says no place', [], burning()],
    [
      'is there, where it calls its environment otherwise',
      [],
      burning(['service', 'checkout-api'], ['environment', 'production']),
    ],
    ['is gone, where those of its name are of another service', [0], burning(['service', 'search-api'])],
    [
      'is gone, where those of its name are of another environment',
      [0],
      burning(['service', 'checkout-api'], ['env', 'staging']),
    ],
    ['is gone, where none has its name', [0], LATENCY],
  ])('an alert %s', async (_, gone, labels) => {
    expect(await askPrometheus(active, labels)).toEqual(gone);
  });

  test.each<[string, Reply]>([
    ['404', { status: 404, body: exchange('prometheus/error-404').response.body }],
    ['503', { status: 503, body: exchange('prometheus/error-timeout-503').response.body }],
  ])('%s says nothing', async (_, reply) => {
    expect(await askPrometheus(reply, ERRORS)).toBeNull();
  });

  test('it is not asked where there is an Alertmanager, even one that is away', async () => {
    const { url, received } = await vendor(active);
    const away = await nobody();
    expect(
      await alertStates({ alertmanager: async () => away, prometheus: async () => url }).gone([LATENCY]),
    ).toBeNull();
    expect(received).toEqual([]);
  });
});

test('where nobody can be asked, nothing is known', async () => {
  expect(await alertStates({ alertmanager: absent, prometheus: absent }).gone([ERRORS])).toBeNull();
});
