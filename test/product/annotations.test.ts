import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, Firebreak } from '../support/firebreak.ts';

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    timeScale: 1,
    env: { FIREBREAK_PUBLIC_URL: 'https://firebreak.acme.test' },
    services: {
      'order-service': { defaultEnvironment: 'production', environments: { production: {}, staging: {} } },
      search: { match: { service: 'search-api' }, environments: { live: {} } },
      billing: {},
      payments: { environments: { 'prod-eu': {}, 'prod-us': {} } },
      lonely: {},
      basket: { environments: { production: {}, staging: {} } },
      tickets: { repository: 'acme/seats', environments: { production: { sources: { image: 'ghcr.io/acme/web' } } } },
      tills: { environments: { 'till-1': {}, 'till-2': {} } },
    },
  });
});
afterAll(() => firebreak.remove());

const annotate = (body: unknown, headers: Record<string, string> = {}) =>
  firebreak.request('POST', '/api/annotations', body, headers);
const deploysOf = async (service: string) =>
  (await firebreak.get(`/v1/deployments?service=${service}`)).body.items as Record<string, unknown>[];

test('an annotation for Grafana is recorded as a deploy, and shown in Grafana with its commit and its link', async () => {
  const time = Date.now() - 60_000;
  const annotation = {
    time,
    timeEnd: time + 30_000,
    tags: ['deployment', 'order-service', 'v2.4.1', 'team:shop'],
    text: 'Deployed <b>order-service</b>\nCommit: 4ae0d6c1\nAuthor: Ada Byron\nChanges: https://git.acme.test/compare/v2.4.0...v2.4.1?a=1&b=2',
  };
  const first = await annotate(annotation);
  expect(first).toMatchObject({ status: 200, body: { message: 'Annotation added', id: expect.any(Number) } });
  expect(Number.isSafeInteger(first.body.id)).toBe(true);
  expect((await annotate(annotation)).body).toEqual(first.body);
  const [deploy, ...more] = await deploysOf('order-service');
  expect(more).toEqual([]);
  expect(deploy).toMatchObject({
    environment: 'production',
    version: 'v2.4.1',
    kind: 'deploy',
    status: 'succeeded',
    commit: '4ae0d6c1',
    author: 'Ada Byron',
    url: 'https://git.acme.test/compare/v2.4.0...v2.4.1?a=1&b=2',
    started_at: new Date(time).toISOString(),
    finished_at: new Date(time + 30_000).toISOString(),
  });
  const sent = await eventually(
    async () => (await firebreak.calls('grafana')).find(({ method }) => method === 'POST')?.body,
    'the annotation in Grafana',
  );
  expect(sent).toMatchObject({
    time,
    timeEnd: time + 30_000,
    // The first are those of each change; panels search for those that the pipeline has sent.
    tags: [
      'deploy',
      `firebreak:${String(deploy?.['id'])}`,
      'order-service',
      'production',
      'v2.4.1',
      'deployment',
      'team:shop',
    ],
  });
  expect(sent.text.split('<br>')).toEqual([
    'Deploy: order-service production v2.4.1 by Ada Byron, commit 4ae0d6c1',
    'Deployed &lt;b&gt;order-service&lt;/b&gt;',
    '<a href="https://git.acme.test/compare/v2.4.0...v2.4.1?a=1&amp;b=2">Open its source</a>',
    '<a href="https://firebreak.acme.test/console/services/order-service">Open in Firebreak</a>',
  ]);
});

// Early in this file: Grafana gets one change after the other.
test('links of the text are links in Grafana, and all else of it is text', async () => {
  const tags = ['deploy', 'lonely', 'v20'];
  const text = [
    '<b>Run</b> <a href="https://ci.acme.test/7?a=1&amp;b=2" onclick="alert(1)">#7 "main"</a>: https://ci.acme.test/8.',
    '[log](https://ci.acme.test/9) <https://ci.acme.test/10|more> <a href="javascript:alert(1)">x</a>',
    '[x](javascript:alert(1)) <img src=x onerror=alert(1)> https://ci.acme.test/"onmouseover="alert(1)',
  ].join('<br>');
  expect((await annotate({ tags, text })).status).toBe(200);
  const sent = await eventually(
    async () => (await firebreak.calls('grafana')).find(({ body }) => body?.tags?.includes('v20'))?.body,
    'the annotation in Grafana',
  );
  expect(sent.text.split('<br>').slice(1, -1)).toEqual([
    '&lt;b&gt;Run&lt;/b&gt; <a href="https://ci.acme.test/7?a=1&amp;b=2">#7 "main"</a>: <a href="https://ci.acme.test/8">https://ci.acme.test/8</a>.',
    '<a href="https://ci.acme.test/9">log</a> <a href="https://ci.acme.test/10">more</a> x',
    '[x](javascript:alert(1)) &lt;img src=x onerror=alert(1)&gt; <a href="https://ci.acme.test/">https://ci.acme.test/</a>"onmouseover="alert(1)',
  ]);
});

test.each([
  ['PATCH', {}, { note: 'Started' }, 'Annotation patched'],
  [
    'PUT',
    { tags: ['deploy', 'billing', 'v1-PUT', 'failed'], text: 'Commit: 4ae0d6c1\nDone' },
    { commit: '4ae0d6c1', note: 'Done', tags: ['deploy', 'billing', 'v1-PUT', 'failed'], status: 'failed' },
    'Annotation updated',
  ],
])('a %s adds the end to a deploy, as actions do when they have finished', async (method, more, shown, message) => {
  const time = Date.now() - 300_000;
  const started = await annotate({
    time,
    isRegion: true,
    tags: ['deploy', 'billing', `v1-${method}`],
    text: 'Started',
  });
  const timeEnd = time + 240_000;
  const path = `/api/annotations/${started.body.id}`;
  const updated = await firebreak.request(method, path, { time, timeEnd, ...more });
  expect([updated.status, updated.body]).toEqual([200, { message }]);
  const [deploy] = await deploysOf('billing');
  expect(deploy).toMatchObject({
    version: `v1-${method}`,
    started_at: new Date(time).toISOString(),
    finished_at: new Date(timeEnd).toISOString(),
    ...shown,
  });
  await eventually(
    async () => (await firebreak.calls('grafana')).find(({ body }) => body?.timeEnd === timeEnd),
    'the end in Grafana',
  );
});

