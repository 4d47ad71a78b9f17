import { describe, expect, test } from 'vitest';
import type { StandIns } from '../core/index.ts';
import { exchange, sandbox, send, start } from './support.ts';

/** What a vendor refuses, its stand-in refuses too: otherwise a defect in Firebreak is seen only in production. */

type Refusal = [about: string, method: string, path: string, body: object | undefined, status: number, says: string];

async function expectRefusal(url: string, refusal: Refusal, headers: Record<string, string>): Promise<void> {
  const [about, method, path, body, status, says] = refusal;
  const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  expect([about, answer.status, await answer.text()]).toEqual([about, status, expect.stringContaining(says)]);
}

describe('GitHub', () => {
  const REPOSITORY = 'octo-org/checkout-api';
  const AT = `/repos/${REPOSITORY}`;
  const NOWHERE = 'f'.repeat(40);
  const headers = { authorization: 'Bearer ghs_test' };
  const one = 'a'.repeat(65_537);

  const open = async (): Promise<{ standIns: StandIns; sha: string }> => {
    const standIns = await start();
    await sandbox(standIns, 'PUT', '/github/settings', { protection: true });
    const push = { repository: REPOSITORY, files: { 'a/one.md': '1' } };
    const { sha } = await sandbox<{ sha: string }>(standIns, 'POST', '/github/commits', push);
    return { standIns, sha };
  };
  const tree = (entry: object) => ({ tree: [{ path: 'x', mode: '100644', type: 'blob', ...entry }] });

  test.each<Refusal>([
    ['an issue without a title', 'POST', `${AT}/issues`, { body: 'x' }, 422, "wasn't supplied"],
    ['a blank title', 'POST', `${AT}/issues`, { title: ' ' }, 422, 'missing_field'],
    ['a long title', 'POST', `${AT}/issues`, { title: 'x'.repeat(257) }, 422, 'maximum is 256'],
    ['a long body', 'POST', `${AT}/issues`, { title: 'x', body: one }, 422, 'maximum is 65536'],
    ['a long label', 'POST', `${AT}/issues`, { title: 'x', labels: ['x'.repeat(51)] }, 422, 'maximum is 50'],
    ['labels that are no list', 'POST', `${AT}/issues`, { title: 'x', labels: 'a' }, 422, 'properties/labels'],
    ['a body that is no object', 'POST', `${AT}/issues`, [], 400, 'should be a JSON object'],
    ['a comment of an unknown issue', 'POST', `${AT}/issues/7/comments`, { body: 'x' }, 404, 'Not Found'],
    ['a tree without the entry to remove', 'POST', `${AT}/git/trees`, tree({ sha: null }), 422, 'BadObjectState'],
    ['a tree with an unknown mode', 'POST', `${AT}/git/trees`, tree({ mode: '777', content: '' }), 422, 'mode'],
    ['a commit without its tree', 'POST', `${AT}/git/commits`, { message: 'x', tree: NOWHERE }, 422, 'Tree SHA'],
    ['a ref without its commit', 'POST', `${AT}/git/refs`, { ref: 'refs/heads/x', sha: NOWHERE }, 422, 'not exist'],
    ['a ref without its prefix', 'POST', `${AT}/git/refs`, { ref: 'heads/x', sha: NOWHERE }, 422, 'ref'],
    ['an unknown branch', 'GET', `${AT}/branches/other`, undefined, 404, 'Branch not found'],
    [
      'a pull request without commits',
      'POST',
      `${AT}/pulls`,
      { title: 'x', head: 'main', base: 'main' },
      422,
      'No commits',
    ],
    ['a pull request of no branch', 'POST', `${AT}/pulls`, { title: 'x', head: 'no', base: 'main' }, 422, 'head'],
    ['a file without its version', 'PUT', `${AT}/contents/a/one.md`, { message: 'x', content: '' }, 422, 'sha'],
    ['a file in place of a folder', 'PUT', `${AT}/contents/a`, { message: 'x', content: '' }, 422, 'directory'],
    ['a file that is not Base64', 'PUT', `${AT}/contents/b`, { message: 'x', content: '!' }, 422, 'Base64'],
    ['a deployment of an unknown ref', 'POST', `${AT}/deployments`, { ref: 'nowhere' }, 422, 'No ref found'],
    ['a status of no deployment', 'POST', `${AT}/deployments/7/statuses`, { state: 'success' }, 404, 'Not Found'],
    ['a second run at a time', 'POST', `${AT}/actions/runs/1/rerun`, undefined, 403, 'already running'],
  ])('refuses %s', async (...refusal) => {
    const { standIns } = await open();
    await expectRefusal(standIns.urls.github, refusal, headers);
  });

  test('refuses what goes around the protection of a branch, and a branch that moves back', async () => {
    const { standIns, sha } = await open();
    const branch = { repository: REPOSITORY, branch: 'main' };
    const next = await sandbox<{ sha: string }>(standIns, 'POST', '/github/commits', { ...branch, files: { b: '2' } });
    const ref = `${AT}/git/refs/heads/main`;
    await expectRefusal(standIns.urls.github, ['back', 'PATCH', ref, { sha }, 422, 'not a fast forward'], headers);
    await sandbox(standIns, 'PUT', '/github/branches', { ...branch, protected: true });
    const around: Refusal = ['protected', 'PATCH', ref, { sha: next.sha }, 422, 'must be made through a pull request'];
    await expectRefusal(standIns.urls.github, around, headers);
  });

  test('refuses callers without a token, and an app without a token of its own', async () => {
    const { standIns } = await open();
    for (const authorization of ['', 'Basic dTpw', 'Bearer '])
      await expectRefusal(standIns.urls.github, ['no token', 'GET', `${AT}/issues`, undefined, 401, ''], {
        authorization,
      });
    const deliveries: Refusal = ['app', 'GET', '/app/hook/deliveries', undefined, 401, 'could not be decoded'];
    await expectRefusal(standIns.urls.github, deliveries, headers);
  });

  test.each(['approved', 'rejected', 'status-only'])('takes one decision about a deployment: %s', async (name) => {
    const { standIns } = await open();
    const { request, response } = exchange(`github/review-protection-rule-${name}`);
    const path = request.path.replace('6789012345', '1');
    const review = { request: { ...request, path }, response };
    expect((await send(standIns.urls.github, review)).status).toBe(response.status);
    expect((await send(standIns.urls.github, review)).status).toBe(name === 'status-only' ? response.status : 422);
  });
});

