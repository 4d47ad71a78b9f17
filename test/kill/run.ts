import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { eventually } from '../support/firebreak.ts';
import { AttendedProduct } from '../support/scenario-product.ts';
import { startVendors } from '../support/scenario-vendors.ts';
import { catalogueOf, expectPromisesKept, play, type Story } from '../support/scenario.ts';
import { killerAtVendors } from './at-vendors.ts';

/** A quarter of an hour of the workflow's waits passes in a quarter of a second. */
const TIME_SCALE = 4000;

/** Nothing here ends for want of news. */
export const PAGING = stringify({ quietHours: 14 * 24 });

/** How long after the death of its caller a call `ahead of` its effect has it; the next life has repeated it by then. */
const LATE_MS = 1500;

/** How long the last calls may take after the last one of the vendors'. Milliseconds. */
const ENDING_MS = 1500;

/** `passed`: the boundaries in order, of all lives. `reached`: how many of the kills came about. */
export type Course = { passed: string[]; reached: number };

/**
 * Plays the story with an empty data folder, kills the product at the first boundary in its first life, at the second
 * one in its second life, and so on; and expects that all promises are kept.
 *
 * Boundaries are those of at.ts and of at-vendors.ts.
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
    // A page that comes only after its end opens another one at PagerDuty, which nobody but PagerDuty could prevent.
    await play(story, product, vendors, { beforeTheEnd: killer.nothingIsLate });
    await untilOver(product, kills.length);
    await killer.nothingIsLate();
    await rm(armed);
    await expectPromisesKept(story, product, vendors);
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    const reached = lines.filter((line) => line.startsWith('killed ')).length + killer.killed();
    expect(product.deaths, 'it died by our hand alone').toBe(reached);
    return { passed: lines.filter((line) => !line.startsWith('killed ')), reached };
  } catch (error) {
    throw new Error(retold(kills, product.output), { cause: error });
  } finally {
    await product.remove();
    await vendors.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The workflow has ended, or there is nothing left to wait for: the line that says so may have died with its process. */
export async function untilOver(product: AttendedProduct, kills: number): Promise<void> {
  const over = async () => (kills > 0 && product.deaths >= kills) || product.output.includes('"execution-ended"');
  await eventually(over, 'the end of the workflow', ENDING_MS).catch(() => undefined);
}

export const retold = (kills: readonly string[], output: string): string =>
  `killed at: ${kills.join(' ; ') || 'nowhere'}\nwhat it printed last:\n${output.slice(-4000)}`;
