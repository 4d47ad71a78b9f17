import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { names } from '../harness/incident.ts';
import { group, prepare, type Product, startProduct } from '../harness/product.ts';
import type { Bench } from '../harness/part.ts';
import type { Vendors } from '../harness/vendors.ts';
import { figure, type Measured, valueAtMost } from '../results.ts';

/** Critical alerts, each of a different service outside the catalogue, in requests of the maximum size. */
const ALERTS = 10_000;
const ALERTS_PER_REQUEST = 5_000;

/** Time in which all alerts of the flood must be counted. Most of them arrive at once. */
const FLOOD_SECONDS = 60;

/** Highest accepted delay of a page of a known service, however many other alerts arrive. */
const PAGE_MAX_MS = 1_000;

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
export async function* measureFlood({ folder, vendors, isShort }: Bench): AsyncIterable<Measured> {
  const count = isShort ? ALERTS / 10 : ALERTS;
  await prepare(folder, { acting: [], asking: [], paging: known }, vendors);
  const services = Object.fromEntries(known.map((name) => [name, { tier: 1, environments: { production: {} } }]));
  await writeFile(join(folder, 'config', 'services.yaml'), JSON.stringify({ services }));
  const product = await startProduct(folder, vendors);
  try {
    await pageOf(product, vendors, known[0] ?? '', 0); // to warm up
    const began = performance.now();
    const flood = sendFlood(product, count);
    const delays = isShort ? [200, 500] : [200, 1500, 3000, 6000, 10_000];
    const pages = await Promise.all(delays.map((delay, n) => pageOf(product, vendors, known[n + 1] ?? '', delay)));
    console.error(`bench: flood: pages of tier 1 after ${pages.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    await flood;
    await untilCounted(product, began, count);
    const took = performance.now() - began;
    const ofUnknown = [...vendors.pages().values()].filter((source) => isOfUnknown(source)).length;
    const name = `flood of ${count} unknown alerts`;
    yield figure(`${name} → slowest page of tier 1, ms`, Math.max(...pages), null, [valueAtMost(PAGE_MAX_MS)]);
    yield figure(`${name} → their own pages`, ofUnknown, null, [valueAtMost(PAGES_PROMISED)]);
    yield figure(`${name} → all counted, s`, took / 1000, null, [valueAtMost(FLOOD_SECONDS)]);
  } finally {
    await product.stop();
  }
}

const isOfUnknown = (source: string): boolean => source === 'unmatched' || unknown.includes(source);

async function sendFlood(product: Product, count: number): Promise<void> {
  for (let from = 0; from < count; from += ALERTS_PER_REQUEST) {
    const until = Math.min(from + ALERTS_PER_REQUEST, count);
    await product.request('POST', '/v1/alerts/alertmanager', group(unknown.slice(from, until)));
  }
}

async function pageOf(product: Product, vendors: Vendors, service: string, afterMs: number): Promise<number> {
  await sleep(afterMs);
  const sent = performance.now();
  await product.request('POST', '/v1/alerts/alertmanager', group([service]));
  return (await vendors.page(service)).at - sent;
}

/** Waits until the incidents of unknown services have counted all alerts. */
async function untilCounted(product: Product, began: number, count: number): Promise<void> {
  for (;;) {
    const { items } = Incidents.parse(await product.request('GET', '/v1/incidents?service=unmatched&limit=100'));
    if (items.reduce((sum, { signal_count }) => sum + signal_count, 0) >= count) return;
    if (performance.now() - began > GIVE_UP_AFTER_MS) {
      const all = items.reduce((sum, { signal_count }) => sum + signal_count, 0);
      throw new Error(`${all} of ${count} alerts are counted after ${GIVE_UP_AFTER_MS / 1000} s`);
    }
    await sleep(POLL_EVERY_MS);
  }
}