describe('Argo CD', () => {
  const open = async (change: object = {}, settings: object = {}): Promise<StandIns> => {
    const standIns = await start();
    const history = ['a', 'b', 'c'].flatMap((letter) =>
      Array.from({ length: 4 }, () => ({ revision: letter.repeat(40) })),
    );
    const application = { project: 'payments', history, ...change };
    await sandbox(standIns, 'PUT', '/argo-cd/applications/checkout-api', application);
    await sandbox(standIns, 'PUT', '/argo-cd/settings', settings);
    return standIns;
  };
  const expectDocumented = async ({ urls }: StandIns, name: string, omitted = '') => {
    const { request, response } = exchange(`argo-cd/${name}`);
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([header]) => header !== omitted));
    const answer = await send(urls['argo-cd'], { request: { ...request, headers }, response });
    expect([answer.status, await answer.json()]).toEqual([response.status, JSON.parse(response.body)]);
  };

  test('refuses a rollback as documented', async () => {
    await expectDocumented(await open({ automated: { prune: true } }), 'rollback-automated-refused');
    await expectDocumented(await open(), 'rollback-bad-id');
    await expectDocumented(await open({}, { denied: ['sync'] }), 'rollback-permission-denied');
    const busy = await open();
    expect((await send(busy.urls['argo-cd'], exchange('argo-cd/rollback'))).status).toBe(200);
    await expectDocumented(busy, 'rollback-operation-in-progress');
  });

  test('refuses a caller without a session', async () => {
    await expectDocumented(await open(), 'unauthenticated', 'Authorization');
  });
});

