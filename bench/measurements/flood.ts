import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { names } from '../harness/incident.ts';
import { group, prepare, type Product, startProduct } from '../harness/product.ts';
import { result, type Result } from '../results.ts';
import type { Vendors } from '../harness/vendors.ts';

/** Critical alerts, each of a different service outside the catalogue, in requests of the maximum size. */
const ALERTS = 10_000;
const ALERTS_PER_REQUEST = 5_000;

/** Time in which all alerts of the flood must be counted. Most of them arrive at once. */
const FLOOD_MS = 60_000;

/** Promised delay of a page of a known service, however many other alerts arrive. */
const PAGE_PROMISED_MS = 2_000;

/** Promised number of pages of all unknown services: five separate incidents, and one for the rest (ADR 30). */
const PAGES_PROMISED = 6;

const known = names('known-in-flood', 6);
const unknown = names('unknown-in-flood', ALERTS);

const POLL_EVERY_MS = 250;
const GIVE_UP_AFTER_MS = 150_000;

const Incidents = z.object({ items: z.array(z.object({ service: z.string(), signal_count: z.number() })) });

/**
 * Measures a flood of alerts of 10,000 unknown services while services of tier 1 fail: the delay of tier 1 pages, the number
 * of pages of unknown services, and the time until each alert is counted.
 */
export async function measureFlood(folder: string, vendors: Vendors): Promise<Result[]> {
  await prepare(folder, { acting: [], asking: [], paging: known }, vendors);
  const services = Object.fromEntries(known.map((name) => [name, { tier: 1, environments: { production: {} } }]));
  await writeFile(join(folder, 'config', 'services.yaml'), JSON.stringify({ services }));
  const product = await startProduct(folder, vendors);
  try {
    const quiet = await pageOf(product, vendors, known[0] ?? '', 0);
    const began = performance.now();
    const before = vendors.pagesTaken();
    const flood = sendFlood(product);
    const delays = [200, 1500, 3000, 6000, 10_000];
    const pages = await Promise.all(known.slice(1).map((name, n) => pageOf(product, vendors, name, delays[n] ?? 0)));
    console.error(`bench: flood: pages ${pages.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    await flood;
    const accepted = performance.now() - began;
    await untilCounted(product, began);
    const took = performance.now() - began;
    const ofUnknown = vendors.pagesTaken() - before - pages.length;
    console.error(
      `bench: flood: page before it ${quiet.toFixed(0)} ms, during it ${pages.map((ms) => ms.toFixed(0)).join(', ')} ms; ` +
        `accepted after ${(accepted / 1000).toFixed(1)} s, counted after ${(took / 1000).toFixed(1)} s; ${ofUnknown} pages of unknown services`,
    );
    const name = `${ALERTS} alerts of unknown services`;
    return [
      result(`${name} → slowest page of tier 1, ms (reference: promised)`, Math.max(...pages), PAGE_PROMISED_MS, 1),
      result(`${name} → their own pages (reference: promised)`, ofUnknown, PAGES_PROMISED, 1),
      result(`${name} → all counted, ms (reference: the minute in which they arrive)`, took, FLOOD_MS, 1),
    ];
  } finally {
    await product.stop();
  }
}

async function sendFlood(product: Product): Promise<void> {
  for (let from = 0; from < ALERTS; from += ALERTS_PER_REQUEST)
    await product.request('POST', '/v1/alerts/alertmanager', group(unknown.slice(from, from + ALERTS_PER_REQUEST)));
}

async function pageOf(product: Product, vendors: Vendors, service: string, afterMs: number): Promise<number> {
  await sleep(afterMs);
  const sent = performance.now();
  await product.request('POST', '/v1/alerts/alertmanager', group([service]));
  return (await vendors.page(service)).at - sent;
}

/** Waits until the incidents of unknown services have counted all alerts. */
async function untilCounted(product: Product, began: number): Promise<void> {
  for (;;) {
    const { items } = Incidents.parse(await product.request('GET', '/v1/incidents?service=unmatched&limit=100'));
    if (items.reduce((sum, { signal_count }) => sum + signal_count, 0) >= ALERTS) return;
    if (performance.now() - began > GIVE_UP_AFTER_MS) {
      const all = items.reduce((sum, { signal_count }) => sum + signal_count, 0);
      throw new Error(`${all} of ${ALERTS} alerts are counted after ${GIVE_UP_AFTER_MS / 1000} s`);
    }
    await sleep(POLL_EVERY_MS);
  }
}
