import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import type { Api } from '../../../../entrances/http/endpoint.ts';
import { CounterTable } from '../../../../core/stores/counters.ts';
import { Unrecognized } from '../../../../core/actions/alerts/unrecognized.ts';
import { ignoredEvents, unknownSeverities } from '../../../../vendors/connections/unrecognized.ts';
import { reportsHere } from '../../../../functions/assembly/reports.ts';
import { refusedRequests } from '../../../../vendors/connections/refused-requests.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import { Refusals } from '../../../../entrances/http/middleware/refusals.ts';
import { countedCalls } from '../../../../functions/assembly/counted-calls.ts';
import type { Attempt } from '../../../../core/domain/ports/common.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import type { Counters } from '../../../../core/domain/ports/system.ts';
import type { Pager } from '../../../../core/domain/ports/paging.ts';
import type { TokenRecord } from '../../../../schemas/access/access.ts';
import type { Effect } from '../../../../schemas/incidents/incident.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../core/stores/stores.ts';
import { tokenRecord } from '../../../support/console-world.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { FakeWorld, silent } from '../../../support/fake-deps.ts';
import { processMetrics } from '../../../../local/process-metrics.ts';
import { lastBackupMetric } from '../../../../local/backup/last-backup.ts';
import { METRICS_USED } from '../../../deploy/monitoring-files.ts';
import { have, problemsOfMetrics } from '../../../support/prometheus-stack.ts';

let stores: TableStores;
let deps: Product;
let app: Api;
let mine: Pick<TokenRecord, 'services' | 'environments'>;
let queues: () => ReturnType<Product['queues']['read']>;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

beforeEach(() => {
  mine = { services: null, environments: null };
  queues = async () => [{ queue: 'urgent', visible: 3, inFlight: 1, delayed: 0 }];
  const fake = new FakeWorld().deps;
  deps = {
    ...fake,
    ...stores,
    reports: reportsHere(() => deps),
    secrets: { get: async () => undefined },
    queue: { sendAll: async () => undefined },
    queues: { read: () => queues(), dead: async () => [], redrive: async () => 0 },
    tokens: Object.assign(Object.create(stores.tokens) as Product['tokens'], {
      find: async () => tokenRecord('reader', ['*'], mine),
    }),
    drills: Object.assign({}, fake.drills, { proved: async () => [] }),
    log: silentLog(),
  };
  app = api(deps);
});

const silentLog = (): Product['log'] => {
  const log: Product['log'] = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => log };
  return log;
};

const TOKEN = tokenRecord('reader', ['*']);

const authorization = 'Bearer token';

/** Scrapes some seconds later, after the cache has expired. */
async function scrape(): Promise<string> {
  stores.clock.set(stores.clock.millis + 5_000);
  return (await app.request('/metrics', { headers: { authorization } })).text();
}

async function values(name: string): Promise<Record<string, number>> {
  const lines = (await scrape())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return Object.fromEntries(lines.map((line) => [/\{(.*)\}/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]));
}

const send = (body: string) =>
  app.request('/v1/alerts/alertmanager', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body,
  });

const payload = (...services: string[]): string =>
  JSON.stringify({
    version: '4',
    groupKey: '{}:{alertname="ErrorRate"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'firebreak',
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: 'http://alertmanager',
    alerts: services.map((service) => ({
      status: 'firing',
      labels: { alertname: 'ErrorRate', service, environment: 'production', severity: 'critical' },
      annotations: {},
      startsAt: stores.clock.now(),
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: '',
      fingerprint: `fp-${service}`,
    })),
  });

const declare = async (service: string): Promise<IncidentId> =>
  (
    await stores.incidents.declare({
      service: service as ServiceName,
      environment: 'production' as EnvironmentName,
      title: 'It fails',
      severity: 'critical',
      by: 'person:ada',
      trace: 'trace',
    })
  ).id;

const effect = (key: string, kind: Effect['kind']): Omit<Effect, 'state' | 'at'> => ({
  key,
  kind,
  target: 'https://events.pagerduty.com',
  class: 'keyed',
  detail: 'Paging',
});

