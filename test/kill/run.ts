import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from '../support/firebreak.ts';
import { AttendedProduct } from '../support/scenario-product.ts';
import { type AfterEffect, startVendors } from '../support/scenario-vendors.ts';
import { catalogueOf, expectPromisesKept, play, type Story } from '../support/scenario.ts';
import { nameOf } from './calls.ts';

/** An hour of the workflow's waits passes in about two seconds. */
const TIME_SCALE = 2000;

/** How long the last calls may take after the last of the vendors'. Milliseconds. */
const ENDING_MS = 1500;

/** `passed`: the boundaries in order, of all lives. `reached`: how many of the kills came about. */
export type Course = { passed: string[]; reached: number };

/**
 * Plays the story with an empty data folder, kills the product at the first boundary in its first life, at the second
 * one in its second life, and so on; and expects that all promises are kept.
 *
 * Boundaries are those of at.ts, and `inside <call> #<n>`: a vendor has done what the call asks for, and not answered.
 */
export async function playKilledAt(kills: readonly string[], story: Story): Promise<Course> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-kill-'));
  const [armed, log] = [join(dir, 'armed'), join(dir, 'log')];
  await Promise.all([writeFile(armed, ''), writeFile(log, '')]);
  const killed = { inside: 0 };
  const counts = new Map<string, number>();
  const afterEffect: AfterEffect = async (call) => {
    const name = nameOf({ ...call, target: '' });
    const n = (counts.get(name) ?? 0) + 1;
    counts.set(name, n);
    if (!existsSync(armed) || kills[product.deaths] !== `inside ${name} #${n}`) return true;
    killed.inside += 1;
    await product.kill9();
    return false;
  };
  const vendors = await startVendors({ timeScale: TIME_SCALE, afterEffect });
  const product = await AttendedProduct.start(
    {
      services: catalogueOf(story),
      timeScale: TIME_SCALE,
      nodeArgs: ['--import', './test/kill/at.ts'],
      env: { ...vendors.env, FIREBREAK_KILL_ARMED: armed, FIREBREAK_KILL_LOG: log },
    },
    (life) => ({ FIREBREAK_KILL_AT: kills[life - 1] ?? '' }),
  );
  try {
    await play(story, product, vendors);
    const over = async () => product.deaths >= Math.max(kills.length, 1) || product.output.includes('"execution-ended"');
    await eventually(over, 'the end of the workflow', ENDING_MS).catch(() => undefined); // the line may have died with it
    await rm(armed);
    await expectPromisesKept(story, product, vendors);
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    const reached = lines.filter((line) => line.startsWith('killed ')).length + killed.inside;
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

const retold = (kills: readonly string[], output: string): string =>
  `killed at: ${kills.join(' ; ') || 'nowhere'}\nwhat it printed last:\n${output.slice(-4000)}`;