test.each([
  [['deploy', 'Order-Service', 'v2'], { environment: 'production', version: 'v2' }],
  [['deploy', 'ORDER-SERVICE', 'order-service', 'v2.1'], { version: 'v2.1' }],
  [['deploy', 'service:Order-service', 'v2.2'], { version: 'v2.2' }],
  [['v3', 'staging', 'Deploy', 'order-service'], { environment: 'staging', version: 'v3' }],
  [['deploy', 'service:order-service', 'version:v4:arm', 'env:staging'], { environment: 'staging', version: 'v4:arm' }],
  [['deployment', 'order-service', 'team:shop', 'version:v5', 'eu'], { environment: 'production', version: 'v5' }],
  [['rollback', 'order-service', 'v3'], { kind: 'rollback', version: 'v3' }],
  [['deploy', 'order-service', 'v3.3', 'FAILED'], { version: 'v3.3', status: 'failed' }],
  [['deploy', 'order-service', 'v3.4', 'status:canceled'], { version: 'v3.4', status: 'cancelled' }],
  [['deploy', 'order-service', 'v3.5', 'result: success'], { version: 'v3.5', status: 'succeeded' }],
  [['deploy', 'order-service', 'prod', 'v3.6'], { environment: 'production', version: 'v3.6' }],
  [['deploy', 'order-service', 'env:stg', 'v3.7'], { environment: 'staging', version: 'v3.7' }],
  [['deploy', 'order-service', 'stage:staging', 'v3.8'], { environment: 'staging', version: 'v3.8' }],
  [['deploy', 'order-service', 'stage:rollout', 'v3.9'], { environment: 'production', version: 'v3.9' }],
  [['deploy', 'order-service', 'dev-team', 'qa-approved', 'v3.10'], { environment: 'production', version: 'v3.10' }],
  [['deploy', 'order-service', 'author:ada', 'v3.11'], { author: 'ada', version: 'v3.11' }],
  [['hotfix', 'order-service', 'v3.1'], { kind: 'hotfix', version: 'v3.1' }],
  [['deploy', 'rollback', 'order-service', 'v2'], { kind: 'rollback', version: 'v2' }],
  [['deployment', 'hotfix', 'order-service', 'v3.2'], { kind: 'hotfix', version: 'v3.2' }],
  [['deploy', 'order-service', 'version:stable'], { version: 'stable' }],
  [['deploy', 'order-service', 'fadedbeef'], { version: 'fadedbeef', commit: null }],
  [['deploy', 'order-service', 'staging', 'k8s', 'eu-west-1', 'v2.3'], { environment: 'staging', version: 'v2.3' }],
  [['deploy', 'order-service', 'production', 'Production', 'v2.5'], { environment: 'production', version: 'v2.5' }],
  [['deploy', 'order-service', 'env:staging', 'environment:Staging', 'v2.6'], { environment: 'staging' }],
  [['deploy', 'service:order-service', 'service:Order-Service', 'v2.7'], { version: 'v2.7' }],
  [['deploy', 'order-service', 'v2.9', 'V2.9'], { version: 'v2.9' }],
  [['deploy', 'order-service', 'version:v2.10', 'version:V2.10'], { version: 'v2.10' }],
  ...[
    '2026-11-20',
    '20261120T0600Z',
    '1207',
    'release-5',
    'Build42',
    'release/2.5',
    '2.4.1-rc.1+5',
    'orders-v2',
    'order-service_2.4',
    'v1.2-3-g4ae0d6c',
    'sha-4AE0D6C1',
    'main-118',
  ].map((version): [string[], object] => [['deploy', 'order-service', version], { version }]),
  [['deploy', 'order-service', 'main-4ae0d6c'], { version: 'main-4ae0d6c' }],
  ...['jenkins', 'github-actions', 'main', '#123', '123', 'eu', 'platform', 'k8s', 'python3.11', 'main-118'].map(
    (tag, index): [string[], object] => [
      ['deploy', 'order-service', tag, `v6.${index}`],
      { environment: 'production', version: `v6.${index}`, commit: null },
    ],
  ),
  [
    ['deploy', 'order-service', 'jenkins', 'main', '#7', 'shop', 'v7.1', '4AE0D6C'],
    { version: 'v7.1', commit: '4ae0d6c' },
  ],
  [['deploy', 'order-service', '4ae0d6c', '4ae0d6c19f', '2026.11.3'], { version: '2026.11.3', commit: '4ae0d6c19f' }],
  [['deploy', 'order-service', 'v7.2', '4ae0d6c', '5be0d6c'], { version: 'v7.2', commit: null }],
  [['deploy', 'order-service', 'v7.3', '7.3'], { version: 'v7.3' }],
  [['deploy', 'order-service', 'ci', '6ce0d6c', '6ce0d6c19f'], { version: '6ce0d6c', commit: '6ce0d6c19f' }],
  [['deploy', 'order-service', '1208', '7ce0d6c'], { version: '1208', commit: '7ce0d6c' }],
  [['release', 'order-service', 'v7.4'], { kind: 'deploy', version: 'v7.4' }],
  [['release', 'rollback', 'order-service', 'v7.3'], { kind: 'rollback', version: 'v7.3' }],
  [['firebreak', 'deploy', 'order-service', 'staging', 'v3.3'], { environment: 'staging', version: 'v3.3' }],
  // A service and its version, as images, other labels, and releases have them.
  [['deploy', 'order-service:v30'], { version: 'v30' }],
  [['deploy', 'ghcr.io/acme/order-service:v30.1'], { version: 'v30.1' }],
  [['deploy', 'image:registry:5000/acme/order-service:v30.2'], { version: 'v30.2' }],
  [['deploy', 'order-service', 'image=ghcr.io/acme/order-service:stable'], { version: 'stable' }],
  [['deploy', 'app:order-service', 'tag:v30.3'], { version: 'v30.3' }],
  [['deploy', 'service=order-service', 'version=v30.4', 'env=stg'], { version: 'v30.4', environment: 'staging' }],
  [['deploy', 'order_service', 'v30.5'], { version: 'v30.5' }],
  [['deploy', 'acme/order-service', 'v30.6'], { version: 'v30.6' }],
  [['deploy', 'order-service-v30.7'], { version: 'v30.7' }],
  [['deploy', 'order-service@30.8.0'], { version: '30.8.0' }],
  [['deploy', 'order-service', 'release:v30.9'], { version: 'v30.9' }],
  [['deploy', 'order-service', 'feature/billing', 'v30.10'], { version: 'v30.10' }],
  // Words for the kind and the outcome.
  [['deployed', 'order-service', 'v31'], { kind: 'deploy', status: 'succeeded', version: 'v31' }],
  [['deploy-failed', 'order-service', 'v31.1'], { status: 'failed', version: 'v31.1' }],
  [['Deployment aborted', 'order-service', 'v31.2'], { status: 'cancelled', version: 'v31.2' }],
  [['failed_deployment', 'order-service', 'v31.3'], { status: 'failed', version: 'v31.3' }],
  [['rollback:true', 'order-service', 'v31.4'], { kind: 'rollback', version: 'v31.4' }],
  [['deploy', 'rollback:false', 'order-service', 'v31.5'], { kind: 'deploy', version: 'v31.5' }],
  [['rolled-back', 'order-service', 'v31.6'], { kind: 'rollback', version: 'v31.6' }],
  [['type:deployment', 'order-service', 'v31.7'], { kind: 'deploy', version: 'v31.7' }],
  [['deploy:order-service', 'v31.8', 'completed'], { status: 'succeeded', version: 'v31.8' }],
  [['deploy', 'order-service', 'deploy-team', 'v31.9'], { status: 'succeeded', version: 'v31.9' }],
  [['deploy', 'order-service', 'v31.10', 'approval:rollback'], { kind: 'deploy', version: 'v31.10' }],
  [['deploy', 'order-service', 'v31.11', 'fallback:rollback'], { kind: 'deploy', version: 'v31.11' }],
  [['deploy', 'order-service', 'v31.12', 'rollback:enabled'], { kind: 'deploy', version: 'v31.12' }],
  [['rollback:v31.13', 'order-service'], { kind: 'rollback', version: 'v31.13' }],
  [['deploy', 'order-service', 'v31.14', 'timed_out'], { status: 'failed', version: 'v31.14' }],
  [['deploy', 'order-service', 'v31.15', 'status=fail'], { status: 'failed', version: 'v31.15' }],
  [['deploy', 'order-service', 'v31.16', 'result:UNSTABLE'], { status: 'failed', version: 'v31.16' }],
  // Commits, and dates beside a version.
  [['deploy', 'order-service', '8AE0D6C5'], { version: '8AE0D6C5', commit: '8ae0d6c5' }],
  [['deploy', 'order-service', 'v32', 'commit:4AE0D6C'], { version: 'v32', commit: '4ae0d6c' }],
  [['deploy', 'order-service', 'v32.1', 'sha=4ae0d6c'], { version: 'v32.1', commit: '4ae0d6c' }],
  [['deploy', 'order-service', 'v32.2', 'revision: main@sha1|4ae0d6c'], { version: 'v32.2', commit: '4ae0d6c' }],
  [['deploy', 'order-service', 'commit:9ae0d6c'], { version: '9ae0d6c', commit: '9ae0d6c' }],
  [['deploy', 'order-service', 'v32.3', '2026-11-20'], { version: 'v32.3' }],
  [['deploy', 'order-service', '20261120', '2.32'], { version: '2.32' }],
  [['deploy', 'service:', 'order-service', 'version: ', 'environment:', 'staging', 'v3.4'], { version: 'v3.4' }],
  // Each word for an outcome that any system has.
  [['deploy', 'order-service', 'v33', 'status:KO'], { status: 'failed', version: 'v33' }],
  [['deploy', 'order-service', 'v33.1', 'deploy_status:failed'], { status: 'failed', version: 'v33.1' }],
  [['deploy', 'order-service', 'v33.2', 'killed'], { status: 'cancelled', version: 'v33.2' }],
  [['deploy', 'order-service', 'v33.3', 'job.status=failure'], { status: 'failed', version: 'v33.3' }],
  [['deploy', 'order-service', 'v33.4', 'status:completed', 'conclusion:failure'], { status: 'failed' }],
  [['deploy', 'order-service', 'v33.5', 'manual'], { status: 'succeeded', version: 'v33.5' }],
  [['deploy', 'order-service', 'v33.6', 'event:created', 'type:blue-green'], { kind: 'deploy', version: 'v33.6' }],
  // Kinds.
  [['revert', 'order-service', 'v33.7'], { kind: 'rollback', version: 'v33.7' }],
  [['deploy', 'Reverted', 'order-service', 'v33.8'], { kind: 'rollback', version: 'v33.8' }],
  [['deploy', 'kind:revert', 'order-service', 'v33.9'], { kind: 'rollback', version: 'v33.9' }],
  [['deploy', 'type:config', 'order-service', 'v33.10'], { kind: 'config', version: 'v33.10' }],
  [['rollout', 'order-service', 'v33.11'], { kind: 'deploy', version: 'v33.11' }],
  [['deploy', 'revert-123-login', 'order-service', 'v33.12'], { kind: 'deploy', version: 'v33.12' }],
  // Environments.
  ...[
    'namespace:staging',
    'namespace:shop-staging',
    'deployment_environment:stg',
    'deployment.environment.name:staging',
  ].map((tag, n): [string[], object] => [
    ['deploy', 'order-service', tag, `v34.${n}`],
    { environment: 'staging', version: `v34.${n}` },
  ]),
  [['deploy', 'order-service', 'target:staging', 'v34.5'], { environment: 'staging', version: 'v34.5' }],
  [['deploy', 'order-service', 'namespace:shop', 'target:web', 'v34.6'], { environment: 'production' }],
  [['deploy', 'order-service', 'v34.6-canary'], { environment: 'production', version: 'v34.6-canary' }],
  [['deploy', 'order-service', 'namespace:test-tools', 'v34.61'], { environment: 'production' }],
  [['deploy', 'order-service', 'v34.7-staging'], { environment: 'staging', version: 'v34.7-staging' }],
  [['deploy', 'order-service-staging', 'v34.8'], { environment: 'staging', version: 'v34.8' }],
  [['deploy', 'service:order_service-stg', 'v34.9'], { environment: 'staging', version: 'v34.9' }],
  // A name that moves says less than a version.
  [['deploy', 'order-service:latest', 'v35'], { version: 'v35' }],
  [['deploy', 'image:ghcr.io/acme/order-service:stable', 'v35.1'], { version: 'v35.1' }],
  [['deploy', 'order-service', 'version:latest', 'v35.2'], { version: 'v35.2' }],
  // Other names of fields, and forms.
  [['deploy', 'service.name:order-service', 'ver:v36'], { version: 'v36' }],
  [['deploy', 'order-service', 'refs/tags/v36.1'], { version: 'v36.1' }],
  [['deploy', 'order-service', 'version:refs/tags/v36.2'], { version: 'v36.2' }],
  [['deploy', 'order-service', 'main@sha1:4ae0d6c1', 'v36.3'], { version: 'v36.3', commit: '4ae0d6c1' }],
  [['deploy', 'order-service', 'main@sha1:5ae0d6c1'], { version: '5ae0d6c1', commit: '5ae0d6c1' }],
  [['deploy,order-service, v36.4'], { version: 'v36.4' }],
  [['service:order-service,deploy,v36.5'], { version: 'v36.5' }],
  [['service:order-service,env:staging,deploy,v36.6'], { version: 'v36.6', environment: 'staging' }],
  [['deploy', 'order-service', 'author:$GITLAB_USER_NAME', 'v36.5'], { author: null, version: 'v36.5' }],
  // Namespaces and clusters.
  [['deploy', 'order-service', 'cluster:eks-stg-1', 'v37'], { environment: 'staging' }],
  [['deploy', 'order-service', 'cluster:k8s-prod-eu-01', 'v37.1'], { environment: 'production' }],
  [['deploy', 'order-service', 'cluster:prod-1', 'namespace:staging', 'v37.2'], { environment: 'staging' }],
  [['deploy', 'order-service', 'cluster:prod-1', 'env:staging', 'v37.3'], { environment: 'staging' }],
  [['deploy', 'order-service', 'namespace:dev-tools', 'v37.4'], { environment: 'production' }],
  // Other separators.
  [['deploy', 'payments', 'env:prod_eu', 'v37.5'], { service: 'payments', environment: 'prod-eu' }],
  [['deploy', 'payments', 'production.eu', 'v37.6'], { service: 'payments', environment: 'prod-eu' }],
  // What a tag says with the kind in it.
  [['deploy-staging', 'order-service', 'v38'], { environment: 'staging' }],
  [['order-service-deploy', 'v38.1'], { version: 'v38.1' }],
  [['auto-rollback', 'order-service', 'v38.2'], { kind: 'rollback', version: 'v38.2' }],
  [['deploy-begin', 'order-service', 'v38.3'], { status: 'started' }],
  [['deploy-end', 'order-service', 'v38.3'], { status: 'succeeded' }],
  ...['abort', 'cancel', 'aborted:true'].map((tag, n): [string[], object] => [
    ['deploy', 'order-service', `v38.4${n}`, tag],
    { status: 'cancelled' },
  ]),
  ...['crash', 'broken', 'rejected', 'failed:true', 'success:false', 'exit_code:1', 'job.exit-status=137'].map(
    (tag, n): [string[], object] => [['deploy', 'order-service', `v38.5${n}`, tag], { status: 'failed' }],
  ),
  ...['begin', 'failing', 'status:canceling', 'finished:false'].map((tag, n): [string[], object] => [
    ['deploy', 'order-service', `v38.6${n}`, tag],
    { status: 'started' },
  ]),
  ...['failed:false', 'exit_code:0', 'dry-run:false', 'status:succeeded \u2705', 'success:yes'].map(
    (tag, n): [string[], object] => [['deploy', 'order-service', `v38.7${n}`, tag], { status: 'succeeded' }],
  ),
  ...['deploys', 'Deployments', 'releases', 'rollouts'].map((tag, n): [string[], object] => [
    [tag, 'order-service', `v38.8${n}`],
    { kind: 'deploy', version: `v38.8${n}` },
  ]),
  // Versions.
  [['deploy', 'order-service', 'version:v39.1', 'version:39.1'], { version: 'v39.1' }],
  [['deploy', '@acme/order-service@39.2.0'], { version: '39.2.0' }],
  [['deploy', 'order-service', '@acme/order-service@39.2.1'], { version: '39.2.1' }],
  [['deploy', 'order-service', '@acme/library@7.2.1', 'main-39'], { version: 'main-39' }],
  [['deploy=order-service', 'v39.2.2'], { version: 'v39.2.2' }],
  [['deploy', 'order-service', 'version:v39.3', 'image:ghcr.io/acme/order-service:39.3'], { version: 'v39.3' }],
  [['deploy', 'order-service', 'version:v39.4', 'k8s-1.29', '1.30'], { version: 'v39.4' }],
])('tags %s', async (tags, expected) => {
  expect((await annotate({ tags, text: '' })).status).toBe(200);
  const service = 'service' in expected ? expected.service : 'order-service';
  expect((await deploysOf(service))[0]).toMatchObject(expected);
});

