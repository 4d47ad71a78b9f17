import { expect } from 'vitest';
import { alert, group, twoDeployments } from '../../support/alerts.ts';
import { EACH_ALONE, eventually, type Firebreak, type FirebreakOptions } from '../../support/firebreak.ts';

/** The verification of a rollback, 15 minutes, takes 9 seconds; the question stays open for a quarter of an hour. */
const TIME_SCALE = 100;

const deployer = { kind: 'http' };

/** The options with which an archive is recorded, and every later version is started. */
export const OPTIONS: FirebreakOptions = {
  services: {
    checkout: {
      environments: {
        production: {
          deployer,
          autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act', approvalTimeoutMinutes: 24 * 60 },
        },
      },
    },
    search: {
      environments: {
        production: { deployer, autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' } },
      },
    },
    cart: { environments: { production: {} } },
  },
  configFiles: EACH_ALONE,
  timeScale: TIME_SCALE,
};

export const SERVICES = ['checkout', 'search', 'cart'] as const;
type Service = (typeof SERVICES)[number];

export const failing = (service: Service): object =>
  alert({ labels: { service }, fingerprint: `0000000000000${SERVICES.indexOf(service)}ff` });

export const send = async (firebreak: Firebreak, one: object): Promise<void> =>
  expect((await firebreak.post('/v1/alerts/alertmanager', group([one]))).status).toBe(202);

export const incidentOf = async (firebreak: Firebreak, service: string): Promise<any> =>
  (await firebreak.get(`/v1/incidents?service=${service}`)).body.items[0];

type Page = { key: string; outcome: unknown };

/** Returns the pages that PagerDuty was asked for, oldest first. */
export const pagesOf = async (firebreak: Firebreak, { id }: { id: string }): Promise<Page[]> =>
  (await firebreak.calls('pagerduty'))
    .filter(({ body }) => body?.event_action === 'trigger' && body.dedup_key.startsWith(id))
    .map(({ body, outcome }) => ({ key: body.dedup_key, outcome }));

/** Returns the keys of the requested rollbacks. */
export const rollbacksOf = async (firebreak: Firebreak, service: string): Promise<string[]> =>
  (await firebreak.calls('cd'))
    .filter(({ method, body }) => method === 'POST' && body?.service === service)
    .map(({ body }) => body.idempotency_key);

/**
 * Brings a Firebreak to a state with three open incidents: checkout waits for an approval, search verifies its
 * rollback, and cart cannot page, because PagerDuty is unavailable.
 *
 * @returns a token that may read incidents
 */
export async function openThree(firebreak: Firebreak): Promise<string> {
  for (const deployment of [...twoDeployments('checkout'), ...twoDeployments('search')])
    expect((await firebreak.post('/v1/deployments', deployment)).status).toBe(201);
  const { token } = (await firebreak.post('/v1/tokens', { name: 'a reader', actions: ['incidents:read'] })).body;
  expect((await firebreak.post('/v1/freezes', { reason: 'stocktaking', service: 'cart' })).status).toBe(201);
  await send(firebreak, failing('checkout'));
  await eventually(async () => {
    const incident = await incidentOf(firebreak, 'checkout');
    return incident?.decisions[0]?.state === 'waiting' && (await pagesOf(firebreak, incident)).length > 0;
  }, 'the question and the page of checkout');
  await send(firebreak, failing('search'));
  await eventually(async () => {
    const incident = await incidentOf(firebreak, 'search');
    return incident?.status === 'mitigated' && (await pagesOf(firebreak, incident)).length > 0;
  }, 'the rollback and the page of search');
  await firebreak.put('/sandbox/faults', { vendor: 'pagerduty', fault: { kind: 'status', status: 503 } });
  await send(firebreak, failing('cart'));
  await eventually(async () => {
    const incident = await incidentOf(firebreak, 'cart');
    return incident !== undefined && (await pagesOf(firebreak, incident)).length > 0;
  }, 'the first attempt to page about cart');
  expect((await incidentOf(firebreak, 'search')).status, 'still verifying').toBe('mitigated');
  return token;
}

/** Completes the incidents of `openThree`, and expects that nothing was lost or done twice. */
export async function finishThree(firebreak: Firebreak, now: () => Date): Promise<void> {
  const [checkout, search, cart] = [
    await incidentOf(firebreak, 'checkout'),
    await incidentOf(firebreak, 'search'),
    await incidentOf(firebreak, 'cart'),
  ];
  expect(await firebreak.get('/v1/freezes')).toMatchObject({
    status: 200,
    body: { items: [{ reason: 'stocktaking', state: 'in_force' }] },
  });
  expect(await firebreak.get('/v1/versions/pinned')).toMatchObject({
    status: 200,
    body: { items: [{ service: 'search', version: 'v2' }] },
  });

  await firebreak.request('DELETE', '/sandbox/faults');
  await eventually(
    async () => (await pagesOf(firebreak, cart)).some(({ outcome }) => outcome === 202),
    'the page of cart',
  );
  const [{ digest }] = checkout.decisions;
  expect((await firebreak.post(`/v1/incidents/${checkout.id}/actions/approve`, { digest })).status).toBe(200);
  await eventually(
    async () => (await incidentOf(firebreak, 'checkout')).status === 'mitigated',
    'the rollback of checkout',
  );
  for (const service of SERVICES)
    await send(firebreak, { ...failing(service), status: 'resolved', endsAt: now().toISOString() });
  for (const { id, service } of [checkout, search, cart]) {
    await eventually(async () => {
      const incident = await incidentOf(firebreak, service);
      expect(incident.id).toBe(id);
      return incident.status === 'resolved';
    }, `the end of ${service}`);
    const taken = (await pagesOf(firebreak, { id })).filter(({ outcome }) => outcome === 202);
    expect(taken).toEqual([{ key: `${id}.page.1`, outcome: 202 }]);
  }
  for (const { id, service } of [checkout, search])
    expect(await rollbacksOf(firebreak, service)).toEqual([`${id}.roll-back.1`]);
}
