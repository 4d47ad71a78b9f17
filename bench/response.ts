import { setTimeout as sleep } from 'node:timers/promises';
import { deployments, group, type Product } from './product.ts';
import type { Program } from './program.ts';
import { result, type Result } from './results.ts';
import { median, percentile } from './statistics.ts';
import type { Vendors } from './vendors.ts';

/** Incidents that are measured, one after the other, and those before that only warm both sides up. */
const MEASURED = 60;
const WARM_UP = 5;

/** What follows a rollback (its conclusion, the inbox) must not run beside what is measured next. Milliseconds. */
const SETTLED_AFTER_MS = 150;

/** Highest accepted ratio to the bare way; docs/performance.md says why. */
const TARGET = 8;

export const actingServices = Array.from({ length: WARM_UP + MEASURED }, (_, number) => `acting-${number}`);

/** Milliseconds of each incident from its 202, as the sender received it, to the call. */
type Samples = { rollback: number[]; page: number[] };

/** From an accepted alert to the rollback and to the page, each incident followed by the bare way of both. */
export async function measureResponse(product: Product, reference: Program, vendors: Vendors): Promise<Result[]> {
  for (const service of actingServices) {
    for (const deployment of deployments(service)) await product.request('POST', '/v1/deployments', deployment);
  }
  const ours: Samples = { rollback: [], page: [] };
  const bare: Samples = { rollback: [], page: [] };
  for (const service of actingServices) {
    const alerted = await accepted(() => product.request('POST', '/v1/alerts/alertmanager', group([service])));
    const [rollback, page] = await Promise.all([vendors.rollback(service), vendors.page(service)]);
    ours.rollback.push(rollback.at - alerted);
    ours.page.push(page.at - alerted);
    await sleep(SETTLED_AFTER_MS);
    bare.rollback.push(await bareWay(reference, '/rollback', vendors, service));
    bare.page.push(await bareWay(reference, '/page', vendors, service));
  }
  return [
    ...both('alert accepted → rollback call sent', ours.rollback, bare.rollback),
    ...both('alert accepted → page sent', ours.page, bare.page),
  ];
}

/** @returns when the answer had been received */
async function accepted(send: () => Promise<unknown>): Promise<number> {
  await send();
  return performance.now();
}

async function bareWay(reference: Program, way: string, vendors: Vendors, service: string): Promise<number> {
  const name = `${way.slice(1)}-${service}`;
  const body = JSON.stringify({ reply: `${vendors.referenceUrl}${name}` });
  const began = await accepted(async () => (await fetch(`${reference.url}${way}`, { method: 'POST', body })).text());
  return (await vendors.reference(name)).at - began;
}

function both(name: string, ours: readonly number[], bare: readonly number[]): Result[] {
  const [measured, reference] = [ours.slice(WARM_UP), bare.slice(WARM_UP)];
  return [
    result(`${name}, median ms`, median(measured), median(reference), TARGET),
    result(`${name}, p95 ms`, percentile(measured, 95), percentile(reference, 95), TARGET),
  ];
}
