import { describe, expect, test } from 'vitest';
import type { AlertState } from '../../../core/domain/ports/alerts.ts';
import { alertStates } from '../../../vendors/shared/alert-states.ts';
import { exchange } from '../../../packages/sandbox/test/support.ts';
import { nobody, type Reply, vendor, vendorThat } from '../server.ts';
import { serverAt } from '../../../vendors/shared/server.ts';

type Labels = [string, string][];
type AlertQuery = { labels: Labels; generatorUrl: string | null };

const ERRORS: Labels = [
  ['alertname', 'HighErrorBurnRate'],
  ['service', 'checkout'],
];
const LATENCY: Labels = [
  ['alertname', 'HighLatency'],
  ['service', 'checkout'],
];
const absent = async () => undefined;
const alert = (labels: Labels, generatorUrl: string | null = null): AlertQuery => ({ labels, generatorUrl });

const listed = (...all: Labels[]): Reply => ({
  body: JSON.stringify(
    all.map((labels) => ({
      labels: Object.fromEntries(labels),
      endsAt: '2026-11-20T12:05:00Z',
      status: { state: 'active' },
    })),
  ),
});

async function askAlertmanager(reply: Reply, ...labelSets: Labels[]): Promise<AlertState[] | null> {
  const { url } = await vendor(reply);
  return alertStates({ alertmanager: async () => url, prometheus: absent }).of(
    labelSets.map((labels) => alert(labels)),
  );
}

describe('alert states from Alertmanager', () => {
  test('finds a listed alert by all its labels', async () => {
    expect(await askAlertmanager(listed(ERRORS), ERRORS, LATENCY)).toEqual(['listed', 'absent']);
  });

  test('ignores the order of labels', async () => {
    expect(await askAlertmanager(listed(ERRORS), ERRORS.toReversed())).toEqual(['listed']);
  });

  test('treats an additional label or another value as another alert', async () => {
    const more: Labels = [...ERRORS, ['zone', 'a']];
    const otherwise: Labels = [
      ['alertname', 'HighErrorBurnRate'],
      ['service', 'search'],
    ];
    expect(await askAlertmanager(listed(more, otherwise), ERRORS)).toEqual(['absent']);
  });

  test('reports all alerts as absent if none is listed', async () => {
    expect(await askAlertmanager(listed(), ERRORS, LATENCY)).toEqual(['absent', 'absent']);
  });

  test.each<[string, Reply]>([
    ['500', { status: 500, body: '[]' }],
    ['401', { status: 401, body: '[]' }],
    ['HTML', { body: '<html>' }],
    ['something else', { body: '{"status":"success"}' }],
    ['half an answer', { cut: 200 }],
  ])('returns nothing for %s', async (_, reply) => {
    expect(await askAlertmanager(reply, ERRORS)).toBeNull();
  });

  test('sends one request per alert name, also for special characters', async () => {
    const { url, received } = await vendor(listed());
    const strange: Labels = [['alertname', 'a "b" \\ & ü']];
    await alertStates({ alertmanager: async () => `${url}/`, prometheus: absent }).of(
      [ERRORS, [...ERRORS, ['zone', 'a']] satisfies Labels, strange].map((labels) => alert(labels)),
    );
    const asked = received.map(({ path }) => new URL(path, url));
    expect(asked.map(({ pathname }) => pathname)).toEqual(['/api/v2/alerts', '/api/v2/alerts']);
    expect(new Set(asked.map(({ searchParams }) => searchParams.get('filter')))).toEqual(
      new Set(['alertname="HighErrorBurnRate"', 'alertname="a \\"b\\" \\\\ & ü"']),
    );
  });

  test('returns nothing if any request fails', async () => {
    const { url } = await vendor(listed(), { status: 500 });
    const states = alertStates({ alertmanager: async () => url, prometheus: absent });
    expect(await states.of([alert(ERRORS), alert(LATENCY)])).toBeNull();
  });
});

type RuleOptions = {
  name?: string;
  query?: string;
  labels?: object;
  health?: string;
  type?: string;
  alerts?: object[];
};

