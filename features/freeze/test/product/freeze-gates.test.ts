import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, eventually, Firebreak } from '../../../../test/support/firebreak.ts';
import { cli } from '../../../../test/entrances/cli/support.ts';

let firebreak: Firebreak;

beforeAll(async () => {
  firebreak = await Firebreak.start({
    timeScale: 1,
    services: {
      checkout: {
        environments: {
          production: { freezeGates: { flux: [{ kind: 'Kustomization', name: 'apps' }], workloads: [WORKLOAD] } },
        },
      },
      search: {
        environments: {
          production: { deployer: { kind: 'github', via: 'revert' }, freezeGates: { workloads: 'deployer' } },
          staging: { freezeGates: { workloads: [WORKLOAD] } },
        },
      },
    },
  });
  const object = { kind: 'Kustomization', name: 'apps' };
  expect((await firebreak.post('/sandbox/kubernetes/flux/object', object)).status).toBe(200);
  await deploy('v41');
});
afterAll(() => firebreak?.remove());

const WORKLOAD = { kind: 'Deployment', name: 'checkout' };

const deploy = (tag: string) =>
  firebreak.post('/sandbox/kubernetes/deploy', { name: 'checkout', image: `shop/checkout:${tag}` });

/** Lets Flux apply a manifest. Returns the image that runs afterwards. */
async function reconciled(tag: string): Promise<string> {
  const body = { kind: 'Kustomization', name: 'apps', deployment: { name: 'checkout' }, image: `shop/checkout:${tag}` };
  return (await firebreak.post('/sandbox/kubernetes/flux/reconcile', body)).body.image;
}

const suspendedIs = (suspended: boolean) =>
  eventually(
    async () => {
      const { body } = await firebreak.get('/sandbox/kubernetes/flux/object?kind=Kustomization&name=apps');
      return (body.spec.suspend === true) === suspended;
    },
    `the Kustomization is ${suspended ? '' : 'not '}suspended`,
  );

const gates = async (): Promise<{ object: string; condition: string; detail: string | null }[]> => {
  const { status, body } = await firebreak.get('/v1/freeze-gates');
  expect(status).toBe(200);
  return body.items.find(({ service }: { service: string }) => service === 'checkout').gates;
};

const conditionsAre = (...conditions: string[]) =>
  eventually(
    async () => (await gates()).map(({ condition }) => condition).join() === conditions.join(),
    `the gates are ${conditions.join()}`,
  );

test('Flux deploys nothing during a freeze, except with an override', async () => {
  expect(await gates()).toEqual([]);
  const { body: freeze } = await firebreak.post('/v1/freezes', { service: 'checkout', reason: 'stocktaking' });
  await suspendedIs(true);
  expect(await reconciled('v42')).toBe('shop/checkout:v41');

  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const override = { reason: 'a fix', expires_at };
  const { status, body } = await firebreak.post(`/v1/freezes/${freeze.id}/overrides`, override);
  expect(status).toBe(201);
  await suspendedIs(false);
  expect(await reconciled('v43')).toBe('shop/checkout:v43');
  expect((await firebreak.request('DELETE', `/v1/freezes/${freeze.id}/overrides/${body.id}`)).status).toBeLessThan(300);
  await suspendedIs(true);

  expect((await firebreak.request('DELETE', `/v1/freezes/${freeze.id}`)).status).toBeLessThan(300);
  await suspendedIs(false);
  expect(await reconciled('v44')).toBe('shop/checkout:v44');
  await conditionsAre('open', 'open');
});

test('doctor shows what is closed, and what the cluster refuses', async () => {
  const { body: freeze } = await firebreak.post('/v1/freezes', { reason: 'stocktaking' });
  await conditionsAre('closed', 'refused');
  const env = { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN };
  const { out } = await cli(['doctor', '--all'], { env });
  expect(out).toMatch(/checkout\/production +Kustomization flux-system\/apps: closed by a freeze/);
  expect(out).toMatch(
    /checkout\/production +ConfigMap firebreak\/firebreak-freezes: could not be set: .*"firebreak-freezes" not found/,
  );
  await firebreak.request('DELETE', `/v1/freezes/${freeze.id}`);
  await conditionsAre('open', 'open');
});

test('doctor shows workloads that are not protected, or named twice', async () => {
  const env = { FIREBREAK_URL: firebreak.url, FIREBREAK_TOKEN: ADMIN_TOKEN };
  const { out } = await cli(['doctor'], { env });
  expect(out).toMatch(/no +search\/production +workloads: deployer: .*no workload is protected; list the workloads/);
  expect(out).toMatch(/no +search\/staging +Deployment\.default\.checkout: .*also a workload of checkout\/production/);
});