describe('Kubernetes', () => {
  const APPS = '/apis/apps/v1/namespaces/default/deployments';
  const PODS = '/api/v1/namespaces/default/pods';
  const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
  const headers = (type: string) => ({ authorization: 'Bearer test', 'content-type': type });
  const JSON_PATCH = 'application/json-patch+json';
  const MERGE = 'application/merge-patch+json';

  test.each<[type: string, ...Refusal]>([
    ['application/json', 'an unknown resource', 'GET', APPS.replace('deployments', 'pods'), undefined, 404, 'NotFound'],
    ['application/json', 'an unknown object', 'GET', `${APPS}/other`, undefined, 404, 'not found'],
    ['application/json', 'a patch of no type', 'PATCH', `${APPS}/web`, {}, 415, 'unknown format'],
    ['application/json', 'an invalid object', 'POST', APPS, { metadata: { name: 'x' }, spec: {} }, 422, 'Invalid'],
    [
      'application/json',
      'an invalid route',
      'POST',
      GATEWAYS,
      { metadata: { name: 'x' }, spec: { rules: 1 } },
      422,
      'Invalid',
    ],
    [
      'application/json',
      'an invalid selector',
      'GET',
      `${APPS}?labelSelector=a%20b%20c`,
      undefined,
      400,
      'unable to parse',
    ],
    [
      'application/json',
      'an unknown field',
      'GET',
      `${PODS}?fieldSelector=status.ready=x`,
      undefined,
      400,
      'not supported',
    ],
    ['application/json', 'a field without a value', 'GET', `${PODS}?fieldSelector=type`, undefined, 400, 'understand'],
    ['application/json', 'an invalid limit', 'GET', `${PODS}?limit=ten`, undefined, 400, 'ParseInt'],
    ['application/json', 'an invalid page', 'GET', `${PODS}?limit=1&continue=2`, undefined, 400, 'continue key'],
    [MERGE, 'an old version', 'PATCH', `${APPS}/web`, { metadata: { resourceVersion: '1' } }, 409, 'modified'],
    [MERGE, 'too few replicas', 'PATCH', `${APPS}/web`, { spec: { replicas: -1 } }, 422, 'replicas'],
    [JSON_PATCH, 'a failed test', 'PATCH', `${APPS}/web`, [{ op: 'test', path: '/kind', value: 'x' }], 422, 'failed'],
    [JSON_PATCH, 'a missing path', 'PATCH', `${APPS}/web`, [{ op: 'remove', path: '/spec/none' }], 422, 'missing'],
  ])('with %s, refuses %s', async (type, ...refusal) => {
    const standIns = await start();
    await sandbox(standIns, 'POST', '/kubernetes/deploy', { name: 'web', image: 'web:v1' });
    await expectRefusal(standIns.urls.kubernetes, refusal, headers(type));
  });

  test('refuses callers without a token, and what the role does not allow', async () => {
    const standIns = await start();
    const anonymous: Refusal = ['anonymous', 'GET', APPS, undefined, 403, 'system:anonymous'];
    await expectRefusal(standIns.urls.kubernetes, anonymous, {});
    await sandbox(standIns, 'PUT', '/kubernetes/settings', { denied: ['list deployments.apps'] });
    const denied: Refusal = ['denied', 'GET', APPS, undefined, 403, 'cannot list resource'];
    await expectRefusal(standIns.urls.kubernetes, denied, headers('application/json'));
  });
});