/** Returns a rule of the only group, in Prometheus's format. */
const rule = ({ name = 'HighErrorBurnRate', query = 'errors > 0.01', labels = {}, ...more }: RuleOptions = {}) => ({
  type: 'alerting',
  health: 'ok',
  alerts: [],
  name,
  query,
  labels,
  ...more,
});

const success = (data: object, more: object = {}): Reply => ({
  body: JSON.stringify({ status: 'success', ...more, data }),
});
const rules = (...all: object[]): Reply => success({ groups: [{ name: 'slo', interval: 15, rules: all }] });
const fires = (...all: Record<string, string>[]): Reply => success({ alerts: all.map((labels) => ({ labels })) });
const configured = (yaml: string): Reply => success({ yaml });
const burning = (...more: Labels): Labels => [['alertname', 'HighErrorBurnRate'], ...more];

const ANSWERS = {
  '/api/v1/alerts': fires(),
  '/api/v1/rules': rules(rule()),
  '/api/v1/status/config': configured('global:\n  scrape_interval: 15s\n'),
} as const;

/** Returns the state of one alert, from a Prometheus with these responses. */
async function askPrometheus(
  answers: Partial<Record<keyof typeof ANSWERS, Reply>>,
  one: Labels,
  generatorUrl: string | null = null,
): Promise<AlertState | null> {
  const replies: Record<string, Reply> = { ...ANSWERS, ...answers };
  const { url } = await vendorThat(({ path }) => replies[new URL(path, 'http://p').pathname] ?? { status: 404 });
  const states = alertStates({ alertmanager: absent, prometheus: async () => serverAt(`${url}/`) });
  return (await states.of([alert(one, generatorUrl)]))?.[0] ?? null;
}

