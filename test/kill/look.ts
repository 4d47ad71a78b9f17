import { expectLookKept, LOOK_SERVICES, playLook } from '../support/scenario/look.ts';
import { type Course, playLives } from './lives.ts';

/**
 * 15 minutes of workflow waits take about 2 seconds. A day, after which an alert without a repeat no longer counts as firing,
 * takes longer than the story on a slow machine.
 */
const TIME_SCALE = 400;

/** A call takes effect before the next life has started: a pod that is created after the look has ended is left to its deadline. */
const LATE_MS = 50;

/**
 * Runs the story of a controlled look. Kills the product at each boundary, one per life, and expects that the story still
 * completes.
 */
export const playLookKilledAt = (kills: readonly string[]): Promise<Course> =>
  playLives(kills, {
    lateMs: LATE_MS,
    // The deadline of the pods is in real time, as the look is.
    vendors: { timeScale: 1, flags: true },
    product: () => ({ services: LOOK_SERVICES, timeScale: TIME_SCALE }),
    play: ({ product, vendors, nothingIsLate }) => playLook(product, vendors, nothingIsLate),
    expectKept: ({ product, vendors }) => expectLookKept(product, vendors),
  });
