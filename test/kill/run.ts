import { eventually } from '../support/firebreak.ts';
import type { AttendedProduct } from '../support/scenario/product.ts';
import { catalogueOf, expectEvidence, expectPromisesKept, play, type Story } from '../support/scenario/scenario.ts';
import { type Course, playLives } from './lives.ts';

/**
 * 15 minutes of workflow waits take about 2 seconds. A day, after which an alert without a repeat no longer counts as firing,
 * takes longer than the story on a slow machine.
 */
const TIME_SCALE = 400;

/**
 * Milliseconds after the caller's death when an `ahead of` call takes effect. The next life has repeated the call by
 * then.
 */
const LATE_MS = 1500;

/** Maximum milliseconds from the last vendor call to the last call. */
const ENDING_MS = 1500;

/**
 * Runs the story with an empty data folder. Kills the product at the first boundary in its first life, at the second
 * one in its second life, and so on. Expects that all promises are kept.
 *
 * at.ts and at-vendors.ts define the boundaries.
 */
export const playKilledAt = (kills: readonly string[], story: Story): Promise<Course> =>
  playLives(kills, {
    lateMs: LATE_MS,
    vendors: { timeScale: TIME_SCALE },
    product: () => ({ services: catalogueOf(story), timeScale: TIME_SCALE }),
    play: async ({ product, vendors, nothingIsLate }) => {
      // A page that arrives after its resolve event opens another incident at PagerDuty, which only PagerDuty could
      // prevent.
      await play(story, product, vendors, { beforeTheEnd: nothingIsLate });
      await untilOver(product, kills.length);
      await nothingIsLate();
      // Stored by the sweeper, at any time until here.
      await expectEvidence(product);
    },
    expectKept: ({ product, vendors }) => expectPromisesKept(story, product, vendors),
  });

/**
 * Waits until the workflow has ended. Does not wait after the last kill, since the log line about the end may be lost
 * with its process.
 */
async function untilOver(product: AttendedProduct, kills: number): Promise<void> {
  const over = async () => (kills > 0 && product.deaths >= kills) || product.output.includes('"execution-ended"');
  await eventually(over, 'the end of the workflow', ENDING_MS).catch(() => undefined);
}
