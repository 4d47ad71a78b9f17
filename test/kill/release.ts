import { EACH_ALONE } from '../support/firebreak.ts';
import {
  expectReleaseKept,
  playRelease,
  RELEASE_TIME_SCALE,
  releaseServices,
  type ReleaseStory,
  startProbe,
} from '../support/scenario/release.ts';
import { type Course, playLives } from './lives.ts';

const LATE_MS = 1500;

/** Runs the story of a new version. Kills the product at each boundary, one per life, and expects the same outcome. */
export async function playReleaseKilledAt(kills: readonly string[], story: ReleaseStory): Promise<Course> {
  const probe = await startProbe();
  try {
    return await playLives(kills, {
      lateMs: LATE_MS,
      vendors: { timeScale: RELEASE_TIME_SCALE },
      product: () => ({
        services: releaseServices(story, probe.url),
        configFiles: EACH_ALONE,
        timeScale: RELEASE_TIME_SCALE,
      }),
      play: async ({ product, vendors, nothingIsLate }) => {
        await playRelease(story, product, vendors);
        await nothingIsLate();
      },
      expectKept: ({ product, vendors }) => expectReleaseKept(story, { product, vendors, probe }),
    });
  } finally {
    await probe.close();
  }
}
