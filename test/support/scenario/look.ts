import { expect } from 'vitest';
import { alert, group, twoDeployments } from '../alerts.ts';
import { eventually } from '../firebreak.ts';
import type { AttendedProduct } from './product.ts';
import type { Vendors } from './vendors.ts';

export const LOOK_SERVICES = {
  checkout: {
    environments: {
      production: {
        deployer: { kind: 'kubernetes' },
        autoRollback: { mode: 'act', unknownMigration: 'act', approvalTimeoutMinutes: 24 * 60 },
        look: {},
      },
    },
  },
};

const CORE = '/api/v1/namespaces/default';
const DEPLOYMENT = '/apis/apps/v1/namespaces/default/deployments/checkout';

/** Plays a bad deploy in place: a fresh pod of v2 crashes beside one of v1 that runs, so v2 is rolled back. */
export async function playLook(product: AttendedProduct, vendors: Vendors, beforeTheEnd: () => Promise<void>) {
  await vendors.sandbox('/kubernetes/settings', { observe_ms: 0, rollout_ms: 0, pods: { v2: 'crashes' } });
  for (const version of ['v1', 'v2']) {
    await vendors.sandbox('/kubernetes/deploy', { name: 'checkout', image: `shop/checkout:${version}` }, 'POST');
    for (let request = 0; request < 3; request += 1) await vendors.cluster(DEPLOYMENT); // the controllers act when they are asked
  }
  const selector = { 'app.kubernetes.io/name': 'checkout' };
  await vendors.cluster(`${CORE}/services`, { metadata: { name: 'checkout' }, spec: { selector } });
  for (const deployment of twoDeployments())
    expect((await product.insist('POST', '/v1/deployments', deployment)).status).toBeOneOf([200, 201]);
  const firing = alert();
  await send(product, firing);
  await eventually(async () => (await versionIn(vendors)) === 'v1', 'the rollback');
  await beforeTheEnd();
  await send(product, { ...firing, status: 'resolved', endsAt: new Date().toISOString() });
  await eventually(async () => (await incidentOf(product))?.status === 'resolved', 'the end of the incident');
}

async function send(product: AttendedProduct, one: object): Promise<void> {
  expect((await product.insist('POST', '/v1/alerts/alertmanager', group([one]))).status).toBe(202);
}

const incidentOf = async (product: AttendedProduct): Promise<any> => (await product.get('/v1/incidents')).body.items[0];

const versionIn = async ({ cluster }: Vendors): Promise<string> =>
  (await cluster(DEPLOYMENT)).spec.template.spec.containers[0].image.split(':').at(-1);

/** Expects what must be true after the story, in all cases: one rollback, and no pod of the test. */
export async function expectLookKept(product: AttendedProduct, vendors: Vendors): Promise<void> {
  const incident = await incidentOf(product);
  const states = incident.effects.map(({ kind, state, class: given }: any) => `${kind} ${given} ${state}`);
  expect(states).toEqual(expect.arrayContaining(['look convergent succeeded', 'roll-back convergent succeeded']));
  expect(states.filter((text: string) => /^(look|roll-back) /.test(text))).toHaveLength(2);
  const { metadata } = await vendors.cluster(DEPLOYMENT);
  expect(metadata.generation, 'two deploys, and one rollback').toBe(3);
  expect(
    (await vendors.cluster(`${CORE}/pods?labelSelector=firebreak.dev/look`)).items.map((pod: any) => pod.metadata.name),
  ).toEqual([]);
}
