import { expectRunbookKept, playRunbook, runbooksFor, SERVICES, startOps } from '../support/scenario/runbook.ts';
import type { AroundEffect } from '../support/scenario/vendors.ts';
import { type Course, playLives } from './lives.ts';

/**
 * 15 minutes of workflow waits take about 2 seconds, and a day, after which an alert without a repeat no longer counts as
 * firing, takes more than the story on a slow machine.
 */
const TIME_SCALE = 400;

const LATE_MS = 1500;

/**
 * Runs the story of a runbook. Kills the product at each boundary, one per life, and expects that the story still
 * completes.
 */
export async function playRunbookKilledAt(kills: readonly string[]): Promise<Course> {
  let around: AroundEffect = (_, effect) => effect();
  const ops = await startOps((...call) => around(...call));
  try {
    return await playLives(kills, {
      lateMs: LATE_MS,
      vendors: { timeScale: TIME_SCALE, flags: true },
      product: (killing) => {
        around = killing;
        return { services: SERVICES, runbooks: runbooksFor(ops.url), timeScale: TIME_SCALE };
      },
      play: ({ product, vendors, nothingIsLate }) => playRunbook(product, vendors, nothingIsLate),
      expectKept: ({ product, vendors }) => expectRunbookKept(product, vendors, ops),
    });
  } finally {
    await ops.close();
  }
}