test('a service without environments can have each that the configuration names', async () => {
  for (const [environment, version] of [
    ['production', 'r3'],
    ['prod-eu', 'r4'],
  ]) {
    expect((await annotate({ tags: ['deploy', 'lonely', environment, version], text: '' })).status).toBe(200);
    expect((await deploysOf('lonely'))[0]).toMatchObject({ environment, version });
  }
  expect((await annotate({ tags: ['deploy', 'lonely', 'v1'], text: '' })).status).toBe(200);
  expect((await deploysOf('lonely'))[0]).toMatchObject({ environment: 'production', version: 'v1' });
});

test('the name of another environment is no version, and contradicts one that is named', async () => {
  const tags = ['deploy', 'tills', 'environment:till-2'];
  expect((await annotate({ tags: [...tags, 'v1'], text: '' })).status).toBe(200);
  expect((await deploysOf('tills'))[0]).toMatchObject({ environment: 'till-2', version: 'v1' });
  for (const more of [
    ['till-1', 'v1'],
    ['till-1', '4ae0d6c1'],
  ])
    expect((await annotate({ tags: [...tags, ...more], text: '' })).body.detail).toContain(
      'till-2 and till-1 are different environments of tills; send only one of them',
    );
});

test('the label of its alerts names a service in every report of a deploy', async () => {
  const sent = { service: 'search-api', environment: 'LIVE', version: 'r8' };
  expect(await firebreak.post('/v1/deployments', sent)).toMatchObject({
    status: 201,
    body: { service: 'search', environment: 'live', warnings: [] },
  });
});

test('other separators name a service, too, and refs of Git a version', async () => {
  const sent = {
    service: 'order_service',
    environment: 'staging ',
    version: 'refs/tags/v9.1',
    status: 'KO',
    author: '$USER',
  };
  expect(await firebreak.post('/v1/deployments', sent)).toMatchObject({
    status: 201,
    body: {
      service: 'order-service',
      environment: 'staging',
      version: 'v9.1',
      status: 'failed',
      author: null,
      warnings: [],
    },
  });
});

test.each([
  [{ version: '${VERSION}' }, 'version', '"${VERSION}" is a variable without a value; set it in the CI system'],
  [{ version: 'undefined' }, 'version', '"undefined" is a variable without a value'],
  [{ service: 'null' }, 'service', '"null" is a variable without a value'],
  [{ environment: '$ENV' }, 'environment', '"$ENV" is a variable without a value'],
  [{ status: 'pending' }, 'status', '"pending" says that it has not begun'],
  [{ status: 'skipped' }, 'status', '"skipped" says that nothing was deployed'],
  [{ status: 'unknown' }, 'status', '"unknown" is no known status; send one of started, succeeded, failed, cancelled'],
])('the deployment with %j is refused', async (sent, field, why) => {
  const deployment = { service: 'order-service', environment: 'staging', version: 'v9', ...sent };
  const { status, body } = await firebreak.post('/v1/deployments', deployment);
  expect([status, body.detail]).toEqual([422, expect.stringContaining(why)]);
  expect(body.detail).toContain(`json: ${field}: `);
});

