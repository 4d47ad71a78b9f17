import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { AttendedProduct } from '../support/scenario/product.ts';
import { expectShown, SHOWN_CONFIG, SHOWN_SERVICE, untilOpenEverywhere } from '../support/scenario/shown.ts';
import { startVendors } from '../support/scenario/vendors.ts';
import { catalogueOf, expectPromisesKept, play } from '../support/scenario/scenario.ts';
import { killerAtVendors } from './at-vendors.ts';
import type { Death } from './boundaries.ts';
import { type Course, PAGING, retold } from './run.ts';

/** Workflow waits end before Slack's rate limit lets all messages through. */
const TIME_SCALE = 150;

/** Milliseconds after the caller's death when a late call takes effect, in addition to `deadFor`. */
const LATE_MS = 6000;

/**
 * Seconds until a channel is archived: it stays open for two minutes after the end, and the sweeper finds overdue work.
 */
const UNTIL_ARCHIVED = 120 + 50;

/**
 * Milliseconds until everything is shown: includes the time after which an effect that can't be found is repeated, on a
 * busy machine.
 */
const TOLD_WITHIN_MS = 120_000;

/**
 * Runs the story with all vendors that show incidents. Kills the product at the given death. Expects that all promises
 * are kept, and that everything is shown completely and once.
 *
 * @param death the death in the first life; undefined for none
 */
export async function playShown(death?: Death): Promise<Course> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-shown-'));
  const [armed, log, clock] = [join(dir, 'armed'), join(dir, 'log'), join(dir, 'clock')];
  let ahead = 0;
  const advance = async (seconds: number): Promise<void> => writeFile(clock, String((ahead += seconds)));
  await Promise.all([writeFile(armed, ''), writeFile(log, ''), advance(0)]);

  const kills = death === undefined ? [] : [death.at];
  const killer = killerAtVendors(kills, () => existsSync(armed), LATE_MS);
  const now = (): number => Date.now() + ahead * 1000;
  const vendors = await startVendors({ timeScale: TIME_SCALE, around: killer.around, channels: true, now });
  const preloaded = ['./clock.ts', './at.ts'].map((file) => new URL(file, import.meta.url).href);
  const product = await AttendedProduct.start(
    {
      services: catalogueOf('act', SHOWN_SERVICE),
      configFiles: { 'paging.yaml': PAGING, ...SHOWN_CONFIG },
      timeScale: TIME_SCALE,
      nodeArgs: preloaded.flatMap((file) => ['--import', file]),
      env: { ...vendors.env, FIREBREAK_KILL_ARMED: armed, FIREBREAK_KILL_LOG: log, FIREBREAK_KILL_CLOCK: clock },
    },
    async (life) => {
      if (life === 2) await advance(death?.deadFor ?? 0);
      return { FIREBREAK_KILL_AT: kills[life - 1] ?? '' };
    },
  );
  killer.aimAt(product);
  const beforeTheEnd = (): Promise<void> => untilOpenEverywhere(vendors, TOLD_WITHIN_MS);
  try {
    await play('act', product, vendors, { now, beforeTheEnd });
    await expectPromisesKept('act', product, vendors);
    await expectShown(product, vendors, { archived: false, withinMs: TOLD_WITHIN_MS });
    await killer.nothingIsLate();
    await advance(UNTIL_ARCHIVED);
    await expectShown(product, vendors, { archived: true, withinMs: TOLD_WITHIN_MS });
    await rm(armed);
    await expectPromisesKept('act', product, vendors);
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
