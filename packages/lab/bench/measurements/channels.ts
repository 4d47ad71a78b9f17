import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { group, prepare, startProduct, type Product } from '../harness/product.ts';
import { type Measured, result } from '../results.ts';
import type { Vendors } from '../harness/vendors.ts';

const INCIDENTS = 30;

/** Incidents that open one after another within a minute. */
const EVERY_MS = 1000;

/** Channels that can be created per minute: `conversations.create` has Slack's rate limit tier 2. */
const CREATES_PER_MINUTE = 20;

/** Minimum time because of Slack's rate limit. Seconds. */
const SLACK_LIMIT_SECONDS = (INCIDENTS / CREATES_PER_MINUTE) * 60;

/** Promised: every channel within three minutes, and every page within ten seconds. */
const CHANNELS_TARGET = 180 / SLACK_LIMIT_SECONDS;
const PAGE_PROMISED_MS = 10_000;

const GIVE_UP_AFTER_MS = 200_000;
const POLL_EVERY_MS = 500;

const services = Array.from({ length: INCIDENTS }, (_, number) => `channel-${number}`);

const Incidents = z.object({ items: z.array(z.object({ channel: z.string().nullable() })) });

/**
 * Measures thirty separate incidents in a minute with the Slack stand-in and its real rate limits: the delay of the slowest
 * page, and the time until the last channel exists.
 */
export async function measureChannels(folder: string, vendors: Vendors): Promise<Measured[]> {
  await prepare(folder, { acting: [], asking: [], paging: services }, vendors);
  const product = await startProduct(folder, vendors);
  try {
    const began = performance.now();
    const pages = await Promise.all(services.map((service, number) => pageOf(product, vendors, service, number)));
    const seconds = await secondsToChannels(product, began);
    const name = `${INCIDENTS} incidents in a minute`;
    return [
      result(`${name} → slowest page sent, ms (reference: promised)`, Math.max(...pages), PAGE_PROMISED_MS, 1),
      result(
        `${name} → all channels, s (reference: Slack's rate limit)`,
        seconds,
        SLACK_LIMIT_SECONDS,
        CHANNELS_TARGET,
      ),
    ];
  } finally {
    await product.stop();
  }
}

async function pageOf(product: Product, vendors: Vendors, service: string, number: number): Promise<number> {
  await sleep(number * EVERY_MS);
  const sent = performance.now();
  await product.request('POST', '/v1/alerts/alertmanager', group([service]));
  return (await vendors.page(service)).at - sent;
}

async function secondsToChannels(product: Product, began: number): Promise<number> {
  for (;;) {
    const { items } = Incidents.parse(await product.request('GET', `/v1/incidents?limit=${INCIDENTS}`));
    const passed = performance.now() - began;
    if (items.filter(({ channel }) => channel !== null).length === INCIDENTS) return passed / 1000;
    if (passed > GIVE_UP_AFTER_MS) throw new Error(`some incidents have no channel after ${GIVE_UP_AFTER_MS / 1000} s`);
    await sleep(POLL_EVERY_MS);
  }
}
