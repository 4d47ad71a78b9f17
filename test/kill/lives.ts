import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { FirebreakOptions } from '../support/firebreak.ts';
import { AttendedProduct } from '../support/scenario/product.ts';
import { type AroundEffect, startVendors, type VendorOptions, type Vendors } from '../support/scenario/vendors.ts';
import { killerAtVendors } from './at-vendors.ts';

/** `passed`: the boundaries of all lives, in order. `reached`: the number of kills that happened. */
export type Course = { passed: string[]; reached: number };

/** `nothingIsLate`: resolves when all delayed calls were handled. */
type Stage = { product: AttendedProduct; vendors: Vendors; nothingIsLate(): Promise<void> };

type KilledStory = {
  /** Milliseconds after the caller's death when an `ahead of` call takes effect. */
  lateMs: number;
  vendors: Omit<VendorOptions, 'around'>;
  /** Returns the options of the product. @param around wraps the effects of calls to other systems */
  product(around: AroundEffect): FirebreakOptions;
  /** Runs before each life, starting at 1. */
  beforeLife?(life: number): Promise<void>;
  play(stage: Stage): Promise<void>;
  /** Expects that the promises of the story are kept. Its calls are no boundaries. */
  expectKept(stage: Stage): Promise<void>;
};

/** Incidents do not end for lack of news. */
const PAGING = stringify({ autoResolveHours: 14 * 24 });

const PRELOADED = new URL('./at.ts', import.meta.url).href;

/**
 * Plays a story with an empty data folder. Kills the product at the first boundary in its first life, at the second one in its
 * second life, and so on. at.ts defines the boundaries inside of the product, and at-vendors.ts those inside of a vendor.
 */
export async function playLives(kills: readonly string[], story: KilledStory): Promise<Course> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-kill-'));
  const killer = killerAtVendors(kills, () => existsSync(join(dir, 'armed')), story.lateMs);
  const vendors = await startVendors({ ...story.vendors, around: killer.around });
  try {
    return await playWith(vendors, kills, story, { dir, killer });
  } finally {
    await vendors.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Plays a story with these vendors, which live on. */
async function playWith(
  vendors: Vendors,
  kills: readonly string[],
  story: KilledStory,
  { dir, killer }: { dir: string; killer: ReturnType<typeof killerAtVendors> },
): Promise<Course> {
  const { around, aimAt, killed, nothingIsLate } = killer;
  const [armed, log] = [join(dir, 'armed'), join(dir, 'log')];
  await Promise.all([writeFile(armed, ''), writeFile(log, '')]);
  const options = story.product(around);
  const product = await AttendedProduct.start(
    {
      ...options,
      configFiles: { 'paging.yaml': PAGING, ...options.configFiles },
      nodeArgs: [...(options.nodeArgs ?? []), '--import', PRELOADED],
      env: { ...vendors.env, ...options.env, FIREBREAK_KILL_ARMED: armed, FIREBREAK_KILL_LOG: log },
    },
    async (life) => {
      await story.beforeLife?.(life);
      return { FIREBREAK_KILL_AT: kills[life - 1] ?? '' };
    },
  );
  aimAt(product);
  const stage = { product, vendors, nothingIsLate };
  try {
    await story.play(stage);
    await rm(armed);
    await story.expectKept(stage);
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    const reached = lines.filter((line) => line.startsWith('killed ')).length + killed();
    expect(product.deaths, 'the product died only by these kills').toBe(reached);
    return { passed: lines.filter((line) => !line.startsWith('killed ')), reached };
  } catch (error) {
    throw new Error(retold(kills, product.output, error), { cause: error });
  } finally {
    await product.remove();
    await nothingIsLate();
  }
}

/** Describes a failure: first what failed, because a report may be cut off, then the product's last output. */
const retold = (kills: readonly string[], output: string, cause: unknown): string =>
  `killed at: ${kills.join(' ; ') || 'nowhere'}\n${inspect(cause)}\nlast output:\n${output.slice(-4000)}`;
