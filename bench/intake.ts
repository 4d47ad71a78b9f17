import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { group, type Product } from './product.ts';
import type { Program } from './program.ts';
import { result, type Result } from './results.ts';
import { median } from './statistics.ts';
import type { Vendors } from './vendors.ts';

const ROUNDS = 3;
const ALERTS_PER_SERVICE = 250;

/** How often it is looked whether all signals are counted (seldom: looking costs the product calls), and for how long. */
const LOOK_EVERY_MS = 50;
const COUNTED_WITHIN_MS = 20_000;

/** What follows the pages must not run beside the reference. Milliseconds. */
const SETTLED_AFTER_MS = 300;

/** Highest accepted ratio; docs/performance.md says why. */
const TARGET = 20;

const pairs = Array.from({ length: ROUNDS }, (_, round) => [`storm-${round}-a`, `storm-${round}-b`]);

export const stormingServices = pairs.flat();

/** A storm: one request with 500 alerts of two services, from its first byte until two incidents count 500 signals. */
export async function measureIntake(product: Product, reference: Program, vendors: Vendors): Promise<Result[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (const [round, services] of pairs.entries()) {
    const began = performance.now();
    await product.request('POST', '/v1/alerts/alertmanager', group(services, ALERTS_PER_SERVICE));
    const incidents = await Promise.all(services.map(async (service) => incidentOf(await vendors.page(service))));
    for (const id of incidents) await allCounted(product, id);
    ours.push(performance.now() - began);
    await sleep(SETTLED_AFTER_MS);
    bare.push(await bareIntake(reference, vendors, `intake-${round}`));
  }
  const name = '500 alerts of two services in one request → counted in two incidents, median ms';
  return [result(name, median(ours), median(bare), TARGET)];
}

const Page = z.object({ payload: z.object({ custom_details: z.object({ incident: z.string() }) }) });
const Incident = z.object({ signal_count: z.number() });

const incidentOf = ({ body }: { body: unknown }): string => Page.parse(body).payload.custom_details.incident;

async function allCounted(product: Product, id: string): Promise<void> {
  const end = performance.now() + COUNTED_WITHIN_MS;
  for (;;) {
    const { signal_count: counted } = Incident.parse(await product.request('GET', `/v1/incidents/${id}`));
    if (counted === ALERTS_PER_SERVICE) return;
    if (performance.now() > end)
      throw new Error(`incident ${id} counts ${counted} signals after ${COUNTED_WITHIN_MS / 1000} s`);
    await sleep(LOOK_EVERY_MS);
  }
}

async function bareIntake(reference: Program, vendors: Vendors, name: string): Promise<number> {
  const began = performance.now();
  const body = JSON.stringify({ reply: `${vendors.referenceUrl}${name}` });
  await (await fetch(`${reference.url}/intake`, { method: 'POST', body })).text();
  return (await vendors.reference(name)).at - began;
}
