import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { PullRequestReport } from '../../../schemas/changes/code.ts';
import { DeliveryFile } from '../../../schemas/changes/delivery-file.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { have, problemsOfMetrics } from '../../../test/support/prometheus-stack.ts';
import { withPorts } from '../ports.ts';
import { DoraWorld, handWorked } from './dora-world.ts';

let world: DoraWorld;

const all = { actions: ['*' as const], services: null, environments: null };
const opened = async () => {
  world = await DoraWorld.open();
};

const dora = async (query = '') => (await world.call('GET', `/v1/metrics/dora?window=28d${query}`)).json;

/** Compares decimals to nine digits, as the hand-worked table has them. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, one: unknown) => (typeof one === 'number' ? Number(one.toFixed(9)) : one));

describe('the hand-worked table', () => {
  beforeAll(async () => {
    await opened();
    await world.recordTable();
  });
  afterAll(async () => world.stores.close());

  test.each(Object.entries(handWorked.expected))('has the figures of %s', async (scope, expected) => {
    const answer = await dora(scope === 'all' ? '' : `&service=${scope}`);
    expect(handWorked.deploys).toHaveLength(60);
    expect(handWorked.incidents).toHaveLength(9);
    expect(rounded(answer)).toMatchObject(rounded(expected) as object);
  });

  test('has the same figures from rollups', async () => {
    const { deployHistory } = withPorts(world.ports);
    const before = await dora();
    for (let run = 0; run < 20 && !(await deployHistory.roll(100)).isComplete; run += 1);
    expect(await deployHistory.roll(1)).toEqual({ rolled: 0, isComplete: true });
    expect(await dora()).toEqual(before);
  });

  test('opens every number into its records', async () => {
    const answer = await dora();
    const records = async (figure: string) =>
      (await world.call('GET', `/v1/metrics/dora/records?window=28d&limit=500&figure=${figure}`)).json;
    const names = ({ deployments }: any) => deployments.map((one: any) => `${one.service} ${one.version}`);
    const frequency = await records('deployment_frequency');
    expect(frequency.deployments).toHaveLength(answer.deployment_frequency.deploys);
    expect(names(await records('change_failure_rate'))).toEqual([
      'search d15',
      'payments d13',
      'search d07',
      'payments d06',
      'search d05',
      'payments d03',
    ]);
    expect(names(await records('pending')).toSorted()).toEqual(['cart d20', 'payments d20', 'search d20']);
    const lead = await records('lead_time');
    expect(lead.deployments.flatMap((one: any) => one.lead_times_s)).toHaveLength(answer.lead_time.commits);
    expect(names(lead)).not.toContain('cart d01');
    expect(names(await records('rework_rate'))).toEqual([
      'search d14',
      'payments d12',
      'cart d10',
      'cart d09',
      'payments d02',
    ]);
    const without = await records('incidents_without_deploy');
    expect(without.incidents.map(({ title }: any) => title)).toEqual(['incident H', 'incident G', 'incident B']);
    const restored = await records('time_to_restore');
    expect(restored.incidents.map((one: any) => [one.title, one.attributed_by])).toEqual([
      ['incident I', 'confidence'],
      ['incident H', 'none'],
      ['incident G', 'none'],
      ['incident F', 'confidence'],
      ['incident E', 'confidence'],
      ['incident D', 'person'],
      ['incident C', 'confidence'],
      ['incident B', 'none'],
      ['incident A', 'rolled_back'],
    ]);
  });

  test('is in the metrics of each service', async () => {
    const { text } = await world.call('GET', '/metrics');
    const of = 'service="payments",environment="production"';
    for (const line of [
      `firebreak_dora_deployments_per_day{${of}} 0.7142857142857143`,
      `firebreak_dora_lead_time_median_seconds{${of}} 39600`,
      `firebreak_dora_lead_time_p90_seconds{${of}} 68400`,
      `firebreak_dora_change_failure_ratio{${of}} ${3 / 19}`,
      `firebreak_dora_failed_deployment_recovery_seconds{${of}} 9450`,
      `firebreak_dora_rework_ratio{${of}} 0.1`,
      `firebreak_dora_time_to_restore_seconds{${of}} 3600`,
    ])
      expect(text.split('\n')).toContain(line);
    if (have('promtool')) expect(problemsOfMetrics(text)).toBe('');
  });

  test('is counted under the names of other dashboards', async () => {
    const { deployHistory } = withPorts(world.ports);
    for (let run = 0; run < 20 && !(await deployHistory.roll(100)).isComplete; run += 1);
    const { search, ...others } = world.config.services as Record<string, object>;
    const environments = { production: {}, preview: {} };
    const services = { ...others, search: { ...search, environments }, quiet: {} };
    world.config = Config.parse({ ...emptyConfig, services });
    const { text } = await world.call('GET', '/metrics');
    const of = 'service="payments",environment="production"';
    for (const line of [
      `deployment_success_total{${of}} 20`,
      `deployment_failure_total{${of}} 0`,
      `rollback_total{${of}} 1`,
      `deployment_duration_seconds_bucket{${of},le="300"} 20`,
      `deployment_duration_seconds_count{${of}} 20`,
      `deployment_duration_seconds_sum{${of}} 6000`,
      // Nothing is deployed there, or of this service, yet.
      'deployment_success_total{service="quiet",environment="production"} 0',
      'deployment_success_total{service="search",environment="preview"} 0',
      'deployment_failure_total{service="search",environment="preview"} 0',
      'rollback_total{service="search",environment="preview"} 0',
      'deployment_duration_seconds_bucket{service="search",environment="preview",le="300"} 0',
      'deployment_duration_seconds_count{service="search",environment="preview"} 0',
    ])
      expect(text.split('\n')).toContain(line);
    if (have('promtool')) expect(problemsOfMetrics(text)).toBe('');
  });

  test('has pages whose items are those of the whole', async () => {
    const path = '/v1/metrics/dora/records?window=28d&figure=deployment_frequency';
    const whole = (await world.call('GET', `${path}&limit=500`)).json.deployments;
    const found: unknown[] = [];
    let cursor: string | null = null;
    do {
      const { json }: any = await world.call('GET', `${path}&limit=25${cursor === null ? '' : `&cursor=${cursor}`}`);
      found.push(...json.deployments);
      cursor = json.next_cursor;
    } while (cursor !== null);
    expect(found).toEqual(whole);
    expect((await world.call('GET', `${path}&cursor=x`)).status).toBe(400);
  });

  test('has figures of a team and of a tier', async () => {
    const [shop, first, money] = [await dora('&team=shop'), await dora('&tier=1'), await dora('&team=money')];
    expect(shop.deployment_frequency.deploys).toBe(39);
    expect(rounded(first)).toMatchObject(rounded(handWorked.expected['payments']) as object);
    expect(money.deployment_frequency).toEqual(first.deployment_frequency);
  });

  test('counts staging only if it is asked for', async () => {
    expect((await dora()).environments).toEqual(['production', 'prod']);
    const staging = await dora('&environment=staging');
    expect([staging.deployment_frequency.deploys, staging.environments]).toEqual([1, ['staging']]);
  });

  test('is rated by the configured bands', async () => {
    const { config } = world;
    world.config = { ...config, delivery: { ...config.delivery, bands: { preset: 'dora-2023' } } };
    const answer = await dora();
    world.config = config;
    expect(answer.change_failure_rate.band).toBe('medium');
    expect(answer.lead_time.band).toBe('elite');
  });

  test('is also CSV', async () => {
    const { text, type } = await world.call('GET', '/v1/metrics/dora?window=28d', undefined, { accept: 'text/csv' });
    expect(type).toBe('text/csv; charset=utf-8');
    expect(text.split('\r\n')).toContain('lead_time_median,36000,s,high,69');
    const rows = (await world.call('GET', '/v1/metrics/dora/records?window=28d&format=csv')).text.trim().split('\r\n');
    expect(rows).toHaveLength(60);
    expect(rows[0]).toMatch(/^id,service,environment,version,/);
  });

  test('shows a reader only their services', async () => {
    world.mine = { actions: ['deployments:read', 'incidents:read'], services: ['payments'], environments: null };
    expect((await world.call('GET', '/v1/metrics/dora?service=cart')).status).toBe(403);
    const { deployment_frequency: frequency, records } = await dora();
    expect(frequency.deploys).toBe(20);
    expect(new Set(records.incidents.items.map(({ service }: any) => service))).toEqual(new Set(['payments']));
    world.mine = { actions: ['deployments:read'], services: null, environments: null };
    const hidden = await dora();
    expect([hidden.time_to_restore.incidents, hidden.records.incidents]).toEqual([8, { total: 0, items: [] }]);
    world.mine = all;
  });

  test('leaves commits out that are later than their deploy by more than clocks differ', async () => {
    const { lead_time: before } = await dora();
    const at = (minutes: number) => plusSeconds(world.stores.clock.now(), minutes * 60);
    const commits = [
      { sha: 'from-tomorrow', committed_at: at(-10) },
      { sha: 'ahead', committed_at: at(-597) },
    ];
    await world.deploy({ service: 'cart', version: 'skewed', started_at: at(-601), finished_at: at(-600), commits });
    const { lead_time: after } = await dora();
    expect(after.commits).toBe(before.commits + 1);
  });

  test('counts applies of the infrastructure apart from everything else', async () => {
    const { infrastructure_changes: none, ...before } = await dora();
    expect(none).toEqual({ value: null, succeeded: 0, failed: 0 });
    const at = (minutes: number) => plusSeconds(world.stores.clock.now(), minutes * 60);
    for (const [index, status] of ['succeeded', 'failed', 'succeeded', 'succeeded', 'cancelled', 'started'].entries())
      await world.deploy({
        service: 'cart',
        version: `run-${index}`,
        kind: 'infrastructure',
        status,
        started_at: at(-600 + index),
        commits: [{ sha: `infra-${index}`, committed_at: at(-700) }],
      });
    const { infrastructure_changes: applies, ...after } = await dora();
    expect(applies).toEqual({ value: 0.75, succeeded: 3, failed: 1 });
    expect(after).toEqual(before);
    expect((await dora('&service=payments')).infrastructure_changes.succeeded).toBe(0);

    const path = '/v1/metrics/dora/records?window=28d&figure=infrastructure_changes';
    const { deployments } = (await world.call('GET', path)).json;
    expect(deployments.map(({ version, status, failures }: any) => [version, status, failures])).toEqual([
      ['run-3', 'succeeded', []],
      ['run-2', 'succeeded', []],
      ['run-1', 'failed', [{ kind: 'rollout' }]],
      ['run-0', 'succeeded', []],
    ]);
    const { text } = await world.call('GET', '/v1/metrics/dora?window=28d', undefined, { accept: 'text/csv' });
    expect(text.split('\r\n')).toContain('infrastructure_changes_succeeded,0.75,ratio,,4');
    world.stores.clock.set(world.stores.clock.millis + 3_600_000); // the metrics are cached
    const metrics = (await world.call('GET', '/metrics')).text.split('\n');
    for (const [result, count] of [
      ['succeeded', 3],
      ['failed', 1],
    ])
      expect(metrics).toContain(
        `firebreak_dora_infrastructure_changes{service="cart",environment="production",result="${result}"} ${count}`,
      );
  });
});

describe('an empty window', () => {
  beforeAll(opened);
  afterAll(async () => world.stores.close());

  test('has no figures, but a frequency of 0', async () => {
    expect(await dora()).toMatchObject({
      deployment_frequency: { value: 0, unit: 'per_day', band: null },
      lead_time: { median_s: null, p90_s: null, band: null },
      change_failure_rate: { value: null, band: null },
      time_to_restore: { median_s: null, band: null },
      rework_rate: { value: null },
      failed_deployment_recovery: { median_s: null, band: null },
      pending: 0,
    });
  });

  test.each(['0d', '367d', '14', 'd', '-1d'])('refuses the window %s', async (text) => {
    expect((await world.call('GET', `/v1/metrics/dora?window=${text}`)).status).toBe(422);
  });
});

describe('rework of rollbacks', () => {
  beforeAll(opened);
  afterAll(async () => world.stores.close());

  test('counts a rollback at once, while the attribution window of a deploy is open', async () => {
    const at = (minutes: number) => plusSeconds(world.stores.clock.now(), minutes * 60);
    const of = { service: 'search' };
    await world.deploy({ ...of, version: 's1', started_at: at(-400), finished_at: at(-390) });
    await world.deploy({ ...of, version: 's2', started_at: at(-20), finished_at: at(-19) });
    await world.deploy({ ...of, version: 's1', kind: 'rollback', started_at: at(-10), finished_at: at(-9) });
    await world.deploy({ ...of, version: 's3', started_at: at(-5), finished_at: at(-4) });
    const { pending, rework_rate: rate } = await dora('&service=search');
    expect([pending, rate]).toEqual([1, { value: 1 / 3, rework: 1, deploys: 3 }]);
    const { json } = await world.call('GET', '/v1/metrics/dora/records?window=28d&figure=rework_rate&service=search');
    expect(json.deployments).toMatchObject([{ version: 's1', kind: 'rollback', rework: 'rollback', pending: false }]);
  });
});

describe('rework', () => {
  beforeAll(opened);
  afterAll(async () => world.stores.close());

  test('counts a deploy of a revert or hotfix, also if the pull request is reported afterwards', async () => {
    const { code, clock } = world.stores;
    const { config } = world;
    const cart = { environments: { production: {} }, repository: 'https://github.com/Acme/Shop' };
    world.config = Config.parse({ ...emptyConfig, services: { cart } });
    const now = clock.now();
    const at = (minutes: number) => plusSeconds(now, minutes * 60);
    const rework = async () => {
      const { rework_rate: rate } = await dora();
      const { json } = await world.call('GET', '/v1/metrics/dora/records?window=28d&figure=rework_rate');
      expect(rate.rework).toBe(json.deployments.length);
      return json.deployments.map((one: any) => [one.version, one.rework, one.rework_pull_request?.number]);
    };
    const ends = { started_at: at(-300), finished_at: at(-290) };
    await world.deploy({ service: 'cart', version: 'v1', ...ends, commit: 'abc1' });
    await world.deploy({
      service: 'cart',
      version: 'v2',
      started_at: at(-200),
      finished_at: at(-190),
      commits: [{ sha: 'abc2', committed_at: at(-210) }, { sha: 'abc3' }],
    });
    expect(await rework()).toEqual([]);
    const report: PullRequestReport = {
      forge: 'github',
      repository: 'acme/shop',
      number: 12,
      title: 'Revert "Faster"',
      url: null,
      author: 'ada',
      base: 'main',
      head: 'revert-11-faster',
      labels: [],
      draft: false,
      opened_at: at(-220),
      merged_at: at(-210),
      closed_at: at(-210),
      merge_commit: 'abc3',
      reverts: { number: 11, commit: null },
      updated_at: at(-210),
      review: null,
    };
    for (let n = 0; n < 2; n += 1) await code.pullRequest(report);
    expect(await rework()).toEqual([['v2', 'revert', 12]]);
    const plain = { ...report, number: 10, title: 'Faster', head: 'faster', merge_commit: 'abc1', reverts: null };
    await code.pullRequest(plain);
    expect(await rework()).toEqual([['v2', 'revert', 12]]);
    // Labelled after the merge.
    await code.pullRequest({ ...plain, labels: ['hotfix'], updated_at: at(-5) });
    const both = [
      ['v2', 'revert', 12],
      ['v1', 'hotfix', 10],
    ];
    expect(await rework()).toEqual(both);
    for (let run = 0; run < 5 && !(await withPorts(world.ports).deployHistory.roll(100)).isComplete; run += 1);
    expect(await rework()).toEqual(both);
    world.config = { ...world.config, delivery: DeliveryFile.parse({ rework: { hotfixLabels: ['urgent'] } }) };
    expect(await rework()).toEqual([['v2', 'revert', 12]]);
    world.config = config;
    const { text } = await world.call('GET', '/v1/metrics/dora/records?window=28d&format=csv');
    expect(text.split('\r\n')[0]).toMatch(/,rework,rework_pull_request$/);
  });
});

describe('the cause of an incident', () => {
  beforeAll(async () => {
    await opened();
    await world.recordTable();
  });
  afterAll(async () => world.stores.close());

  test('can be corrected to none and back, each with an entry in the audit log', async () => {
    const id = world.incidents.find(({ title }) => title === 'incident C')?.id;
    const failed = async () => (await dora()).change_failure_rate.failed;
    expect(await failed()).toBe(6);
    const body = { deployment_id: null, reason: 'the database was down' };
    expect((await world.call('POST', `/v1/incidents/${id}/actions/attribute`, body)).status).toBe(200);
    expect(await failed()).toBe(5);
    expect((await world.call('POST', `/v1/incidents/${id}/actions/withdraw-attribution`)).status).toBe(204);
    expect(await failed()).toBe(6);
    expect((await world.call('POST', `/v1/incidents/${id}/actions/withdraw-attribution`)).status).toBe(404);
    const kinds = async () => {
      await world.stores.audit.seal();
      const { items } = await world.stores.audit.list({ limit: 100 });
      return items.filter(({ subject }) => subject === id).map(({ kind, actor }) => `${kind} ${actor}`);
    };
    await expect
      .poll(kinds)
      .toEqual(expect.arrayContaining(['attribution.corrected ada', 'attribution.withdrawn ada']));
  });

  test('must be a deployment that exists, and needs the permission', async () => {
    const id = world.incidents[0]?.id;
    const path = `/v1/incidents/${id}/actions/attribute`;
    const unknown = { deployment_id: `chg_${'0'.repeat(26)}`, reason: 'x' };
    expect((await world.call('POST', path, unknown)).status).toBe(404);
    expect((await world.call('POST', path, { deployment_id: null })).status).toBe(422);
    const flag = await world.deploy({ service: 'cart', version: 'a-flag', kind: 'flag' });
    expect((await world.call('POST', path, { deployment_id: flag, reason: 'x' })).status).toBe(409);
    world.mine = { actions: ['incidents:read'], services: null, environments: null };
    expect((await world.call('POST', path, unknown)).status).toBe(403);
    world.mine = all;
  });
});