describe('counts over all instances', () => {
  test('received, accepted, and quarantined alerts, by source', async () => {
    expect((await send(payload('checkout', 'search'))).status).toBe(202);
    expect((await send('no json')).status).toBe(400);
    // Another instance, which counted nothing itself, returns the same.
    app = api(deps);
    expect(await values('firebreak_alerts_received_total')).toEqual({ 'source="alertmanager"': 3 });
    expect(await values('firebreak_alerts_accepted_total')).toEqual({ 'source="alertmanager"': 2 });
    expect(await values('firebreak_alerts_quarantined_total')).toEqual({ 'source="alertmanager"': 1 });
  });

  describe('refused requests', () => {
    const REFUSED = 'firebreak_http_requests_refused_total';
    const unknown = { 'content-type': 'application/json' };
    const post = (path: string, body: string, headers: Record<string, string>) =>
      app.request(path, { method: 'POST', headers, body });
    const seen: object[] = [];
    const doctor = () => refusedRequests(deps);

    beforeEach(() => {
      stores.clock.set(stores.clock.millis + 3 * 3600_000);
      seen.length = 0;
      const log = { ...silentLog(), warn: (_: string, fields?: object) => void seen.push(fields ?? {}) };
      deps.log = { ...log, with: () => deps.log };
      deps.secrets = { get: async (name) => (name === 'FIREBREAK_INGEST_TOKEN' ? 'ingest' : undefined) };
      deps.tokens = Object.assign(Object.create(deps.tokens) as Product['tokens'], {
        find: async (hash: string) => (hash === sha256('token') ? { ...TOKEN, ...mine } : undefined),
      });
      app = api(deps);
    });

    test('by route, reason, and source, in the metrics, the log, and for the doctor', async () => {
      const before = await values(REFUSED);
      expect(await doctor()).toEqual({ state: 'set', detail: 'none in the last hour' });
      for (let n = 0; n < 3; n += 1)
        await post('/v1/alerts/alertmanager', payload('checkout'), { ...unknown, authorization: 'Bearer wrong' });
      await post('/v1/alerts/alertmanager', 'no json', { ...unknown, authorization });
      await post('/v1/incidents', '{}', { ...unknown, authorization: 'Bearer ingest' });
      await post('/v1/alerts/alertmanager', '', { authorization, 'content-length': String(5 * 1024 * 1024) });
      await app.request(`/v1/incidents/${'0'.repeat(26)}/timeline`);
      await post('/no/such/route', '', {});
      const label = (route: string, reason: string, source: string) =>
        `route="${route}",reason="${reason}",source="${source}"`;
      const counted = {
        [label('/v1/alerts/alertmanager', 'unauthorized', 'unknown')]: 3,
        [label('/v1/alerts/alertmanager', 'not-json', 'token:reader')]: 1,
        [label('/v1/alerts/alertmanager', 'body-too-large', 'token:reader')]: 1,
        [label('/v1/incidents', 'forbidden', 'ingest')]: 1,
        [label('/v1/incidents/:id/timeline', 'unauthorized', 'unknown')]: 1,
      };
      const after = await values(REFUSED);
      expect(
        Object.fromEntries(Object.entries(after).map(([labels, by]) => [labels, by - (before[labels] ?? 0)])),
      ).toMatchObject(counted);
      expect(seen.filter((fields) => 'route' in fields)).toHaveLength(Object.keys(counted).length);
      const { state, detail } = await doctor();
      expect([state, detail.split('; ')[0]]).toEqual([
        'incomplete',
        '3 requests to /v1/alerts/alertmanager refused with 401 in the last hour: wrong or missing token, or wrong signature',
      ]);
      expect(detail).toContain('1 request to /v1/incidents from ingest refused with 403 in the last hour');
      stores.clock.set(stores.clock.millis + 71 * 60_000);
      expect(await doctor()).toEqual({ state: 'set', detail: 'none in the last hour' });
    });

    test('the doctor says why the last annotation was refused, and what to change', async () => {
      const annotate = (path: string, body: object) => post(path, JSON.stringify(body), { ...unknown, authorization });
      for (const tags of [['deploy'], ['deploy', 'nobody', 'v1']])
        expect((await annotate('/api/annotations', { tags, text: '' })).status).toBe(422);
      expect((await annotate('/api/annotations/graphite', { what: 'Out', tags: 'v1' })).status).toBe(422);
      expect((await doctor()).detail.split('; ')).toEqual([
        '2 requests to /api/annotations from token:reader refused with 422 in the last hour: the last one: the annotation: no tag is a service of the catalogue: nobody, v1',
        'add it to services.yaml, or send service:NAME',
        '1 request to /api/annotations/graphite from token:reader refused with 422 in the last hour: the annotation: no tag is one of deploy, deployment, release, rollout, hotfix, rollback, revert, or kind: with another kind of deployments',
      ]);
    });

    test('the doctor says why spans were rejected, whose senders get 200', async () => {
      const value = (stringValue: string) => ({ stringValue });
      const span = {
        traceId: '5b8efff798038103d269b633813fc60c',
        spanId: 'eee19b7ec3c1b174',
        name: 'build',
        startTimeUnixNano: '1544712660000000000',
        endTimeUnixNano: '1544712661000000000',
      };
      const resource = { attributes: [{ key: 'service.name', value: value('nobody') }] };
      const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
      expect((await post('/v1/traces', body, { ...unknown, authorization })).status).toBe(200);
      expect((await doctor()).detail).toBe(
        '1 request to /v1/traces from token:reader partly refused in the last hour: spans were rejected: 1: the catalogue has no service "nobody" (service.name), and vcs.repository.url.full is missing',
      );
      expect(await values(REFUSED)).toMatchObject({
        'route="/v1/traces",reason="partly-refused",source="token:reader"': 1,
      });
    });

    test('the number of series has a limit, whatever the tokens are called', async () => {
      const series = new Set<string>();
      const counters: Pick<Counters, 'add'> = {
        add: async (all) => all.forEach(({ labels }) => series.add(labels.join(' '))),
      };
      const refusals = new Refusals({ clock: stores.clock, counters });
      for (let n = 0; n < 1100; n += 1)
        await refusals.count(silentLog(), { route: '/v1/incidents', status: 403, source: `token:caller-${n}` });
      expect(series.size).toBe(1001);
      expect(series).toContain('/v1/incidents forbidden other');
    });
  });

  test('events that change nothing, by sender and reason, for a day also for the doctor', async () => {
    const event = (name: string, phase: string) =>
      app.request('/integrations/flagger/event', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization },
        body: JSON.stringify({ name, namespace: 'shop', phase, metadata: { service: 'checkout' } }),
      });
    expect(await ignoredEvents(deps)).toEqual({ state: 'set', detail: 'none in the last day' });
    for (const name of ['cart', 'checkout']) expect((await event(name, 'Waiting')).status).toBe(202);
    await event('cart', 'Succeeded');
    const waiting = 'Waiting: no rollout is in progress';
    expect(await values('firebreak_events_ignored_total')).toEqual({
      [`sender="flagger:reader",reason="${waiting}"`]: 2,
      'sender="flagger:reader",reason="the rollout has ended before"': 1,
    });
    stores.clock.set(stores.clock.millis + 23 * 3_600_000);
    expect((await ignoredEvents(deps)).detail).toBe(
      `2 events from flagger:reader in the last day: ${waiting}; 1 event from flagger:reader in the last day: the rollout has ended before`,
    );
    stores.clock.set(stores.clock.millis + 2 * 3_600_000);
    expect(await ignoredEvents(deps)).toEqual({ state: 'set', detail: 'none in the last day' });
  });

  test('unknown severities, by sender and value, for a day also for the doctor', async () => {
    const alert = (severity: string) => ({
      ...JSON.parse(payload('checkout')).alerts[0],
      labels: { alertname: 'Errors', service: 'checkout', environment: 'production', ...(severity && { severity }) },
    });
    const alerts = ['Blocker', 'CRITICAL', '', 'Blocker', 'urgent'].map(alert);
    expect((await send(JSON.stringify({ ...JSON.parse(payload('checkout')), alerts }))).status).toBe(202);
    expect(await values('firebreak_alerts_severity_unknown_total')).toEqual({
      'sender="token:reader",severity="Blocker"': 2,
      'sender="token:reader",severity="urgent"': 1,
    });
    const { state, detail } = await unknownSeverities(deps);
    expect(state).toBe('incomplete');
    expect(detail).toContain(
      '2 alerts from token:reader in the last day had the unknown severity "Blocker"; 1 alert from',
    );
    expect(detail).toContain('add the words to severities in config/routes.yaml');
  });

  test('unrecognized values have a limited number of series', async () => {
    const labels = new Set<string>();
    const counters: Pick<Counters, 'add'> = {
      add: async (all) => all.forEach((one) => labels.add(one.labels.join(' '))),
    };
    const unrecognized = new Unrecognized(counters);
    const reasons = Array.from({ length: 600 }, (_, n) => `reason ${n}`);
    await unrecognized.count('firebreak_events_ignored_total', 'flux:signature', reasons);
    expect(labels.size).toBe(501);
    expect(labels).toContain('flux:signature other');
  });

  test('of Firebreak itself do not depend on those of services', async () => {
    deps.reports = {
      read: () => Promise.reject(new Refusal(503, 'unavailable', 'too many reports wait to be computed')),
      forget: () => undefined,
    };
    app = api(deps);
    expect(await values('firebreak_intake_ok')).toEqual({ '': 1 });
  });

  test('alerts are accepted while counting fails', async () => {
    const broken = Object.assign(Object.create(stores.table) as typeof stores.table, {
      touch: () => Promise.reject(new Error('throttled')),
    });
    deps.counters = new CounterTable(broken, silentLog(), stores.clock);
    app = api(deps);
    expect((await send(payload('checkout'))).status).toBe(202);
  });

  test('parallel counts are complete', async () => {
    const name = 'firebreak_alerts_routed_total';
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        stores.counters.add([{ name, labels: [n % 2 ? 'opened' : 'joined'], by: 2 }]),
      ),
    );
    expect(await values(name)).toEqual({
      'result="opened"': 50,
      'result="joined"': 50,
      'result="recorded"': 0,
      'result="known"': 0,
    });
  });

  test('pages, and unfinished effects with the time of the oldest', async () => {
    const id = await declare('paged');
    const at = millisOf(stores.clock.now()) / 1000;
    await stores.effects.intend(id, effect(`${id}.page.1`, 'page'));
    await stores.effects.intend(id, effect(`${id}.http.1`, 'http'));
    expect(await values('firebreak_effects_unfinished')).toEqual({ 'kind="page"': 1, 'kind="http"': 1 });
    expect(await values('firebreak_effects_unfinished_oldest_timestamp_seconds')).toMatchObject({ 'kind="page"': at });
    await stores.effects.conclude(id, `${id}.page.1`, 'succeeded', 'Paged');
    await stores.effects.conclude(id, `${id}.page.1`, 'succeeded', 'Paged'); // a repeated conclusion does not count a second page
    expect(await values('firebreak_effects_unfinished')).toEqual({ 'kind="http"': 1 });
    expect(await values('firebreak_pages_total')).toEqual({
      'route="pager",outcome="succeeded"': 1,
      'route="pager",outcome="failed"': 0,
      'route="second",outcome="succeeded"': 0,
      'route="second",outcome="failed"': 0,
    });
    stores.clock.set(stores.clock.millis + 25 * 3_600_000);
    expect(await values('firebreak_effects_unfinished')).toEqual({});
  });

  test('incidents by status, opened and resolved incidents, and the oldest pending time', async () => {
    const before = await values('firebreak_incidents_opened_total');
    const id = await declare('declared');
    await declare('declared'); // declares an incident
    expect((await values('firebreak_incidents_opened_total'))['by="person"']).toBe((before['by="person"'] ?? 0) + 1);
    expect((await values('firebreak_incidents'))['status="open"']).toBeGreaterThan(0);
    expect(Object.values(await values('firebreak_incidents_pending_oldest_timestamp_seconds'))).toHaveLength(1);
    expect(await stores.incidents.resolve(id, 0, 'person:ada', 'Over')).toBe('resolved');
    expect(await values('firebreak_incidents_resolved_total')).toEqual({
      'by="person"': 1,
      'by="firebreak"': 0,
    });
  });

  test('counters whose labels are known exist with 0 before the first event, of each service in the catalogue', async () => {
    const config = Config.parse({ ...emptyConfig, services: { cart: {}, search: {} } });
    deps = { ...deps, config: { current: async () => config, problems: async () => [] } };
    app = api(deps);
    const zeros = (service: string) =>
      Object.fromEntries(
        ['succeeded', 'failed', 'gave_up'].map((outcome) => [`outcome="${outcome}",service="${service}"`, 0]),
      );
    expect(await values('firebreak_rollbacks_total')).toEqual({ ...zeros('cart'), ...zeros('search') });
    expect(await values('firebreak_watches_total')).toMatchObject({ 'outcome="degraded"': 0 });
    expect(await values('firebreak_approvals_total')).toMatchObject({ 'outcome="expired"': 0 });
    await stores.counters.add([{ name: 'firebreak_rollbacks_total', labels: ['failed', 'cart'], by: 1 }]);
    mine.services = ['cart'];
    expect(await values('firebreak_rollbacks_total')).toEqual({
      ...zeros('cart'),
      'outcome="failed",service="cart"': 1,
    });
  });

  test('calls of vendors, without vendors that were never called', async () => {
    const answers: Attempt[] = [
      { kind: 'taken', detail: '' },
      { kind: 'refused', detail: '' },
      { kind: 'later', detail: '', afterSeconds: null },
      { kind: 'off', detail: '' },
    ];
    const pager: Pager = { send: async () => answers.shift() ?? Promise.reject(new Error('broken')) };
    const counted = countedCalls('pagerduty', pager, {
      counters: stores.counters,
      log: silent,
      titleOf: async () => undefined,
    });
    const call = () => counted.send({} as Parameters<Pager['send']>[0]);
    for (let n = 0; n < 4; n += 1) await call();
    await expect(call()).rejects.toThrow('broken');
    expect(await values('firebreak_vendor_calls_total')).toEqual({
      'vendor="pagerduty",outcome="ok"': 1,
      'vendor="pagerduty",outcome="refused"': 1,
      'vendor="pagerduty",outcome="error"': 2,
    });
  });
});

