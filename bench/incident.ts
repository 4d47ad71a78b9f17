import { setTimeout as sleep } from 'node:timers/promises';
import type { Pair } from './pair.ts';
import { deployments, group, type Product } from './product.ts';
import type { Program } from './program.ts';
import { incidentOf, type Vendors } from './vendors.ts';

/** Incidents that warm a new pair up. */
export const WARM_UP = 5;

/** What follows a rollback (its conclusion, the inbox) must not run beside what is measured next. Milliseconds. */
const SETTLED_AFTER_MS = 150;

export const settled = (): Promise<void> => sleep(SETTLED_AFTER_MS);

/** Services. No two pairs may have the same: the vendors know what arrives by it. */
export const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, number) => `${prefix}-${number}`);

/**
 * Incidents in which a person asks for the rollback, which uses up none of those that the product does in an hour without
 * one; each followed by the bare way of both.
 */
export async function warmUp({ product, reference }: Pair, vendors: Vendors, asking: readonly string[]): Promise<void> {
  await recordDeployments(product, asking);
  for (const service of asking) {
    await alert(product, service);
    const incident = incidentOf(await vendors.page(service));
    await product.request('POST', `/v1/incidents/${incident}/actions/rollback`, { note: 'to warm up' });
    await vendors.rollback(service);
    await settled();
    await bareWays(reference, vendors, service);
  }
}

export async function recordDeployments(product: Product, services: readonly string[]): Promise<void> {
  for (const service of services)
    for (const deployment of deployments(service)) await product.request('POST', '/v1/deployments', deployment);
}

/** @returns when the 202 had been received */
export const alert = (product: Product, service: string): Promise<number> =>
  accepted(() => product.request('POST', '/v1/alerts/alertmanager', group([service])));

async function accepted(send: () => Promise<unknown>): Promise<number> {
  await send();
  return performance.now();
}

/** Milliseconds from the 202 to the call, of an incident in which nothing but the unavoidable is done. */
export const bareWays = async (reference: Program, vendors: Vendors, service: string) => ({
  rollback: await bareWay(reference, '/rollback', vendors, service),
  page: await bareWay(reference, '/page', vendors, service),
});

async function bareWay(reference: Program, way: string, vendors: Vendors, service: string): Promise<number> {
  const name = `${way.slice(1)}-${service}`;
  const body = JSON.stringify({ reply: `${vendors.referenceUrl}${name}` });
  const began = await accepted(async () => (await fetch(`${reference.url}${way}`, { method: 'POST', body })).text());
  return (await vendors.reference(name)).at - began;
}