test('the label of its alerts names a service, and changes are commits', async () => {
  const text = 'Changes:<br>- 1f2e3d4 Fix the search\n0a1b2c3d Add an index\nRefactor\nAuthor: bob';
  expect((await annotate({ dashboardUID: 'x', panelId: 2, tags: ['deploy', 'search-api', '7'], text })).status).toBe(
    200,
  );
  expect((await deploysOf('search'))[0]).toMatchObject({
    environment: 'live',
    author: 'bob',
    commits: [{ sha: '1f2e3d4' }, { sha: '0a1b2c3d' }],
    note: '- 1f2e3d4 Fix the search\n0a1b2c3d Add an index\nRefactor',
  });
});

test.each([
  [['maintenance', 'order-service', 'v1'], 'no tag is one of deploy'],
  [['deploy', 'orders', 'v1'], 'no tag is a service of the catalogue: orders, v1'],
  [['deploy', 'order-service', 'registry/orders:v1'], 'no tag is left for the version'],
  [['deploy', 'order-service', 'image:ghcr.io/acme/billing:v1'], 'no tag is left for the version'],
  [['deploy', 'ghcr.io/acme/billing:v1', 'basket:v2'], 'ghcr.io/acme/billing:v1 and basket:v2 are services'],
  [['deploy', 'order-service', 'image:order-service:v1', 'qa'], 'qa is no environment of order-service'],
  [['deploy-team', 'order-service', 'v1'], 'no tag is one of deploy'],
  [['rollback:false', 'order-service', 'v1'], 'no tag is one of deploy'],
  [['rollbacks', 'order-service', 'v1'], 'no tag is one of deploy'],
  [['release:v1', 'order-service'], 'no tag is one of deploy'],
  [['deploy', 'payments', 'order-service'], 'payments and order-service are services of the catalogue'],
  [['deploy', 'service:search', 'service:billing', 'v1'], 'several tags are service:…: search, billing'],
  [['deploy', 'payments', 'v1'], 'payments has the environments prod-eu, prod-us'],
  [['deploy', 'order-service', 'v1', 'env:staging,production'], 'several tags are environment:…: staging, production'],
  [['deploy', 'v1', 'service:order-service, basket'], 'several tags are service:…: order-service, basket'],
  [['deploy', 'order-service', 'version:v1.1,v1.2'], 'several tags are version:…: v1.1, v1.2'],
  [['deploy', 'basket', 'v1'], 'basket has the environments production, staging'],
  [
    ['deploy', 'order-service', 'v1', 'QA', 'ci'],
    'QA is no environment of order-service, which has production, staging; send environment:NAME, or version:VALUE if QA is something else',
  ],
  [['deploy', 'order-service', 'v1', 'prod-eu'], 'prod-eu is no environment of order-service, which has production'],
  [
    ['deploy', 'order-service', 'v1', 'live', 'uat', 'ci'],
    'none of live, uat is an environment of order-service, which',
  ],
  [['deploy', 'order-service', 'staging', 'v1', 'x', '2.0'], 'each of v1, 2.0 could be the version; send'],
  [['deploy', 'order-service', 'ci', '1207', 'build-8'], 'each of 1207, build-8 could be the version, as none is an'],
  [['deploy', 'order-service', 'staging', '4ae0d6c', '5be0d6c'], 'each of 4ae0d6c, 5be0d6c could be the version; send'],
  [['deploy', 'lonely', 'environment:eu', 'v1', 'v2'], 'each of v1, v2 could be the version; send version:VALUE'],
  // As Firebreak's own annotations, and those of CD systems, have words for panels.
  [
    ['firebreak', 'rollback', 'service:checkout-api'],
    'firebreak does not look like a version, such as v2.4.1 or a commit; send version:VALUE',
  ],
  ...['k8s', 'eu-west-1', 'ec2', 'node20', 'x86_64', 'us-east-1a', 's3'].map((tag): [string[], string] => [
    ['deploy', 'order-service', tag],
    `${tag} does not look like a version, such as v2.4.1 or a commit; send version:VALUE`,
  ]),
  [
    ['deploy', 'order-service', 'environment:production', 'env:staging', 'v1'],
    'several tags are environment:…: production, staging',
  ],
  ...['staging-eu', 'eu-staging', 'staging2', 'dev-ada', 'dev_eu', 'prod-eu1'].map((tag): [string[], string] => [
    ['deploy', 'order-service', tag, 'v8.1'],
    `${tag} is no environment of order-service, which has production, staging; send environment:NAME`,
  ]),
  [['deploy', 'order-service', 'jenkins', 'Release'], 'jenkins does not look like a version, such as'],
  [['deploy'], 'no tag names the service; send service:NAME'],
  // Firebreak refuses unclear annotations, and does not guess.
  ...['status:unknown', 'deploy_status: 3', 'status:', 'result=see log'].map((tag): [string[], string] => [
    ['deploy', 'order-service', 'v9', tag],
    `${tag.trim()}: `,
  ]),
  ...['skipped', 'status:skipped', 'deploy-skipped'].map((tag): [string[], string] => [
    ['deploy', 'order-service', 'v9', tag],
    'says that nothing was deployed; report only what was',
  ]),
  ...['pending', 'queued', 'state:pending', 'status:manual'].map((tag): [string[], string] => [
    ['deploy', 'order-service', 'v9', tag],
    'says that it has not begun; report it when it starts',
  ]),
  [['deploy', 'kind:patch', 'order-service', 'v9'], 'kind:patch: the kind is unknown; send one of deploy'],
  [['deploy', 'order-service', 'v9', 'namespace:shop-perf'], 'perf is no environment of order-service'],
  [['deploy', 'order-service', 'v9-perf'], 'perf is no environment of order-service'],
  [['deploy', 'order-service-test', 'v9'], 'test is no environment of order-service'],
  [['deploy', 'order-service', 'v9', 'namespace:qa'], 'qa is no environment of order-service, which has production'],
  [['deploy', 'order-service', 'v9', 'namespace:shop-non-prod'], 'non-prod is no environment of order-service'],
  [['deploy', 'order-service', 'v9', 'nonprod'], 'nonprod is no environment of order-service'],
  [['deploy', 'order-service', 'v9', 'perf'], 'perf is no environment of order-service'],
  [['deploy', 'order-service', 'v9-qa'], 'qa is no environment of order-service, which has production, staging'],
  [['deploy', 'payments', 'env:prod', 'v9'], 'prod is no environment of payments, which has prod-eu, prod-us'],
  [['deploy', 'order-service', 'v9', 'environment:'], 'can be the environment has no value'],
  [['deploy', 'order-service', 'v9', ''], 'can be the environment has no value'],
  ...[
    'version:undefined',
    'version:${VERSION}',
    'environment:$ENV',
    '$VERSION',
    '{{ .Tag }}',
    'order-service:null',
  ].map((tag): [string[], string] => [
    ['deploy', 'order-service', 'v9', tag],
    `${JSON.stringify(tag)} is a variable without a value; set it in the CI system`,
  ]),
  [['deploy', 'version:v1'], 'no tag names the service; send service:NAME'],
  [['deploy', 'lonely', 'prod-eu', 'production', 'v1'], 'prod-eu and production are different environments of lonely'],
  // Contradictions.
  ...[
    ['environment:staging', 'production'],
    ['environment:production', 'namespace:shop-staging'],
    ['target:staging', 'stage:production'],
  ].map((tags): [string[], string] => [
    ['deploy', 'order-service', 'v9', ...tags],
    'are different environments of order-service; send only one of them',
  ]),
  [['deploy', 'order-service-staging', 'env:prod', 'v9'], 'production and staging are different environments'],
  ...[
    ['result:success', 'conclusion:failure'],
    ['succeeded', 'failed'],
    ['success:true', 'exit_code:1'],
  ].map((tags): [string[], string] => [
    ['deploy', 'order-service', 'v9', ...tags],
    'succeeded and failed contradict each other; send one of them',
  ]),
  [['deploy', 'order-service', 'v9', 'ok', 'aborted'], 'succeeded and cancelled contradict each other'],
  [['deploy', 'version:v9', 'order-service:v9.1'], 'v9 and v9.1 are different versions; send only one of them'],
  [['deploy', 'order-service:v9.1', 'v9'], 'v9.1 and v9 are different versions; send only one of them'],
  // Names of no environment of the service.
  ...['env:production-eu', 'environment:eu', 'deploy_env:prod-eu'].map((tag): [string[], string] => [
    ['deploy', 'order-service', 'v9', tag],
    `${tag.replace(/^.*:/, '')} is no environment of order-service, which has production, staging; send environment:NAME`,
  ]),
  ...['cluster:eks-dev-1', 'namespace:dev', 'cluster:eks-qa'].map((tag): [string[], string] => [
    ['deploy', 'order-service', 'v9', tag],
    `${tag.includes('qa') ? 'qa' : 'dev'} is no environment of order-service`,
  ]),
  [['deploy', 'order-service', 'v9', 'namespace:dev2'], 'dev2 is no environment of order-service'],
  [['deploy', 'payments', 'v9', 'cluster:k8s-prod-01'], 'prod is no environment of payments'],
  // What is no version.
  ...['k8s-1.29', 'node-20.11', 'acme/order-service'].map((tag): [string[], string] => [
    ['deploy', 'service:order-service', tag],
    tag === 'acme/order-service' ? 'no tag is left for the version' : `${tag} does not look like a version`,
  ]),
  ...['dry-run', 'dry_run:true', 'deploy-skipped'].map((tag): [string[], string] => [
    ['deploy', 'order-service', 'v9', tag],
    'says that nothing was deployed; report only what was',
  ]),
  [['deploy', 'order-service', 'v9', 'exit_code:$?'], 'exit_code:$?: send a number, or the status'],
  [
    ['maintenance'],
    'no tag is one of deploy, deployment, release, rollout, hotfix, rollback, revert, or kind: with another',
  ],
])('tags %s are refused', async (tags, why) => {
  const { status, body } = await annotate({ tags, text: 'x' });
  expect([status, body.detail]).toEqual([422, expect.stringContaining(why)]);
});

