import { setTimeout as sleep } from 'node:timers/promises';
import type { Pair } from './pair.ts';
import { deployments, group, type Product } from './product.ts';
import type { Program } from './program.ts';
import { incidentOf, type Vendors } from './vendors.ts';

/** Warm-up incidents of a new pair. */
export const WARM_UP = 5;

/** Pause, so that work after a rollback (its outcome, the inbox) does not disturb the next measurement. Milliseconds. */
const SETTLED_AFTER_MS = 150;

export const settled = (): Promise<void> => sleep(SETTLED_AFTER_MS);

/** Services. They must differ between pairs, because the vendors identify calls by them. */
export const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${prefix}-${number}`);

/**
 * Runs warm-up incidents in which a person requests the rollback, so that they do not count towards the hourly limit of
 * automatic rollbacks. Each is followed by both references.
 */
export async function warmUp({ product, reference }: Pair, vendors: Vendors, asking: readonly string[]): Promise<void> {
  await recordDeployments(product, asking);
  for (const service of asking) {
    await alert(product, service);
    const incident = incidentOf(await vendors.page(service));
    await product.request('POST', `/v1/incidents/${incident}/actions/rollback`, { note: 'to warm up' });
    await vendors.rollback(service);
    await settled();
    await measureReference(reference, vendors, service);
  }
}

export async function recordDeployments(product: Product, services: readonly string[]): Promise<void> {
  for (const service of services)
    for (const deployment of deployments(service)) await product.request('POST', '/v1/deployments', deployment);
}

/** @returns the time at which the 202 was received */
export const alert = (product: Product, service: string): Promise<number> =>
  accepted(() => product.request('POST', '/v1/alerts/alertmanager', group([service])));

async function accepted(send: () => Promise<unknown>): Promise<number> {
  await send();
  return performance.now();
}

/**
 * The rows of the commits that follow one another on the shortest path: admission, start, begin, and intent of the page;
 * or admission, start, begin, decision, its checkpoint, and intent of the rollback.
 */
const COMMITS = { page: '8,1,2,2', rollback: '8,1,2,3,1,7' };

/** Measures the reference: milliseconds from the 202 to the call, with only the commits that cannot be avoided. */
export const measureReference = async (reference: Program, vendors: Vendors, service: string) => ({
  rollback: await referenceMillis(reference, 'rollback', vendors, service),
  page: await referenceMillis(reference, 'page', vendors, service),
});

async function referenceMillis(
  reference: Program,
  call: keyof typeof COMMITS,
  vendors: Vendors,
  service: string,
): Promise<number> {
  const name = `${call}-${service}`;
  const body = JSON.stringify({ reply: `${vendors.referenceUrl}${name}` });
  const url = `${reference.url}/path?rows=${COMMITS[call]}`;
  const began = await accepted(async () => (await fetch(url, { method: 'POST', body })).text());
  return (await vendors.reference(name)).at - began;
}
