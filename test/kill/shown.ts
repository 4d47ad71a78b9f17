import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectShown, SHOWN_CONFIG, SHOWN_SERVICE, untilOpenEverywhere } from '../support/scenario/shown.ts';
import { catalogueOf, expectPromisesKept, play } from '../support/scenario/scenario.ts';
import type { Death } from './boundaries.ts';
import { type Course, playLives } from './lives.ts';

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
  const clock = join(dir, 'clock');
  let ahead = 0;
  const advance = async (seconds: number): Promise<void> => writeFile(clock, String((ahead += seconds)));
  await advance(0);
  const now = (): number => Date.now() + ahead * 1000;
  try {
    return await playLives(death === undefined ? [] : [death.at], {
      lateMs: LATE_MS,
      vendors: { timeScale: TIME_SCALE, channels: true, now },
      product: () => ({
        services: catalogueOf('act', SHOWN_SERVICE),
        configFiles: SHOWN_CONFIG,
        timeScale: TIME_SCALE,
        nodeArgs: ['--import', new URL('./clock.ts', import.meta.url).href],
        env: { FIREBREAK_KILL_CLOCK: clock },
      }),
      beforeLife: async (life) => {
        if (life === 2) await advance(death?.deadFor ?? 0);
      },
      play: async ({ product, vendors, nothingIsLate }) => {
        const beforeTheEnd = (): Promise<void> => untilOpenEverywhere(vendors, TOLD_WITHIN_MS);
        await play('act', product, vendors, { now, beforeTheEnd });
        await expectPromisesKept('act', product, vendors);
        await expectShown(product, vendors, { archived: false, withinMs: TOLD_WITHIN_MS });
        await nothingIsLate();
        await advance(UNTIL_ARCHIVED);
        await expectShown(product, vendors, { archived: true, withinMs: TOLD_WITHIN_MS });
      },
      expectKept: ({ product, vendors }) => expectPromisesKept('act', product, vendors),
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
