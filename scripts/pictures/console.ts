import { setTimeout as sleep } from 'node:timers/promises';
import { callsOf, incidentsOf } from '../../packages/demo/event-source.ts';
import type { IncidentView } from '../../schemas/incidents/incident.ts';
import type { Camera } from './camera.ts';
import type { Shop } from './shop.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Widths of the windows in pixels. The console shows two columns at this width. */
const CONSOLE = 1200;
const STATUS = 860;
const PHONE = 390;

/** Takes pictures of the console and the status page before, while, and after one incident waits for a person. */
export async function photographConsole(shop: Shop, camera: Camera): Promise<void> {
  await camera.signIn(await shop.token());
  await camera.webPage('console-now-empty', '/console', { width: CONSOLE, shows: 'main', until: '.columns' });
  await quietMonth(shop);
  await searchFails(shop);
  const { id } = await checkoutFails(shop);
  await othersFail(shop);
  await shop.deploy('accounts', 'v9', 2 * MINUTE);
  await shop.until('a burn rate that freezes deploys', () => shop.isFrozen('checkout'));

  await camera.webPage('console-now', '/console', { width: CONSOLE, shows: 'main', until: '.columns' });
  await camera.webPage('console-incidents', '/console/incidents?state=all', LIST);
  const incident = { width: CONSOLE, shows: '#health', until: '#decisions' };
  await camera.webPage('console-incident', `/console/incidents/${id}`, incident);
  const slo = { width: CONSOLE, shows: '#burn-down', until: '.columns' };
  await camera.webPage('console-slo', '/console/slos/checkout-availability', slo);
  await camera.webPage('status-page', '/status', { width: STATUS, shows: 'main', until: '.legend' });

  const approval = await shop.until('the link to the question', () => approvalLinkOf(shop));
  await camera.webPage('console-approve', approval, { width: PHONE, shows: '#question', until: '#question' });
  await approve(shop);
  await sleep(RECOVERED_MS);
  await camera.webPage('console-incident-after', `/console/incidents/${id}`, incident);
}

/** Time for samples after the rollback, and for its verification. */
const RECOVERED_MS = 45_000;

const LIST = { width: CONSOLE, shows: '#incidents', until: '#incidents' };

/** Takes a picture of *Now* with many incidents. */
export async function photographStorm(token: string, camera: Camera): Promise<void> {
  await camera.signIn(token);
  await camera.webPage('console-now-storm', '/console', { width: CONSOLE, shows: 'main', until: '.columns' });
}

/** Lets people declare incidents of other services. */
async function othersFail(shop: Shop): Promise<void> {
  const declared = [
    ['reports', 'Monthly reports are empty', 'info'],
    ['images', 'Images of products load slowly', 'warning'],
    ['emails', 'Receipts arrive an hour late', 'warning'],
    ['stock', 'The stock of two warehouses is not updated', 'critical'],
    ['invoices', 'Invoices show the wrong tax', 'warning'],
    ['reviews', 'Reviews cannot be posted', 'info'],
    ['baskets', 'Baskets lose their coupons', 'warning'],
    ['catalogue', 'New products do not appear', 'warning'],
  ] as const;
  for (const [number, [service, title, severity]] of declared.entries()) {
    const id = await shop.declare(service, title, severity);
    if (number % 2 === 1) await shop.act(id, 'acknowledge');
    if (number === 0) await shop.act(id, 'resolve');
  }
}

/** Approves the rollback of checkout, and waits until its errors have ended. */
async function approve(shop: Shop): Promise<void> {
  const asking = await incidentOf(shop, 'checkout');
  const waiting = asking?.decisions.find(({ state }) => state === 'waiting');
  if (asking === undefined || waiting === undefined) throw new Error('checkout has no question');
  await shop.act(asking.id, 'approve', { digest: waiting.digest });
  const now = [{ ago: 0, value: 0.001 }];
  await shop.setHealth('checkout', now, { v41: now });
  await shop.setErrors('checkout', now);
  await shop.until('the rollback of checkout', async () => {
    const incident = await incidentOf(shop, 'checkout');
    return incident?.status === 'mitigated' || incident?.status === 'resolved';
  });
}

