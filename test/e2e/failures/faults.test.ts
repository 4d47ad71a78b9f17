import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AttendedProduct } from '../../support/scenario/product.ts';
import { expectShown, SHOWN_CONFIG, SHOWN_SERVICE, untilOpenEverywhere } from '../../support/scenario/shown.ts';
import { type AroundEffect, startVendors } from '../../support/scenario/vendors.ts';
import { catalogueOf, expectPromisesKept, play, type Story } from '../../support/scenario/scenario.ts';
import type { Vendor } from '../../../sandbox/core/index.ts';
import { chanceOf, hasEffectWhereShown } from '../../kill/boundaries.ts';
import { namesOf } from '../../kill/calls.ts';
import { startFaultyAws } from '../../fault/aws.ts';
import { OUTLET_ANSWERS_LOST, RATES, VENDOR_ANSWERS_LOST } from '../../fault/faults.ts';

const TIME_SCALE = 1000;
const COME_AGAIN_SECONDS = 2;

/** Milliseconds until everything is shown. After a lost response, a vendor is not called for some seconds. */
const TOLD_WITHIN_MS = 90_000;

/** Set FIREBREAK_SEED=<seed> to repeat only the run that failed. */
const chosen = process.env['FIREBREAK_SEED'];
const PLAYED: [Story, number][] = [
  ['act', Number(chosen ?? 1)],
  ['approve', Number(chosen ?? 2)],
];

describe('while AWS throttles, conflicts, responds late, returns stale data, or does not respond', () => {
  const befell = new Set<string>();

  // In parallel, because they mostly wait for retries.
  test.concurrent.each(PLAYED)('every promise is kept: %s, seed %i', { timeout: 240_000 }, async (story, seed) => {
    for (const fault of await playWithFaults(story, seed)) befell.add(fault);
  });

  test.skipIf(chosen !== undefined)('each fault was injected', () => {
    const all = Object.entries(RATES).flatMap(([service, rates]) =>
      Object.keys(rates).map((name) => `${service} ${name}`),
    );
    expect([...befell].toSorted()).toEqual(all.toSorted());
  });
});

/** @returns the faults that were injected */
async function playWithFaults(story: Story, seed: number): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-fault-log-'));
  const log = join(dir, 'log');
  await writeFile(log, '');
  const aws = await startFaultyAws(seed);
  const vendors = await startVendors({ timeScale: TIME_SCALE, around: sometimesUnanswered(seed), channels: true });
  const product = await AttendedProduct.start({
    services: catalogueOf(story, SHOWN_SERVICE),
    configFiles: SHOWN_CONFIG,
    timeScale: TIME_SCALE,
    nodeArgs: ['--import', new URL('../../fault/inside.ts', import.meta.url).href],
    env: { ...vendors.env, ...aws.env, FIREBREAK_FAULT_SEED: String(seed), FIREBREAK_FAULT_LOG: log },
  });
  try {
    await product.get('/readyz');
    await aws.comeAgainAfter(COME_AGAIN_SECONDS);
    await play(story, product, vendors, { beforeTheEnd: () => untilOpenEverywhere(vendors, TOLD_WITHIN_MS) });
    aws.heal();
    await expectPromisesKept(story, product, vendors);
    await expectShown(product, vendors, { archived: false, withinMs: TOLD_WITHIN_MS });
    expect(product.deaths).toBe(0);
    return [...aws.injected(), ...(await readFile(log, 'utf8')).trim().split('\n')];
  } catch (error) {
    throw new Error(`${story}, seed ${seed}; last output:\n${product.output.slice(-4000)}`, { cause: error });
  } finally {
    await product.remove();
    await vendors.close();
    await aws.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Drops the responses to some of the vendors' effects. */
function sometimesUnanswered(seed: number): AroundEffect {
  const counts = new Map<string, number>();
  return async (call, effect) => {
    const [name = ''] = namesOf({ ...call, target: '' });
    const n = (counts.get(name) ?? 0) + 1;
    counts.set(name, n);
    const reply = await effect();
    return chanceOf(`${name} ${n} ${seed}`) < rateOf(call.vendor, name) ? undefined : reply;
  };
}

function rateOf(vendor: Vendor, name: string): number {
  if (vendor === 'pagerduty' || vendor === 'cd') return VENDOR_ANSWERS_LOST;
  return hasEffectWhereShown(name) ? OUTLET_ANSWERS_LOST : 0;
}