test('messages that failed too often are counted where the platform counts them', async () => {
  queues = async () => [{ queue: 'urgent', visible: 0, inFlight: 0, delayed: 0, dead: 2 }];
  expect(await values('firebreak_queue_messages')).toMatchObject({ 'queue="urgent",state="dead"': 2 });
});

test('messages in queues; a queue that does not respond affects only its own samples', async () => {
  expect(await values('firebreak_queue_messages')).toEqual({
    'queue="urgent",state="waiting"': 3,
    'queue="urgent",state="in_flight"': 1,
    'queue="urgent",state="delayed"': 0,
  });
  queues = () => Promise.reject(new Error('no answer'));
  expect(await values('firebreak_queue_messages')).toEqual({});
  expect(await values('firebreak_automation_paused')).toEqual({ '': 0 });
});

test('parallel scrapes read the queues once', async () => {
  let requested = 0;
  queues = async () => {
    requested += 1;
    return [];
  };
  await Promise.all([1, 2, 3].map(async () => app.request('/metrics', { headers: { authorization } })));
  expect(requested).toBe(1);
  await scrape();
  expect(requested).toBe(2);
});

test('a token sees the services that it may read, and samples without a service', async () => {
  for (const [service, environment] of [
    ['mine', 'production'],
    ['mine', 'staging'],
    ['theirs', 'production'],
  ] as const) {
    await stores.changes.record({
      service: service as ServiceName,
      environment: environment as EnvironmentName,
      version: 'v1',
      kind: 'deploy',
      status: 'succeeded',
      started_at: stores.clock.now(),
      finished_at: stores.clock.now(),
      has_migration: false,
    } as Parameters<Product['changes']['record']>[0]);
  }
  const name = 'firebreak_deployment_timestamp_seconds';
  expect(Object.keys(await values(name))).toHaveLength(3);
  mine = { services: ['mine'], environments: ['production'] };
  expect(Object.keys(await values(name))).toEqual(['service="mine",environment="production",version="v1"']);
  expect(await values('firebreak_automation_paused')).toEqual({ '': 0 });
});

