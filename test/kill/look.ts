import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { expectLookKept, LOOK_SERVICES, playLook } from '../support/scenario/look.ts';
import { AttendedProduct } from '../support/scenario/product.ts';
import { startVendors } from '../support/scenario/vendors.ts';
import { killerAtVendors } from './at-vendors.ts';
import { type Course, PAGING, retold } from './run.ts';

/**
 * 15 minutes of workflow waits take about 2 seconds. A day, after which an alert without a repeat no longer counts as firing,
 * takes longer than the story on a slow machine.
 */
const TIME_SCALE = 400;

/**
 * Milliseconds after the caller's death when an `ahead of` call takes effect: before the next life has started. A pod that is
 * created after the look has ended is left to its deadline.
 */
const LATE_MS = 50;

/**
 * Runs the story of a controlled look. Kills the product at each boundary, one per life, and expects that the story still
 * completes.
 */
export async function playLookKilledAt(kills: readonly string[]): Promise<Course> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-kill-'));
  const [armed, log] = [join(dir, 'armed'), join(dir, 'log')];
  await Promise.all([writeFile(armed, ''), writeFile(log, '')]);
  const killer = killerAtVendors(kills, () => existsSync(armed), LATE_MS);
  // The deadline of the pods is in real time, as the look is.
  const vendors = await startVendors({ timeScale: 1, around: killer.around, flags: true });
  const product = await AttendedProduct.start(
    {
      services: LOOK_SERVICES,
      configFiles: { 'paging.yaml': PAGING },
      timeScale: TIME_SCALE,
      nodeArgs: ['--import', new URL('./at.ts', import.meta.url).href],
      env: { ...vendors.env, FIREBREAK_KILL_ARMED: armed, FIREBREAK_KILL_LOG: log },
    },
    (life) => ({ FIREBREAK_KILL_AT: kills[life - 1] ?? '' }),
  );
  killer.aimAt(product);
  try {
    await playLook(product, vendors, killer.nothingIsLate);
    await rm(armed);
    await expectLookKept(product, vendors);
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
