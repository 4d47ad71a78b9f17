import { expect, test } from 'vitest';
import type { Vendor } from '../../packages/sandbox/core/index.ts';
import { chanceOf, hasEffectWhereShown } from '../kill/boundaries.ts';
import { nameOf } from '../kill/calls.ts';
import { AwsProduct } from '../support/aws/product.ts';
import { catalogueOf, expectPromisesKept, play, type Story } from '../support/scenario/scenario.ts';
import { expectShown, SHOWN_CONFIG, SHOWN_SERVICE, untilOpenEverywhere } from '../support/scenario/shown.ts';
import { type AroundEffect, startVendors } from '../support/scenario/vendors.ts';
import { OUTLET_ANSWERS_LOST, RATES, VENDOR_ANSWERS_LOST } from './faults.ts';

const TIME_SCALE = 1000;

/** Milliseconds until everything is shown. After a lost response, a vendor is not called for some seconds. */
const SHOWN_WITHIN_MS = 90_000;

const SEED = Number(process.env['FIREBREAK_SEED'] ?? 1);
const PLAYED: Story[] = ['act', 'approve'];

const happened = new Set<string>();

test.each(PLAYED)(
  'while AWS throttles, conflicts, responds late, returns stale data, or does not respond, every promise is kept: %s',
  async (story) => {
    const vendors = await startVendors({ timeScale: TIME_SCALE, around: sometimesUnanswered(SEED), channels: true });
    const { FIREBREAK_SANDBOX: _, ...env } = vendors.env;
    const product = await AwsProduct.start({
      services: catalogueOf(story, SHOWN_SERVICE),
      configFiles: SHOWN_CONFIG,
      timeScale: TIME_SCALE,
      env,
      faults: { seed: SEED, rates: RATES },
    });
    try {
      await play(story, product, vendors, { beforeTheEnd: () => untilOpenEverywhere(vendors, SHOWN_WITHIN_MS) });
      product.heal();
      await expectPromisesKept(story, product, vendors);
      await expectShown(product, vendors, { archived: false, withinMs: SHOWN_WITHIN_MS });
      expect(await product.deadLetters()).toBe(0);
      for (const fault of product.faults) happened.add(fault);
    } catch (error) {
      throw new Error(
        `${story}, FIREBREAK_SEED=${SEED}: ${String(error)}; last output:\n${product.output.slice(-4000)}`,
        {
          cause: error,
        },
      );
    } finally {
      await product.close();
      await vendors.close();
    }
  },
);

test('faults of many kinds happened', () => {
  const all = Object.entries(RATES).flatMap(([service, rates]) =>
    Object.keys(rates).map((name) => `${service} ${name}`),
  );
  console.log(`faults that did not happen: ${all.filter((fault) => !happened.has(fault)).join(', ') || 'none'}`);
  expect(happened.size).toBeGreaterThan(all.length / 2); // which of them depends on the seed
});

/** Drops the responses to some of the vendors' effects. */
function sometimesUnanswered(seed: number): AroundEffect {
  const counts = new Map<string, number>();
  return async (call, effect) => {
    const name = nameOf(call);
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
