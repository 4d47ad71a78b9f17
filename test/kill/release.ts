import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { EACH_ALONE } from '../support/firebreak.ts';
import { AttendedProduct } from '../support/scenario/product.ts';
import {
  expectReleaseKept,
  playRelease,
  RELEASE_TIME_SCALE,
  releaseServices,
  type ReleaseStory,
  startProbe,
} from '../support/scenario/release.ts';
import { startVendors } from '../support/scenario/vendors.ts';
import { killerAtVendors } from './at-vendors.ts';
import { type Course, PAGING, retold } from './run.ts';

/** Milliseconds after the product's death when a vendor handles the call at whose arrival it died (boundary `ahead of`). */
const LATE_MS = 1500;

/**
 * Runs the story of a new version. Kills the product at each boundary, one per life, and expects the same outcome. `at.ts`
 * kills at the boundaries inside of the product, and `at-vendors.ts` at those inside of a vendor.
 */
export async function playReleaseKilledAt(kills: readonly string[], story: ReleaseStory): Promise<Course> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-kill-'));
  const [armed, log] = [join(dir, 'armed'), join(dir, 'log')];
  await Promise.all([writeFile(armed, ''), writeFile(log, '')]);
  const killer = killerAtVendors(kills, () => existsSync(armed), LATE_MS);
  const vendors = await startVendors({ timeScale: RELEASE_TIME_SCALE, around: killer.around });
  const probe = await startProbe();
  const product = await AttendedProduct.start(
    {
      services: releaseServices(story, probe.url),
      configFiles: { 'paging.yaml': PAGING, ...EACH_ALONE },
      timeScale: RELEASE_TIME_SCALE,
      nodeArgs: ['--import', new URL('./at.ts', import.meta.url).href],
      env: { ...vendors.env, FIREBREAK_KILL_ARMED: armed, FIREBREAK_KILL_LOG: log },
    },
    (life) => ({ FIREBREAK_KILL_AT: kills[life - 1] ?? '' }),
  );
  killer.aimAt(product);
  try {
    await playRelease(story, product, vendors);
    await killer.nothingIsLate();
    await rm(armed);
    await expectReleaseKept(story, { product, vendors, probe });
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
    await probe.close();
    await rm(dir, { recursive: true, force: true });
  }
}