test.each([
  'Changes:\n\u2022 1f2e3d4 Fix\n1. 0a1b2c3d Add\n2) 5e6f7a8b Remove\n\u2013 9c0d1e2f: Rename\n+ 4a5b6c7d Move',
  'Changes:<ol><li>1f2e3d4 Fix</li><li>0a1b2c3d Add</li></ol>> - 5e6f7a8b Remove\u00859c0d1e2f Rename\n>4a5b6c7d Move',
])('the commits in the list %j', async (text) => {
  expect((await annotate({ tags: ['deploy', 'order-service', 'v15'], text })).status).toBe(200);
  expect((await deploysOf('order-service'))[0]).toMatchObject({
    url: null,
    commits: ['1f2e3d4', '0a1b2c3d', '5e6f7a8b', '9c0d1e2f', '4a5b6c7d'].map((sha) => ({ sha })),
  });
});

test.each([
  ['Commit: `4AE0D6C1` Fix the search', '4ae0d6c1', 'Fix the search'],
  ['Commit: https://git.acme.test/orders/commit/4ae0d6c19', '4ae0d6c19', null],
  ['Commit: Fix the search', null, 'Commit: Fix the search'],
  ['<b>Commit:</b> <a href="https://git.acme.test/orders/commit/4ae0d6c1">4ae0d6c1</a>', '4ae0d6c1', null],
  ['* **Commit**: 4ae0d6c1', '4ae0d6c1', null],
  ['Commit: 4ae0d6c1: fix the cache', '4ae0d6c1', 'fix the cache'],
  ['Commit: 4ae0d6c1:Fix the login', '4ae0d6c1', 'Fix the login'],
  ['Commit: 4ae0d6c1 (fix the cache)', '4ae0d6c1', '(fix the cache)'],
  ['Commit  : 4ae0d6c1', '4ae0d6c1', null],
  ['*Commit:* 4ae0d6c1', '4ae0d6c1', null],
  ['- _Commit_: **`4ae0d6c1`**', '4ae0d6c1', null],
  ['Commit: <https://git.acme.test/orders/commit/4ae0d6c1|4ae0d6c1> fix_the_cache', '4ae0d6c1', 'fix_the_cache'],
  ['Commit: <https://git.acme.test/orders/commit/4ae0d6c1|Fix the *cache*>', '4ae0d6c1', 'Fix the cache'],
  ['Commit: [4ae0d6c1](https://git.acme.test/4ae0d6c1 "Fix the cache")', '4ae0d6c1', null],
  ['Commit: [4ae0d6c1](https://git.acme.test/orders/commit/4ae0d6c1) fix the cache', '4ae0d6c1', 'fix the cache'],
  ['Commit: [fix the cache](https://git.acme.test/orders/commit/4ae0d6c1)', '4ae0d6c1', 'fix the cache'],
  ['Commit SHA: 4ae0d6c1', '4ae0d6c1', null],
  ['commit=4ae0d6c1', '4ae0d6c1', null],
  ['Commit hash = `4ae0d6c1`', '4ae0d6c1', null],
  ['Committer: 4ae0d6c1', null, 'Committer: 4ae0d6c1'],
  ['Commit: [4ae0d6c1](https://git.acme.test/commit/4ae0d6c19f)', '4ae0d6c19f', null],
  ['Commit: <https://git.acme.test/commit/5ae0d6c19f|4ae0d6c1>', '4ae0d6c1', null],
  ['Revision: main@sha1:4ae0d6c1', null, 'Revision: main@sha1:4ae0d6c1'],
  ['<p>Commit:&nbsp;<a href="https://git.acme.test/commit/4ae0d6c1">Fix &amp; test</a></p>', '4ae0d6c1', 'Fix & test'],
])('the commit in %j', async (text, commit, note) => {
  expect((await annotate({ tags: ['deploy', 'order-service', 'v5'], text })).status).toBe(200);
  const [deploy] = await deploysOf('order-service');
  expect([deploy?.['commit'], deploy?.['note'] ?? null]).toEqual([commit, note]);
});

test.each([
  ['Author: J&ouml;rg &Aring;s', 'J\u00F6rg \u00C5s', null],
  ['Author: [ada](https://git.acme.test/ada)', 'ada', null],
  ['Author: <https://git.acme.test/ada>', 'https://git.acme.test/ada', null],
  ['Author: <https://git.acme.test/ada|ada>', 'ada', null],
  ['Author: <mailto:ada@acme.test|Ada Byron>', 'Ada Byron', null],
  ['Author: <a href="mailto:ada@acme.test">ada@acme.test</a>', 'ada@acme.test', null],
  ['Author: **Ada**', 'Ada', null],
  ['Author: *Ada*', 'Ada', null],
  ['*Author*: _Ada Byron_', 'Ada Byron', null],
  ['Author: `ada_byron_`', 'ada_byron_', null],
  ['Author: ada_byron_2', 'ada_byron_2', null],
  ['Author : ada', 'ada', null],
  ['Author   : ada', 'ada', null],
  ['**Author** : ada', 'ada', null],
  ['Out\rAuthor: ada\rDone', 'ada', 'Out\nDone'],
  ['Commit: fadedbeef Fix the author: tag, and the changes: list', null, 'Fix the author: tag, and the changes: list'],
  ['Done; commit: fadedbeef; author: ada', 'ada', 'Done'],
  ['Author:\nAda Byron\nDone', 'Ada Byron', 'Done'],
  ['Commit: fadedbeef\nAuthor:\nDone', null, 'Done'],
  ['Commit:\nAuthor: ada\nDone', 'ada', 'Commit:\nDone'],
])('the author in %j', async (text, author, note) => {
  expect((await annotate({ tags: ['deploy', 'order-service', 'v13'], text })).status).toBe(200);
  const [deploy] = await deploysOf('order-service');
  expect([deploy?.['author'] ?? null, deploy?.['note'] ?? null]).toEqual([author, note]);
});

const COMPARE = 'https://git.acme.test/compare/v1...v2?a=1&b=2';
const ENCODED = COMPARE.replaceAll('&', '&amp;');

test.each([
  [
    `<p>Out &amp; about</p><p>Commit: 4ae0d6c1</p><p class="x">Author: O&#39;Neil &lt;o@acme.test&gt;</p><p>Changes: ${ENCODED}</p>`,
  ],
  [
    `<div>Out &amp; about</div><ul><li><span style="a">Commit:</span> 4ae0d6c1</li><li>Author: O&#x27;Neil <o@acme.test></li></ul>Changes: ${COMPARE}`,
  ],
  [`Out & about Commit: 4ae0d6c1, Author: O'Neil <o@acme.test> | **Changes:** [#42](${COMPARE})`],
  [`Out & about\\nCommit: 4ae0d6c1\\nAuthor: O&apos;Neil <o@acme.test>\\nChanges: <${COMPARE}>`],
  [`Out & about\nCommit: 4ae0d6c1 Author: O'Neil <o@acme.test>\r\nChanges: [#42](${COMPARE})`],
  [`Out & about\n\u2022 Commit: 4ae0d6c1\n2. Author: O'Neil <o@acme.test>\n> **Changes:** ${COMPARE}`],
  [`Out & about\n## Commit: 4ae0d6c1\n&gt; 2) Author: O'Neil <o@acme.test>\n\u2013 Changes: ${COMPARE}`],
  [`Out & about\u0085Commit: 4ae0d6c1\u2028Author: O'Neil <o@acme.test>\u0085Changes:\u0085${COMPARE}`],
  [`Out & about\nCommit:\n\`4ae0d6c1\`\n\nAuthor:\nO'Neil <o@acme.test>\nChanges:\n- [#42](${COMPARE})`],
  [
    `<p>Out &amp; about</p><p>Commit:</p><p>4ae0d6c1</p><p>Author:</p><p>O&#39;Neil &lt;o@acme.test&gt;</p><h4>Changes:</h4>${ENCODED}`,
  ],
  [
    `Out &amp; about<table><tr><th>Commit</th><td>4ae0d6c1</td></tr><tr><td><b>Author:</b></td>\n<td class="x">O&#39;Neil &lt;o@acme.test&gt;</td></tr><tr><td>Changes</td><td><a href="${ENCODED}">#42</a></td></tr></table>`,
  ],
  [
    `Out &amp; about<dl><dt>Commit</dt><dd>4ae0d6c1</dd><dt>Author:</dt><dd>O&#39;Neil &lt;o@acme.test&gt;</dd><dt>Changes</dt><dd>${ENCODED}</dd></dl>`,
  ],
])('the fields in %j', async (text) => {
  expect((await annotate({ tags: ['deploy', 'order-service', 'v11'], text })).status).toBe(200);
  expect((await deploysOf('order-service'))[0]).toMatchObject({
    commit: '4ae0d6c1',
    author: "O'Neil <o@acme.test>",
    url: COMPARE,
    note: 'Out & about',
  });
});

