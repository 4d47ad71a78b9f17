import { expect, test } from 'vitest';
import { clock, sandbox, start } from '../../support.ts';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const CANARY = '/apis/flagger.app/v1beta1/namespaces/default/canaries/web';

const hook = (type: string) => ({ name: type, type, url: `http://gate.test/${type}`, metadata: { env: 'test' } });

/** Starts a cluster with a Deployment `web` of v1 and an initialized canary. Its clock stands still. */
async function open(types: string[] = [], analysis: object = {}) {
  const time = clock();
  const standIns = await start({ now: time.now });
  const ask = async (path: string): Promise<any> => {
    const headers = { authorization: 'Bearer an-admin' };
    return (await fetch(standIns.urls.kubernetes + path, { headers })).json();
  };
  const post = (path: string, body: object) => sandbox<any>(standIns, 'POST', `/kubernetes${path}`, body);
  const deploy = async (version: string) => {
    await post('/deploy', { name: 'web', image: `web:${version}` });
    time.forward(20_000);
  };
  const check = async (answers: object = {}, more: object = {}) => {
    const { status } = await post('/flagger/check', { name: 'web', answers, ...more });
    time.forward(20_000);
    return status;
  };
  const deployment = async (name: string) => {
    const { spec, status } = await ask(`${DEPLOYMENTS}/${name}`);
    return [spec.template.spec.containers[0].image, status.availableReplicas];
  };
  await deploy('v1');
  await post('/flagger/canary', {
    name: 'web',
    analysis: { threshold: 1, maxWeight: 20, stepWeight: 10, webhooks: types.map(hook), ...analysis },
  });
  expect((await check()).phase).toBe('Initializing');
  expect((await check()).phase).toBe('Initialized');
  const questions = () => sandbox<any[]>(standIns, 'GET', '/kubernetes/flagger/questions?name=web');
  const forward = (ms: number) => time.forward(ms);
  return { standIns, ask, deploy, check, deployment, questions, forward };
}

test('a new canary has a primary with all the traffic', async () => {
  const { ask, check, deployment } = await open();
  expect(await deployment('web-primary')).toEqual(['web:v1', 3]);
  expect(await deployment('web')).toEqual(['web:v1', 0]);
  const { metadata, spec } = await ask(`${DEPLOYMENTS}/web-primary`);
  expect(metadata.ownerReferences).toMatchObject([{ kind: 'Canary', name: 'web', controller: true }]);
  expect(spec.selector.matchLabels).toEqual({ 'app.kubernetes.io/name': 'web-primary' });
  expect(await check()).toMatchObject({ phase: 'Initialized' });
});

test('a new pod template is analyzed step by step, promoted, and scaled down', async () => {
  const { deploy, check, deployment } = await open();
  await deploy('v2');
  const seen = [];
  for (let checks = 0; checks < 7; checks += 1) {
    const { phase, canaryWeight } = await check();
    seen.push(`${phase} ${canaryWeight}`);
  }
  expect(seen).toEqual([
    'Progressing 0',
    'Progressing 10',
    'Progressing 20',
    'Promoting 20',
    'Finalising 0',
    'Succeeded 0',
    'Succeeded 0',
  ]);
  expect([await deployment('web-primary'), await deployment('web')]).toEqual([
    ['web:v2', 3],
    ['web:v2', 0],
  ]);
});

test('the rollback gate is called during a rollout, and an approval ends it', async () => {
  const { deploy, check, deployment, questions, ask } = await open(['rollback']);
  expect(await questions()).toEqual([]);
  await deploy('v2');
  await check();
  const [asked] = await questions();
  expect(asked).toEqual({
    type: 'rollback',
    url: 'http://gate.test/rollback',
    body: {
      name: 'web',
      namespace: 'default',
      phase: 'Progressing',
      checksum: expect.stringMatching(/^[4-9bcdf]{1,10}$/) as string,
      metadata: { env: 'test' },
    },
  });
  expect(await check({ rollback: 403 })).toMatchObject({ phase: 'Progressing', canaryWeight: 10 });
  expect(await check({ rollback: 202 })).toMatchObject({ phase: 'Failed', canaryWeight: 0 });
  expect(await deployment('web-primary')).toEqual(['web:v1', 3]);
  expect(await deployment('web')).toEqual(['web:v2', 0]);
  expect((await check()).phase).toBe('Failed'); // the same template starts no new rollout
  await deploy('v3');
  expect((await check()).phase).toBe('Progressing');
  expect((await questions())[0].body.checksum).not.toBe(asked.body.checksum);
  expect((await ask(CANARY)).status.lastTransitionTime).toMatch(/Z$/);
});

test('a new version restarts the analysis', async () => {
  const { deploy, check } = await open();
  await deploy('v2');
  await check();
  await check();
  await deploy('v3');
  expect(await check()).toMatchObject({ phase: 'Progressing', canaryWeight: 0 });
});

test('the gates before a rollout and before its promotion block it', async () => {
  const { deploy, check, deployment } = await open(['confirm-rollout', 'confirm-promotion']);
  await deploy('v2');
  expect((await check()).phase).toBe('Waiting');
  expect(await deployment('web')).toEqual(['web:v2', 0]);
  expect((await check({ 'confirm-rollout': 200 })).phase).toBe('Progressing');
  for (let checks = 0; checks < 3; checks += 1) await check();
  expect((await check()).phase).toBe('WaitingPromotion');
  expect((await check({ 'confirm-promotion': 200 })).phase).toBe('Promoting');
});

test('failed metrics roll back at the threshold', async () => {
  const { deploy, check } = await open();
  await deploy('v2');
  await check();
  expect(await check({}, { metrics: 'failed' })).toMatchObject({ phase: 'Progressing', failedChecks: 1 });
  expect(await check()).toMatchObject({ phase: 'Failed' });
});

test('if the primary does not become ready in a promotion, all traffic stays on the canary', async () => {
  const { standIns, deploy, check, forward } = await open();
  await deploy('v2');
  for (let checks = 0; checks < 3; checks += 1) await check();
  await sandbox(standIns, 'PUT', '/kubernetes/settings', { outcome: 'failed' });
  expect((await check()).phase).toBe('Promoting');
  forward(700_000);
  expect(await check()).toMatchObject({ phase: 'Failed', canaryWeight: 100 });
});

test('an unknown canary is refused', async () => {
  const { standIns } = await open();
  await expect(sandbox(standIns, 'POST', '/kubernetes/flagger/check', { name: 'other' })).rejects.toThrow(
    'there is no Canary default/other',
  );
});
