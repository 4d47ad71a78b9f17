import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { eventually } from '../support/firebreak.ts';
import { AttendedProduct } from '../support/scenario/product.ts';
import { startVendors } from '../support/scenario/vendors.ts';
import { catalogueOf, expectEvidence, expectPromisesKept, play, type Story } from '../support/scenario/scenario.ts';
import { killerAtVendors } from './at-vendors.ts';

/**
 * 15 minutes of workflow waits take about 2 seconds. A day, after which an alert without a repeat no longer counts as firing,
 * takes longer than the story on a slow machine.
 */
const TIME_SCALE = 400;

/** Incidents do not end for lack of news. */
export const PAGING = stringify({ autoResolveHours: 14 * 24 });

/**
 * Milliseconds after the caller's death when an `ahead of` call takes effect. The next life has repeated the call by
 * then.
 */
const LATE_MS = 1500;

/** Maximum milliseconds from the last vendor call to the last call. */
const ENDING_MS = 1500;

/** `passed`: the boundaries of all lives, in order. `reached`: the number of kills that happened. */
export type Course = { passed: string[]; reached: number };

/**
 * Runs the story with an empty data folder. Kills the product at the first boundary in its first life, at the second
 * one in its second life, and so on. Expects that all promises are kept.
 *
 * at.ts and at-vendors.ts define the boundaries.
 */
export async function playKilledAt(kills: readonly string[], story: Story): Promise<Course> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-kill-'));
  const [armed, log] = [join(dir, 'armed'), join(dir, 'log')];
  await Promise.all([writeFile(armed, ''), writeFile(log, '')]);
  const killer = killerAtVendors(kills, () => existsSync(armed), LATE_MS);
  const vendors = await startVendors({ timeScale: TIME_SCALE, around: killer.around });
  const product = await AttendedProduct.start(
    {
      services: catalogueOf(story),
      configFiles: { 'paging.yaml': PAGING },
      timeScale: TIME_SCALE,
      nodeArgs: ['--import', new URL('./at.ts', import.meta.url).href],
      env: { ...vendors.env, FIREBREAK_KILL_ARMED: armed, FIREBREAK_KILL_LOG: log },
    },
    (life) => ({ FIREBREAK_KILL_AT: kills[life - 1] ?? '' }),
  );
  killer.aimAt(product);
  try {
    // A page that arrives after its resolve event opens another incident at PagerDuty, which only PagerDuty could
    // prevent.
    await play(story, product, vendors, { beforeTheEnd: killer.nothingIsLate });
    await untilOver(product, kills.length);
    await killer.nothingIsLate();
    // Stored by the sweeper, at any time until here.
    await expectEvidence(product);
    await rm(armed);
    await expectPromisesKept(story, product, vendors);
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    const reached = lines.filter((line) => line.startsWith('killed ')).length + killer.killed();
    expect(product.deaths, 'the product died only by these kills').toBe(reached);
    return { passed: lines.filter((line) => !line.startsWith('killed ')), reached };
  } catch (error) {
    throw new Error(retold(kills, product.output, error), { cause: error });
  } finally {
    await product.remove();
    await killer.nothingIsLate();
    await vendors.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Waits until the workflow has ended. Does not wait after the last kill, since the log line about the end may be lost
 * with its process.
 */
export async function untilOver(product: AttendedProduct, kills: number): Promise<void> {
  const over = async () => (kills > 0 && product.deaths >= kills) || product.output.includes('"execution-ended"');
  await eventually(over, 'the end of the workflow', ENDING_MS).catch(() => undefined);
}

/** Describes a failure: first what failed, because a report may be cut off, then the product's last output. */
export const retold = (kills: readonly string[], output: string, cause: unknown): string =>
  `killed at: ${kills.join(' ; ') || 'nowhere'}\n${inspect(cause)}\nlast output:\n${output.slice(-4000)}`;