test.each([
  ['Changes: https://git.acme.test/c.', 'https://git.acme.test/c', null],
  ['Changes: https://git.acme.test/c, https://git.acme.test/d', 'https://git.acme.test/c', 'https://git.acme.test/d'],
  ['Changes: see https://git.acme.test/_c_/d', 'https://git.acme.test/_c_/d', 'see'],
  ['Changes: (https://git.acme.test/c)', 'https://git.acme.test/c', null],
  ['Changes: https://git.acme.test/c_(d).', 'https://git.acme.test/c_(d)', null],
  ['*Changes:* <https://git.acme.test/c|9 commits>', 'https://git.acme.test/c', null],
  ['Changes: [9 commits](https://git.acme.test/c "All of them")', 'https://git.acme.test/c', null],
  ['Changes: <a href="https://git.acme.test/c"><b>9</b> commits</a>', 'https://git.acme.test/c', null],
  ['Out, changes: see https://git.acme.test/c', 'https://git.acme.test/c', 'Out, changes: see https://git.acme.test/c'],
  ['By [run 7](https://ci.acme.test/7)', 'https://ci.acme.test/7', 'By [run 7](https://ci.acme.test/7)'],
  [
    'Run: https://ci.acme.test/7\nChanges: https://git.acme.test/c',
    'https://git.acme.test/c',
    'Run: https://ci.acme.test/7',
  ],
  [
    'https://ci.acme.test/7 (https://ci.acme.test/7)',
    'https://ci.acme.test/7',
    'https://ci.acme.test/7 (https://ci.acme.test/7)',
  ],
  ['https://ci.acme.test/7 and https://ci.acme.test/8', null, 'https://ci.acme.test/7 and https://ci.acme.test/8'],
  ['Author: <https://git.acme.test/ada|ada>', null, null],
  ['Changes:\n- [1f2e3d4](https://git.acme.test/1f2e3d4) Fix', null, '- [1f2e3d4](https://git.acme.test/1f2e3d4) Fix'],
  [`https://ci.acme.test/${'7'.repeat(2048)}`, null, expect.stringMatching(/^https/)],
])('the link in %j', async (text, url, note) => {
  expect((await annotate({ tags: ['deploy', 'order-service', 'v14'], text })).status).toBe(200);
  const [deploy] = await deploysOf('order-service');
  expect([deploy?.['url'] ?? null, deploy?.['note'] ?? null]).toEqual([url, note]);
});

test.each([
  ['Rolled out from C:\\nodes by the author: nobody\n&unknown; &copy=1 <T>'],
  ['Rollout finished. Author: see git. Changes: see git'],
  ['We commit: always test first. The author: anonymous'],
  ['Rollout finished, author: see git, changes: see git'],
  ['1. Rolled out\n> 2) and back\n\u2022 and out'],
])('in %j, texts that are no fields stay as they are', async (text) => {
  expect((await annotate({ tags: ['deploy', 'order-service', 'v12'], text })).status).toBe(200);
  expect((await deploysOf('order-service'))[0]).toMatchObject({ author: null, note: text });
});

test('fields of a text in HTML, in any order', async () => {
  const text = [
    'Deployed by <b>CI</b>',
    '<b>Changes</b>: <a href="https://git.acme.test/compare/v9...v10?a=1&amp;b=2" target="_blank">9 commits</a>',
    '- <a href="https://git.acme.test/commit/1f2e3d4">1f2e3d4</a> Fix the search',
    '<strong>Author:</strong> Ada Byron <ada@acme.test>',
    '<b>Commit:</b> 4AE0D6C1',
  ];
  expect((await annotate({ tags: ['v10', 'service:search', 'deploy'], text: text.join('<br>') })).status).toBe(200);
  expect((await deploysOf('search'))[0]).toMatchObject({
    version: 'v10',
    commit: '4ae0d6c1',
    author: 'Ada Byron <ada@acme.test>',
    url: 'https://git.acme.test/compare/v9...v10?a=1&b=2',
    commits: [{ sha: '1f2e3d4' }],
    note: 'Deployed by <b>CI</b>\n- <a href="https://git.acme.test/commit/1f2e3d4">1f2e3d4</a> Fix the search',
  });
});

test('a changed annotation needs a known ID, an end that is not ahead, and permission for its service', async () => {
  const { id } = (await annotate({ tags: ['deploy', 'billing', 'v2'], text: '' })).body;
  const patch = async (path: string, body: unknown, headers = {}) =>
    (await firebreak.request('PATCH', `/api/annotations/${path}`, body, headers)).status;
  expect(await patch('4711', { timeEnd: Date.now() })).toBe(404);
  expect(await patch('x', { timeEnd: Date.now() })).toBe(404);
  expect(await patch(id, { timeEnd: Date.now() + 3_600_000 })).toBe(422);
  expect(await patch(id, { timeEnd: Math.floor(Date.now() / 1000) })).toBe(422);
  const { token } = (
    await firebreak.post('/v1/tokens', { name: 'ci-search', actions: ['deployments:write'], services: ['search'] })
  ).body;
  expect(await patch(id, { text: 'x' }, { authorization: `Bearer ${token}` })).toBe(403);
  // The clock of the sender is behind.
  expect(await patch(id, { timeEnd: Date.now() - 60_000 })).toBe(200);
  const deploy = (await deploysOf('billing')).find(({ version }) => version === 'v2');
  expect(deploy?.['finished_at']).toBe(deploy?.['started_at']);
});

test.each([
  [undefined, 'no tag is one of deploy'],
  [null, 'no tag is one of deploy'],
  [[7], 'must be a list of at most 50 texts'],
  [Array.from({ length: 51 }, (_, n) => `t${n}`), 'must be a list of at most 50 texts'],
  [['x'.repeat(257)], 'at most 256 characters'],
])('the tags %j are refused with the reason', async (tags, why) => {
  const { status, body } = await annotate({ tags, text: 'x' });
  expect([status, body.detail]).toEqual([422, expect.stringContaining(why)]);
});

test.each([['deploy billing v3.1'], [['v3.1', 'deploy', 'billing']]])(
  'the form of Graphite, with tags %j',
  async (tags) => {
    const when = Math.floor(Date.now() / 1000) - 120;
    const sent = { what: 'Deployed', tags, when, data: 'Commit: 4ae0d6c1' };
    expect(await firebreak.request('POST', '/api/annotations/graphite', sent)).toMatchObject({
      status: 200,
      body: { message: 'Graphite annotation added', id: expect.any(Number) },
    });
    expect((await deploysOf('billing')).find(({ version }) => version === 'v3.1')).toMatchObject({
      commit: '4ae0d6c1',
      note: 'Deployed',
      started_at: new Date(when * 1000).toISOString(),
    });
  },
);

test.each([
  ['Deploy: fix failed login', 'v3.2', 'succeeded'],
  ['Deploy done, error budget fine', 'v3.3', 'succeeded'],
  ['Deploy failed', 'v3.4', 'failed'],
  ['deploy-failed', 'v3.5', 'failed'],
])('the event of Graphite with the name "%s" of %s has %s', async (what, version, status) => {
  const sent = { what, tags: `billing ${version}`, when: Math.floor(Date.now() / 1000) - 120 };
  expect(await firebreak.request('POST', '/api/annotations/graphite', sent)).toMatchObject({ status: 200 });
  expect((await deploysOf('billing')).find((one) => one['version'] === version)).toMatchObject({ status });
});

