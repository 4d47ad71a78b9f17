import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { alert, names, settled, WARM_UP, warmUp } from '../harness/incident.ts';
import { type Pair, type PairFolders, withPair } from '../harness/pair.ts';
import { group, type Product } from '../harness/product.ts';
import type { Program } from '../harness/program.ts';
import { result, type Result } from '../results.ts';
import { whileTimeLasts } from '../harness/rounds.ts';
import { median } from '../harness/statistics.ts';
import { incidentOf, type Vendors } from '../harness/vendors.ts';

const ROUNDS = 3;

/** Time limit for starting storms; an idle machine finishes all of them. */
const LAST_STORM_SECONDS = 15;

const ALERTS_PER_SERVICE = 250;

/** Interval and limit of polling until all signals are counted. Each poll is a request to the measured product, so they are rare. */
const POLL_EVERY_MS = 50;
const COUNTED_WITHIN_MS = 20_000;

/** Pause, so that work after the pages does not disturb the measurement of the reference. Milliseconds. */
const SETTLE_MS = 300;

/** Highest accepted ratio of the product's time to the reference's; for the reasons, see docs/explanation/performance.md. */
const TARGET = 20;

const storms = Array.from({ length: ROUNDS }, (_, round) => names(`storm-${round}`, 2));

/** Incidents that are open and have paged before the storms start. */
const open = names('open', 20);

/** Services by what their incidents do: roll back automatically, ask for approval, or only page. */
export const catalogue = {
  acting: [],
  asking: names('asking-before-storms', WARM_UP),
  paging: [...open, ...storms.flat()],
};

/** What the storms leave for the measurements that follow: data folders, and the number of incidents in them. */
export type StoredStorms = { folders: PairFolders; incidents: number };

/** Measures storms at an instance with open incidents. */
export async function measureIntake(
  folder: string,
  vendors: Vendors,
): Promise<{ results: Result[]; stored: StoredStorms }> {
  const { measured, folders } = await withPair(join(folder, 'storms'), catalogue, vendors, async (pair) => {
    await warmUp(pair, vendors, catalogue.asking);
    for (const service of open) {
      await alert(pair.product, service);
      await vendors.page(service);
    }
    await settled();
    return measureStorms(pair, vendors);
  });
  const incidents = catalogue.asking.length + open.length + measured.opened;
  return { results: measured.results, stored: { folders, incidents } };
}

/** Measures a storm: one request with 500 alerts of two services, from its first byte until two incidents count 500 signals. */
async function measureStorms(
  { product, reference }: Pair,
  vendors: Vendors,
): Promise<{ results: Result[]; opened: number }> {
  const measured = await whileTimeLasts('storms', LAST_STORM_SECONDS, storms, async (services, round) => {
    const began = performance.now();
    await product.request('POST', '/v1/alerts/alertmanager', group(services, ALERTS_PER_SERVICE));
    const incidents = await Promise.all(services.map(async (service) => incidentOf(await vendors.page(service))));
    for (const id of incidents) await untilAllCounted(product, id);
    const productMs = performance.now() - began;
    await sleep(SETTLE_MS);
    return {
      productMs,
      referenceMs: await referenceIntake(reference, vendors, `intake-${round}`),
      opened: incidents.length,
    };
  });
  const [productMs, referenceMs] = [
    measured.map((storm) => storm.productMs),
    measured.map((storm) => storm.referenceMs),
  ];
  const name = '500 alerts of two services in one request → counted in two incidents, median ms';
  return {
    results: [result(name, median(productMs), median(referenceMs), TARGET)],
    opened: measured.reduce((sum, { opened }) => sum + opened, 0),
  };
}

const Incident = z.object({ signal_count: z.number() });

async function untilAllCounted(product: Product, id: string): Promise<void> {
  const end = performance.now() + COUNTED_WITHIN_MS;
  for (;;) {
    const { signal_count: counted } = Incident.parse(await product.request('GET', `/v1/incidents/${id}`));
    if (counted === ALERTS_PER_SERVICE) return;
    if (performance.now() > end)
      throw new Error(`incident ${id} counts ${counted} signals after ${COUNTED_WITHIN_MS / 1000} s`);
    await sleep(POLL_EVERY_MS);
  }
}

/** Measures the reference: milliseconds from the request to a call of a vendor, with only unavoidable work. */
async function referenceIntake(reference: Program, vendors: Vendors, name: string): Promise<number> {
  const began = performance.now();
  const body = JSON.stringify({ reply: `${vendors.referenceUrl}${name}` });
  await (await fetch(`${reference.url}/intake`, { method: 'POST', body })).text();
  return (await vendors.reference(name)).at - began;
}