describe('alert states from Prometheus, without Alertmanager', () => {
  test('an alert is over if its rule exists and has no such active alert', async () => {
    expect(await askPrometheus({}, ERRORS)).toBe('over');
    const elsewhere = fires({ alertname: 'HighErrorBurnRate', service: 'search' }, { alertname: 'HighLatency' });
    expect(await askPrometheus({ '/api/v1/alerts': elsewhere }, ERRORS)).toBe('over');
  });

  test.each<[string, Reply]>([
    ['none', rules()],
    ['no group', success({ groups: [] })],
    ['others only', rules(rule({ name: 'HighLatency' }))],
    ['a recording rule of that name only', rules(rule({ type: 'recording' }))],
  ])("the state is unknown if the rule doesn't exist: %s", async (_, answer) => {
    expect(await askPrometheus({ '/api/v1/rules': answer }, ERRORS)).toBe('unknown');
    const other = fires({ alertname: 'HighLatency', service: 'checkout' });
    expect(await askPrometheus({ '/api/v1/rules': answer, '/api/v1/alerts': other }, ERRORS)).toBe('unknown');
  });

  test.each<[string, Labels]>([
    [
      'with labels that relabelling has added',
      burning(['service', 'checkout-api'], ['env', 'production'], ['cluster', 'a']),
    ],
    ['where its sender says no place', burning()],
    ['where it calls its environment otherwise', burning(['service', 'checkout-api'], ['environment', 'production'])],
  ])('a listed alert is not over: %s', async (_, one) => {
    const real = exchange('prometheus/alerts-active').response.body;
    expect(await askPrometheus({ '/api/v1/alerts': { body: real } }, one)).toBe('unknown');
  });

  test('requests no rules if all alerts are listed', async () => {
    const { url, received } = await vendor(fires({ alertname: 'HighErrorBurnRate' }));
    const states = alertStates({ alertmanager: absent, prometheus: async () => serverAt(url) });
    expect(await states.of([alert(ERRORS), alert(burning())])).toEqual(['unknown', 'unknown']);
    expect(received).toHaveLength(1);
  });

  test('an alert that its rule lists is not over', async () => {
    const labels = { alertname: 'HighErrorBurnRate', service: 'checkout' };
    expect(await askPrometheus({ '/api/v1/rules': rules(rule({ alerts: [{ labels }] })) }, ERRORS)).toBe('unknown');
  });

  test('recognizes its own alerts by name, labels, and expression in real responses', async () => {
    const real = {
      body: exchange('prometheus/rules').response.body.replace(/"alerts":\[\{.*?\}\],"health"/, '"alerts":[],"health"'),
    };
    const sent: Labels = burning(
      ['action', 'auto-rollback'],
      ['env', 'production'],
      ['service', 'checkout-api'],
      ['severity', 'critical'],
      ['team', 'payments'],
    );
    const link = (expression: string) =>
      `https://prometheus.example.net/graph?${new URLSearchParams({ 'g0.expr': expression, 'g0.tab': '1' }).toString()}`;
    const ask = (labels: Labels, expression: string) =>
      askPrometheus({ '/api/v1/rules': real }, labels, link(expression));
    expect(await ask(sent, 'slo:error_ratio:10s > (14.4 * 0.001)')).toBe('over');
    expect(await ask(sent, 'slo:error_ratio:10s > (6 * 0.001)')).toBe('unknown');
    const ofOthers = sent.map(([name, value]): [string, string] => [name, name === 'team' ? 'search' : value]);
    expect(await ask(ofOthers, 'slo:error_ratio:10s > (14.4 * 0.001)')).toBe('unknown');
  });

  test.each<[string, RuleOptions, Labels, AlertState]>([
    ['sets its labels', { labels: { severity: 'critical' } }, burning(['severity', 'critical']), 'over'],
    ['sets one to something else', { labels: { severity: 'warning' } }, burning(['severity', 'critical']), 'unknown'],
    ['sets one that it has not', { labels: { team: 'payments' } }, burning(), 'unknown'],
    ['sets one to nothing', { labels: { team: '' } }, burning(), 'over'],
    ['sets one by a template', { labels: { team: '{{ $labels.team }}' } }, burning(['team', 'payments']), 'over'],
    ['cannot be evaluated', { health: 'err' }, burning(), 'unknown'],
    ['has not been evaluated yet', { health: 'unknown' }, burning(), 'unknown'],
    ['selects its service', { query: 'errors{service="checkout"} > 1' }, ERRORS, 'over'],
    ['selects another one', { query: 'errors{service="search"} > 1' }, ERRORS, 'unknown'],
    ['selects several, of which it is one', { query: 'errors{service=~"search|check.*"} > 1' }, ERRORS, 'over'],
    ['selects others', { query: "errors{service=~'check'} > 1" }, ERRORS, 'unknown'],
    ['leaves it out', { query: 'errors{service!="checkout"} > 1' }, ERRORS, 'unknown'],
    ['leaves others out', { query: 'errors{service!~"search|cart"} > 1' }, ERRORS, 'over'],
    ['selects it beside another', { query: 'a{service="search"} or b{service="checkout"}' }, ERRORS, 'over'],
    ['selects by what Go refuses', { query: 'errors{service=~"(?=check).*"} > 1' }, ERRORS, 'unknown'],
    ['selects it in other case', { query: 'errors{service=~"(?i)CHECKOUT"} > 1' }, ERRORS, 'over'],
    [
      'selects by a pattern that is slow in JavaScript',
      { query: 'errors{path=~"(a+)+b"} > 1' },
      burning(['path', 'a'.repeat(5000)]),
      'unknown',
    ],
    ['selects by a text with signs', { query: 'errors{path="/\\"a\\""} > 1' }, burning(['path', '/"a"']), 'over'],
    ['selects by a raw text', { query: 'errors{path=~`/\\w+`} > 1' }, burning(['path', '/a']), 'over'],
    ['selects by labels that it has not', { query: 'errors{code="500"} > 1' }, ERRORS, 'over'],
  ])('a rule with the same name that %s', async (_, options, one, state) => {
    expect(await askPrometheus({ '/api/v1/rules': rules(rule(options)) }, one)).toBe(state);
  });

  test('one matching rule of several with the same name is enough', async () => {
    const both = [
      rule({ labels: { severity: 'warning' } }),
      rule({ labels: { severity: 'critical' } }),
      rule({ health: 'err' }),
    ];
    expect(await askPrometheus({ '/api/v1/rules': rules(...both) }, burning(['severity', 'critical']))).toBe('over');
  });

  const EXTERNAL =
    'global:\n  scrape_interval: 15s\n  external_labels:\n    cluster: eu\n    replica: a\nscrape_configs: []\n';
  test.each<[string, string, Labels, AlertState]>([
    ['it has them', EXTERNAL, burning(['cluster', 'eu'], ['replica', 'a']), 'over'],
    ['relabelling has taken one away', EXTERNAL, burning(['cluster', 'eu']), 'over'],
    ['it is of another cluster', EXTERNAL, burning(['cluster', 'us'], ['replica', 'a']), 'unknown'],
    ['they cannot be read', 'global: [', burning(['cluster', 'us']), 'over'],
    ['there are none', 'scrape_configs:\n  - job_name: a\n', burning(['cluster', 'us']), 'over'],
  ])('external labels distinguish the alerts of other servers: %s', async (_, yaml, one, state) => {
    expect(await askPrometheus({ '/api/v1/status/config': configured(yaml) }, one)).toBe(state);
  });

  test('a label of the rule takes precedence over an external label', async () => {
    const own = rules(rule({ labels: { cluster: 'global' } }));
    const answers = { '/api/v1/rules': own, '/api/v1/status/config': configured(EXTERNAL) };
    expect(await askPrometheus(answers, burning(['cluster', 'global']))).toBe('over');
  });

  test('works without the configuration, as with Thanos', async () => {
    expect(await askPrometheus({ '/api/v1/status/config': { status: 404 } }, ERRORS)).toBe('over');
  });

  test.each<[keyof typeof ANSWERS, Reply]>([
    ['/api/v1/alerts', { status: 404, body: exchange('prometheus/error-404').response.body }],
    ['/api/v1/alerts', { status: 503, body: exchange('prometheus/error-timeout-503').response.body }],
    ['/api/v1/alerts', success({ alerts: [] }, { warnings: ['no answer of 10.0.0.7'] })],
    ['/api/v1/alerts', { body: '[]' }],
    ['/api/v1/rules', { status: 404, body: '' }],
    ['/api/v1/rules', { body: '{"status":"success","data":{}}' }],
    ['/api/v1/rules', success({ groups: [] }, { warnings: ['no answer of 10.0.0.7'] })],
  ])('returns nothing if the response of %s is incomplete', async (path, reply) => {
    expect(await askPrometheus({ [path]: reply }, ERRORS)).toBeNull();
  });

  test('requests the rules by name, each once', async () => {
    const { url, received } = await vendorThat(({ path }) => ANSWERS[path.split('?')[0] as keyof typeof ANSWERS]);
    const states = alertStates({ alertmanager: absent, prometheus: async () => serverAt(url) });
    expect(await states.of([ERRORS, LATENCY, burning()].map((labels) => alert(labels)))).toEqual([
      'over',
      'unknown',
      'over',
    ]);
    const all = received.map(({ path }) => new URL(path, url));
    expect(all.map(({ pathname }) => pathname)).toEqual([
      '/api/v1/alerts',
      '/api/v1/rules',
      '/api/v1/rules',
      '/api/v1/status/config',
    ]);
    const asked = all.filter(({ pathname }) => pathname === '/api/v1/rules');
    expect(asked.map(({ searchParams }) => [searchParams.get('type'), searchParams.get('rule_name[]')])).toEqual([
      ['alert', 'HighErrorBurnRate'],
      ['alert', 'HighLatency'],
    ]);
  });

  test('is not used if Alertmanager is configured, even if that is down', async () => {
    const { url, received } = await vendor(fires());
    const away = await nobody();
    const states = alertStates({ alertmanager: async () => away, prometheus: async () => serverAt(url) });
    expect(await states.of([alert(LATENCY)])).toBeNull();
    expect(received).toEqual([]);
  });
});

test('alerts are listed in their original form by Alertmanager, but not by Prometheus', async () => {
  const url = async () => 'http://alerts.test';
  expect(await alertStates({ alertmanager: url, prometheus: absent }).areListed()).toBe(true);
  expect(await alertStates({ alertmanager: absent, prometheus: async () => serverAt(await url()) }).areListed()).toBe(
    false,
  );
});

test('returns nothing if neither is configured', async () => {
  expect(await alertStates({ alertmanager: absent, prometheus: absent }).of([alert(ERRORS)])).toBeNull();
});