test.each([
  [['deploy'], 'Version: v40', { version: 'v40' }],
  [['deploy', 'jenkins'], 'version=40.1', { version: '40.1' }],
  [['deploy', 'ci'], 'Image: <code>ghcr.io/acme/web:v40.2</code>', { version: 'v40.2' }],
  [['deploy', 'version:v40.3'], 'Version: 40.3', { version: 'v40.3' }],
  [['deploy', 'v40.4', '40.5'], 'Version: 40.5', { version: '40.5' }],
  [['deploy'], 'Synced.\nRevision: main@sha1:40e0d6c1', { version: '40e0d6c1', commit: '40e0d6c1' }],
  [['deploy'], 'Revision: 41e0d6c1', { version: '41e0d6c1', commit: '41e0d6c1' }],
  [['deploy'], 'Commit: 42e0d6c1\nRevision: 43e0d6c1', { version: '42e0d6c1', commit: '42e0d6c1' }],
])('with tags %j, the version in %j', async (tags, text, expected) => {
  expect(await annotate({ tags: [...tags, 'tickets'], text })).toMatchObject({ status: 200 });
  expect((await deploysOf('tickets'))[0]).toMatchObject(expected);
});

test.each([
  [['deploy', 'acme/seats', 'v50'], { version: 'v50' }],
  [['deploy', 'ghcr.io/acme/web:v50.1'], { version: 'v50.1' }],
  [['deploy', 'image:ghcr.io/acme/web:v50.2', '50.2'], { version: 'v50.2' }],
])('tags %j name the service by its repository or image', async (tags, expected) => {
  expect(await annotate({ tags, text: '' })).toMatchObject({ status: 200 });
  expect((await deploysOf('tickets'))[0]).toMatchObject(expected);
});

test.each([
  ['Environment: staging', { environment: 'staging' }],
  ['Out\nEnv: `stg` (eu)', { environment: 'staging' }],
  ['Commit: 4ae0d6c1, Environment: staging, Status: failed', { environment: 'staging', status: 'failed' }],
  ['Status: failed', { status: 'failed' }],
  ['Deployment status: \u274C Timed out after 5 minutes', { status: 'failed' }],
  ['**Result:** cancelled by ada', { status: 'cancelled' }],
  ['Result: 12 passed, 0 failed', { status: 'succeeded' }],
  ['State: failed', { status: 'failed' }],
  ['**Status:** :x: Failed', { status: 'failed' }],
  ['Exit code: 1', { status: 'failed' }],
  ['Success: false', { status: 'failed' }],
  ['Namespace: shop-staging', { environment: 'staging' }],
  ['Target: `staging` (eu)', { environment: 'staging' }],
  ['Cluster: eks-stg-1', { environment: 'staging' }],
  ['Environment: staging\nEnv: stg', { environment: 'staging' }],
  // Sentences about the deploy, and about other things.
  ['Deploy failed', { status: 'failed' }],
  ['The deploy of order-service v41 to production failed after 3 minutes', { status: 'failed' }],
  ['<b>order-service</b> failed to deploy', { status: 'failed' }],
  [':x: Deployment of order-service - failed', { status: 'failed' }],
  ['FAILED: rollout of order-service', { status: 'failed' }],
  ['Deploy was aborted by ada', { status: 'cancelled' }],
  ['Cancelled the rollout', { status: 'cancelled' }],
  ['Deploy started by ada', { status: 'started' }],
  ['Order-service was successfully deployed', { status: 'succeeded' }],
  ['Deploy of order-service: fix failed login', { status: 'succeeded' }],
  ['Deploy fix for pods that crash', { status: 'succeeded' }],
  ['Deployed, cancelled orders are hidden', { status: 'succeeded' }],
  ['Deploying order-service', { status: 'succeeded' }],
  ['The previous deploy failed', { status: 'succeeded' }],
  ['Rolled back after the deploy failed', { status: 'succeeded' }],
  ['Deploy #41 finished without failure', { status: 'succeeded' }],
  ['Deploy #41 finished with the status failure', { status: 'failed' }],
  ['Unsuccessful deploy', { status: 'failed' }],
  ['Error during the deploy', { status: 'failed' }],
  ['Deployed\nThe canary deploy failed before', { status: 'succeeded' }],
  ['Version: refs/tags/v41', { version: 'v41' }],
  ['Version: v41.1\nImage: ghcr.io/acme/order-service:latest', { version: 'v41.1' }],
  ['Author: ada,', { author: 'ada' }],
  ['Author: Ada Byron | Duration: 3m', { author: 'Ada Byron', note: 'Duration: 3m' }],
])('the text %j says where and how', async (text, expected) => {
  const tags = 'version' in expected ? ['deploy', 'order-service'] : ['deploy', 'order-service', 'v41'];
  expect(await annotate({ tags, text })).toMatchObject({ status: 200 });
  expect((await deploysOf('order-service'))[0]).toMatchObject(expected);
});

test.each([
  ['Status: see log', 'status in the text: "see log" is no known status; send one of started, succeeded'],
  ['Status: pending approval', 'status in the text: "pending" says that it has not begun'],
  ['Environment: qa', 'qa is no environment of order-service, which has production, staging; send environment:NAME'],
  ['Environment: ', 'can be the environment has no value'],
  ['Environment: everywhere', 'everywhere is no environment of order-service'],
  ['Environment: staging\nEnvironment: production', 'staging and production are different environments'],
  ['Environment: staging, production', 'staging and production are different environments'],
  ['Namespace: dev2', 'dev2 is no environment of order-service'],
  ['Version: v43', 'v43 and v42 are different versions; send only one of them'],
  ['Deploy did not succeed', 'status in the text: "Deploy did not succeed" can mean that there is no deploy'],
  ['Deploy skipped', 'status in the text: "skipped" says that nothing was deployed'],
  ['Deploy succeeded\nStatus: failed', 'succeeded and failed contradict each other'],
])('the text %j is refused', async (text, why) => {
  const { status, body } = await annotate({ tags: ['deploy', 'order-service', 'v42'], text });
  expect([status, body.detail]).toEqual([422, expect.stringContaining(why)]);
});

test('a tag and the text with different environments are refused', async () => {
  const { status, body } = await annotate({
    tags: ['deploy', 'order-service', 'production', 'v42'],
    text: 'Environment: staging',
  });
  expect([status, body.detail]).toEqual([
    422,
    expect.stringContaining('production and staging are different environments of order-service'),
  ]);
});

test('a changed annotation with an unknown outcome is refused, and one in its text is read', async () => {
  const { body } = await annotate({ tags: ['deploy', 'lonely', 'v43', 'started'], text: '' });
  const patch = (sent: object) => firebreak.request('PATCH', `/api/annotations/${body.id}`, sent);
  for (const sent of [
    { tags: ['status:unknown'] },
    { tags: ['skipped'] },
    { text: 'Status: see log' },
    { tags: ['succeeded'], text: 'Deploy of lonely failed' },
  ])
    expect(await patch({ timeEnd: Date.now(), ...sent })).toMatchObject({ status: 422 });
  expect((await deploysOf('lonely'))[0]).toMatchObject({ version: 'v43', status: 'started' });
  expect(await patch({ timeEnd: Date.now(), text: 'Status: KO' })).toMatchObject({ status: 200 });
  expect((await deploysOf('lonely'))[0]).toMatchObject({ version: 'v43', status: 'failed' });
});

test.each([
  ['Rollback: deploy of v46.1 failed', 'succeeded'],
  ['Rolled back, the deployment of v46.1 timed out', 'succeeded'],
  ['Deploy of v46.1 failed', 'succeeded'],
  ['Deploy of v46.1: failed, rolling back', 'succeeded'],
  ['Auto-rollback: release failed health checks', 'succeeded'],
  ['Deploy of v46.1 failed: rollback failed', 'failed'],
  ['Rollback of lonely: failed', 'failed'],
  ['Rollback deployment failed', 'failed'],
])('a rollback with the text %j: its reason is no outcome of it', async (text, outcome) => {
  const { body } = await annotate({ tags: ['rollback', 'lonely', `v46-${text.length}`], text });
  expect((await deploysOf('lonely'))[0]).toMatchObject({ kind: 'rollback', status: outcome });
  await firebreak.request('PATCH', `/api/annotations/${body.id}`, { text: 'The deploy was aborted' });
  expect((await deploysOf('lonely'))[0]).toMatchObject({ kind: 'rollback', status: outcome });
});

test('tags can be one text', async () => {
  for (const tags of ['deploy, lonely, v44', 'deploy lonely v44.1'])
    expect(await annotate({ tags, text: '' })).toMatchObject({ status: 200 });
  expect((await deploysOf('lonely')).slice(0, 2)).toMatchObject([{ version: 'v44.1' }, { version: 'v44' }]);
});

test.each(['No deploy today', 'Deploy postponed: v70', "We don't deploy on Fridays", 'Deploy freeze starts'])(
  'the event of Graphite with the name "%s" is refused',
  async (what) => {
    const sent = { what, tags: ['billing', 'v70'], data: '' };
    const { status, body } = await firebreak.request('POST', '/api/annotations/graphite', sent);
    expect([status, body.detail]).toEqual([422, expect.stringContaining('can mean that there is no deploy')]);
  },
);