test('a failed deploy has a series until its failure has ended', async () => {
  const failed = { service: 'broken', environment: 'production', version: 'v2' };
  const { change } = await stores.changes.record(
    NewChange.parse({ ...failed, status: 'failed', started_at: stores.clock.now() }),
  );
  const series = 'service="broken",environment="production",version="v2"';
  expect(await values('firebreak_deployment_failed')).toEqual({ [series]: 1 });
  await stores.changes.endFailure(change.id);
  expect(await values('firebreak_deployment_failed')).toEqual({});
});

test('commits and pull requests of the services with a repository, over four weeks', async () => {
  const config = Config.parse({ ...emptyConfig, services: { cart: { repository: 'acme/cart' }, docs: {} } });
  deps.config = { current: async () => config, problems: async () => [] };
  const now = stores.clock.now();
  const commits = ['a', 'b'].map((sha) => ({ sha, committed_at: now, paths: null }));
  const pushed = { branch: 'main', before: null, after: 'b', received_at: now, commits, truncated: false };
  await stores.code.push({ forge: 'gitlab', repository: 'acme/cart', ...pushed });
  await stores.code.pullRequest({
    forge: 'gitlab',
    repository: 'acme/cart',
    number: 1,
    title: 'Add',
    url: null,
    author: 'ada',
    base: 'main',
    head: 'add',
    labels: [],
    draft: false,
    opened_at: plusSeconds(now, -7200),
    merged_at: now,
    closed_at: null,
    merge_commit: 'b',
    reverts: null,
    updated_at: now,
    review: null,
  });
  stores.clock.set(stores.clock.millis + 60_000);
  expect(await values('firebreak_code_commits')).toEqual({ 'service="cart"': 2 });
  expect(await values('firebreak_code_pull_requests')).toEqual({
    'service="cart",event="opened"': 1,
    'service="cart",event="merged"': 1,
    'service="cart",event="closed"': 0,
  });
  expect(await values('firebreak_code_merge_median_seconds')).toEqual({ 'service="cart"': 7200 });
  expect(await values('firebreak_code_merge_p90_seconds')).toEqual({ 'service="cart"': 7200 });
  expect(await values('firebreak_code_first_review_median_seconds')).toEqual({});
  if (have('promtool')) expect(problemsOfMetrics(await scrape())).toBe('');
});

test('every metric in the alert rules and the dashboard exists', async () => {
  const auditStream = { url: 'https://siem.example.com', signature: 'SIEM_SECRET' }; // without it, its metric is left out
  const config = Config.parse({ ...emptyConfig, response: { auditStream } });
  deps.config = { current: async () => config, problems: async () => [] };
  const types = [
    ...`${await scrape()}${processMetrics()()}${lastBackupMetric('/nowhere')}`.matchAll(/^# TYPE (\w+) (\w+)$/gm),
  ];
  const series = types.flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => `${name}${suffix}`) : [name],
  );
  expect(METRICS_USED.filter((name) => !series.includes(name))).toEqual([]);
  expect(METRICS_USED.length).toBeGreaterThan(20);
});

test.runIf(have('promtool'))('promtool reports no problem', async () => {
  await stores.counters.add([{ name: 'firebreak_alerts_routing_delay_seconds', labels: ['0.5'], by: 2 }]);
  expect(problemsOfMetrics(await scrape())).toBe('');
});