/** Finds the page of the question in what was sent to people. */
async function approvalLinkOf({ firebreak }: Shop): Promise<string | undefined> {
  const sent = (await callsOf(firebreak)).map(({ body }) => JSON.stringify(body));
  return sent.map((body) => /\/console\/approve\/[\w.-]+/.exec(body)?.[0]).findLast((link) => link !== undefined);
}

/**
 * Sets 28 days with errors that spent a part of the budgets, and the versions that have been running. `setErrors` sets the
 * series of the objectives, and `setHealth` those of the health queries.
 */
async function quietMonth(shop: Shop): Promise<void> {
  for (const service of ['checkout', 'search', 'accounts'] as const) {
    await shop.setErrors(service, [{ ago: 29 * DAY, value: 0.0002 }]);
    await shop.setHealth(service, [{ ago: 3 * HOUR, value: 0.001 }]);
  }
  await shop.setErrors('checkout', [
    { ago: 13 * DAY, value: 0.03 },
    { ago: 13 * DAY - 2 * HOUR, value: 0.0001 },
    { ago: 8 * DAY, value: 0.12 },
    { ago: 8 * DAY - 90 * MINUTE, value: 0.0002 },
  ]);
  await shop.deploy('checkout', 'v41', 30 * HOUR, { end: 30 * HOUR - 5 * MINUTE });
  await shop.deploy('search', 'v17', 50 * HOUR, { end: 50 * HOUR - 5 * MINUTE });
  await shop.deploy('accounts', 'v8', 80 * HOUR, { end: 80 * HOUR - 5 * MINUTE });
}

/** Lets a version of search fail, which is rolled back. */
async function searchFails(shop: Shop): Promise<void> {
  const ago = 21 * MINUTE;
  await shop.deploy('search', 'v18', 24 * MINUTE, { end: 22 * MINUTE });
  await shop.setHealth('search', [{ ago, value: 0.08 }], {
    v17: [{ ago: 3 * HOUR, value: 0.001 }],
    v18: [{ ago, value: 0.16 }],
  });
  await shop.setErrors('search', [{ ago, value: 0.08 }]);
  await shop.alert('search', 'Searches end with errors', ago - 2 * MINUTE);
  await shop.until('the rollback of search', async () => {
    const incident = await incidentOf(shop, 'search');
    return incident?.status === 'mitigated' && incident;
  });
  const now = [{ ago: 0, value: 0.001 }];
  await shop.setHealth('search', now, { v17: now });
  await shop.setErrors('search', now);
}

/** Lets a version of checkout fail whose migration needs a person. */
async function checkoutFails(shop: Shop): Promise<IncidentView> {
  const ago = 11 * MINUTE;
  await shop.deploy('checkout', 'v42', 16 * MINUTE, { end: 12 * MINUTE, hasMigration: true });
  const rise = [0.06, 0.15, 0.22, 0.24, 0.23, 0.25, 0.24, 0.26, 0.24, 0.25];
  await shop.setHealth(
    'checkout',
    rise.map((value, minute) => ({ ago: ago - minute * MINUTE, value })),
    { v41: [{ ago: 3 * HOUR, value: 0.001 }], v42: [{ ago, value: 0.48 }] },
  );
  await shop.setErrors('checkout', [{ ago, value: 0.24 }]);
  await shop.alert('checkout', 'Payments fail for one in four customers', ago - 3 * MINUTE);
  return shop.until('the question about checkout', async () => {
    const incident = await incidentOf(shop, 'checkout');
    return incident?.decisions.some(({ state }) => state === 'waiting') && incident;
  });
}

const incidentOf = async ({ firebreak }: Shop, name: string): Promise<IncidentView | undefined> =>
  (await incidentsOf(firebreak)).find(({ service }) => service === name);