test.each([
  [['started'], ['finished'], 'succeeded'],
  [['deploy-started'], ['deploy-failed'], 'failed'],
  [['status:in_progress'], [], 'succeeded'],
])('two annotations, with %j and %j, are one deploy', async (first, second, status) => {
  const time = Date.now() - 120_000;
  const version = `v60-${status}-${second.length}`;
  const tags = ['deploy', 'tickets', version];
  const started = await annotate({ time, tags: [...tags, ...first], text: 'Out' });
  const deploys = async () => (await deploysOf('tickets')).filter((one) => one['version'] === version);
  expect(await deploys()).toMatchObject([{ status: 'started', finished_at: null }]);
  const finished = await annotate({ time: time + 90_000, tags: [...tags, ...second], text: 'Commit: 4ae0d6c1' });
  expect(finished.body).toEqual(started.body);
  const times = { started_at: new Date(time).toISOString(), finished_at: new Date(time + 90_000).toISOString() };
  expect(await deploys()).toMatchObject([{ status, commit: '4ae0d6c1', ...times }]);
});

test.each([-3_600_000, -2000, -1, 1, 500, 2000])(
  'a region whose start differs by %i ms ends the deploy that an annotation has begun',
  async (difference) => {
    const time = Date.now() - 7_200_000;
    const version = `v62.${Math.abs(difference)}${difference < 0 ? 'a' : 'b'}`;
    const tags = ['deploy', 'tickets', version];
    const started = await annotate({ time, tags: [...tags, 'started'], text: '' });
    const region = { time: time + difference, timeEnd: time + 90_000, tags: [...tags, 'failed'], text: '' };
    // The start that arrives late, and repeats, are no other deploys.
    const late = { time: time + 10, tags: [...tags, 'started'], text: '' };
    for (const sent of [region, region, late]) expect((await annotate(sent)).body).toEqual(started.body);
    const times = { started_at: new Date(time).toISOString(), finished_at: new Date(time + 90_000).toISOString() };
    expect((await deploysOf('tickets')).filter((one) => one['version'] === version)).toMatchObject([
      { status: 'failed', ...times },
    ]);
  },
);

test('a region after the end of a deploy is another deploy, and so is one of another kind', async () => {
  const time = Date.now() - 7_200_000;
  for (const [kind, from, until] of [
    ['deploy', 0, 60_000],
    ['deploy', 600_000, 660_000],
    ['config', 1_200_000, 1_260_000],
  ] as const) {
    const tags = [`kind:${kind}`, 'tickets', 'v63'];
    await annotate({ time: time + from, tags: [...tags, 'started'], text: '' });
    await annotate({ time: time + from + 1, timeEnd: time + until, tags, text: '' });
  }
  expect((await deploysOf('tickets')).filter((one) => one['version'] === 'v63')).toMatchObject([
    { kind: 'config', status: 'succeeded' },
    { kind: 'deploy', status: 'succeeded' },
    { kind: 'deploy', status: 'succeeded' },
  ]);
});

test.each([
  ['Deployed', { status: 'succeeded' }],
  ['deploy failed', { status: 'failed' }],
  ['Rolled back tickets', { kind: 'rollback' }],
  ['Reverted tickets', { kind: 'rollback' }],
  ['Deploy: Revert "Fix login"', { kind: 'deploy' }],
  ['Deploy of tickets failed', { status: 'failed' }],
  ['Deploy of tickets 2.5.0 failed', { status: 'failed' }],
  ['Deploy of tickets v2.10.0 was aborted', { status: 'cancelled' }],
  ['Deploy of tickets finished, 12 tests, 0 failed', { status: 'succeeded' }],
  ['Deploy started by ada', { status: 'started' }],
  ['deploy was aborted', { status: 'cancelled' }],
  ['Rollback of tickets timed out', { kind: 'rollback', status: 'failed' }],
])('events of Graphite are named %j', async (what, expected) => {
  const version = `v61-${what.length}`;
  const sent = { what, tags: ['tickets', version], data: '' };
  expect((await firebreak.request('POST', '/api/annotations/graphite', sent)).status).toBe(200);
  expect((await deploysOf('tickets'))[0]).toMatchObject({ version, ...expected });
});

test('an annotation completes a deploy that another system has reported', async () => {
  const time = Date.now() - 3_600_000;
  const started_at = new Date(time).toISOString();
  const reported = { service: 'payments', environment: 'prod-eu', version: 'v7', started_at };
  expect((await firebreak.post('/v1/deployments', reported)).status).toBe(201);
  await annotate({ time, tags: ['deploy', 'payments', 'v7', 'prod-eu', 'release-train'], text: '' });
  await annotate({ time, tags: ['deploy', 'payments', 'version:v7', 'prod-eu', 'nightly'], text: 'Batch 7' });
  expect((await deploysOf('payments')).filter(({ version }) => version === 'v7')).toEqual([
    expect.objectContaining({ tags: ['deploy', 'payments', 'version:v7', 'prod-eu', 'nightly'], note: 'Batch 7' }),
  ]);
});

test.each([
  ['GET', '/api/annotations?tags=deploy', 'POST'],
  ['DELETE', '/api/annotations', 'POST'],
  ['GET', '/api/annotations/1', 'PATCH, PUT'],
  ['DELETE', '/api/annotations/1', 'PATCH, PUT'],
  ['PUT', '/api/annotations', 'POST'],
  ['OPTIONS', '/api/annotations', 'POST'],
  ['GET', '/api/annotations/', 'POST'],
  ['POST', '/api/annotations/7', 'PATCH, PUT'],
  ['GET', '/api/annotations/graphite', 'POST'],
  ['PATCH', '/api/annotations/graphite', 'POST'],
  ['GET', '/api/annotations/tags', ''],
])('%s %s says what is supported', async (method, path, allow) => {
  const unknown = await firebreak.request(method, path, undefined, { authorization: 'Bearer wrong' });
  expect([unknown.status, unknown.headers.get('allow')]).toEqual([401, null]);
  const { status, headers, body } = await firebreak.request(method, path);
  expect([status, headers.get('allow'), body.code]).toEqual([405, allow, 'method-not-allowed']);
  expect(body.detail).toContain('GET /v1/deployments lists the deployments');
});

test.each([
  ['', {}],
  ['graphite', { what: 'Deployed' }],
])('a slash after the address of %j changes nothing', async (form, more) => {
  const sent = { tags: ['deploy', 'billing', `v4.${form.length}`], text: '', ...more };
  const [plain, slash] = await Promise.all(
    ['', '/'].map((end) => firebreak.request('POST', `/api/annotations${form && `/${form}`}${end}`, sent)),
  );
  expect([plain?.status, slash?.status]).toEqual([200, 200]);
  expect(slash?.body).toMatchObject({ message: plain?.body.message });
});

test('the only link of a text that is patched is that of a deploy without one', async () => {
  const { body } = await annotate({ tags: ['deploy', 'lonely', 'v21'], text: 'Started' });
  for (const url of ['https://ci.acme.test/21', 'https://ci.acme.test/22']) {
    const patched = await firebreak.request('PATCH', `/api/annotations/${body.id}`, { text: `Done: ${url}` });
    expect(patched.status).toBe(200);
    expect((await deploysOf('lonely'))[0]).toMatchObject({ url: 'https://ci.acme.test/21', note: `Done: ${url}` });
  }
});

test('absent times can be null, and seconds are refused', async () => {
  const annotation = { tags: ['deploy', 'order-service', 'v6'], text: null };
  expect((await annotate({ ...annotation, time: null, timeEnd: null })).status).toBe(200);
  const { status, body } = await annotate({ ...annotation, time: Math.floor(Date.now() / 1000) });
  expect([status, body.detail]).toEqual([422, expect.stringContaining('milliseconds')]);
});

test('a repeated request with the same Idempotency-Key counts once', async () => {
  const send = () =>
    annotate({ tags: ['deploy', 'order-service', 'v8'], text: '' }, { 'idempotency-key': 'pipeline-8' });
  expect((await send()).body).toEqual((await send()).body);
});

test('a time in the future, and tokens without the permission or for another service, are refused', async () => {
  const annotation = { tags: ['deploy', 'order-service', 'v9'], text: '' };
  expect((await annotate({ ...annotation, time: Date.now() + 3_600_000 })).status).toBe(422);
  expect((await annotate(annotation, { authorization: 'Bearer wrong' })).status).toBe(401);
  const token = async (fields: object) =>
    `Bearer ${(await firebreak.post('/v1/tokens', { name: `ci-${JSON.stringify(fields).length}`, ...fields })).body.token}`;
  const foreign = await token({ actions: ['deployments:write'], services: ['search'] });
  expect((await annotate(annotation, { authorization: foreign })).status).toBe(403);
  const reader = await token({ actions: ['deployments:read'] });
  expect((await annotate(annotation, { authorization: reader })).status).toBe(403);
});