describe('AWS', () => {
  const scoped = (service: string) =>
    `AWS4-HMAC-SHA256 Credential=AKID/20261120/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const ECS = 'AmazonEC2ContainerServiceV20141113';
  const DEPLOY = 'CodeDeploy_20141006';
  const group = { applicationName: 'shop', deploymentGroupName: 'live' };

  test.each<[service: string, target: string, body: object, code: string]>([
    ['lambda', `${ECS}.DescribeServices`, {}, 'InvalidSignatureException'],
    ['ecs', `${ECS}.DescribeServices`, { cluster: 'none', services: [] }, 'ClusterNotFoundException'],
    ['ecs', `${ECS}.UpdateService`, { service: 'none' }, 'ServiceNotFoundException'],
    ['ecs', `${ECS}.DescribeTaskDefinition`, { taskDefinition: 'none' }, 'ClientException'],
    ['ecs', `${ECS}.Unknown`, {}, 'UnknownOperationException'],
    ['codedeploy', `${DEPLOY}.ListDeployments`, group, 'ApplicationDoesNotExistException'],
    ['codedeploy', `${DEPLOY}.GetDeployment`, { deploymentId: 'd-000000009' }, 'DeploymentDoesNotExistException'],
  ])('with a signature for %s, %s %j is a %s', async (service, target, body, code) => {
    const { urls } = await start();
    const headers = { authorization: scoped(service), 'x-amz-target': target };
    const answer = await fetch(urls.aws, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(await answer.json()).toMatchObject({ __type: code });
  });

  test('a function, an alias, or a version that is not there is refused', async () => {
    const standIns = await start();
    const live = { function: 'shop', alias: 'live', versions: [{ description: 'v1' }] };
    await sandbox(standIns, 'PUT', '/aws/lambda/functions', live);
    const headers = { authorization: scoped('lambda') };
    const at = '/2015-03-31/functions';
    for (const refusal of [
      ['no function', 'GET', `${at}/none/versions`, undefined, 404, 'Function not found'],
      ['no alias', 'GET', `${at}/shop/aliases/other`, undefined, 404, 'Cannot find alias'],
      ['no version', 'PUT', `${at}/shop/aliases/live`, { FunctionVersion: '9' }, 404, 'Function not found'],
      ['an old revision', 'PUT', `${at}/shop/aliases/live`, { RevisionId: 'old' }, 412, 'Revision Id'],
    ] satisfies Refusal[])
      await expectRefusal(standIns.urls.aws, refusal, headers);
  });
});

describe('LaunchDarkly', () => {
  const PATH = '/api/v2/flags/default/new-basket';
  const SEMANTIC = 'application/json; domain-model=launchdarkly.semanticpatch';
  const off = { environmentKey: 'production', instructions: [{ kind: 'turnFlagOff' }] };

  test.each<[type: string, ...Refusal]>([
    ['application/json', 'a patch of another type', 'PATCH', PATH, off, 400, 'semantic patch'],
    [SEMANTIC, 'no instructions', 'PATCH', PATH, { ...off, instructions: [] }, 400, 'instructions'],
    [SEMANTIC, 'an unknown instruction', 'PATCH', PATH, { ...off, instructions: [{ kind: 'x' }] }, 400, 'instructions'],
    [SEMANTIC, 'no environment', 'PATCH', PATH, { instructions: off.instructions }, 400, 'environmentKey'],
    [SEMANTIC, 'an unknown environment', 'PATCH', PATH, { ...off, environmentKey: 'qa' }, 404, 'not_found'],
    [SEMANTIC, 'a change without approval', 'PATCH', PATH, off, 405, 'require approval'],
    [SEMANTIC, 'an unknown flag', 'GET', '/api/v2/flags/default/other', undefined, 404, 'not_found'],
    [SEMANTIC, 'too many entries', 'GET', '/api/v2/auditlog?limit=21', undefined, 400, 'between 1 and 20'],
  ])('with %s, refuses %s', async (type, ...refusal) => {
    const standIns = await start();
    const flag = { environment: 'production', flag: 'new-basket', on: true, requires_approval: true };
    await sandbox(standIns, 'PUT', '/launchdarkly/flags', flag);
    await expectRefusal(standIns.urls.launchdarkly, refusal, { authorization: 'api-1', 'content-type': type });
  });
});
