import { expect } from 'vitest';
import type { CountedCall, Plan } from '../support/aws/interruptions.ts';
import { AwsProduct, type AwsProductOptions } from '../support/aws/product.ts';
import { startVendors } from '../support/scenario/vendors.ts';
import { type AwsStory, STORY_ENV } from './aws-stories.ts';

const TIME_SCALE = 1000;

/**
 * Plays a story on platform AWS with an empty table, and expects that nothing is lost and nothing happens twice.
 *
 * @param plan which of its calls are interrupted
 * @returns all calls to the platform, with those that were interrupted
 */
export async function playStory(
  story: AwsStory,
  { plan, faults }: { plan?: Plan } & Pick<AwsProductOptions, 'faults'> = {},
): Promise<readonly CountedCall[]> {
  const vendors = await startVendors({ timeScale: TIME_SCALE, ...(story.channels && { channels: true }) });
  const { FIREBREAK_SANDBOX: _, ...env } = vendors.env;
  const product = await AwsProduct.start({
    ...story,
    timeScale: TIME_SCALE,
    env: { ...env, ...STORY_ENV },
    ...(faults && { faults }),
  });
  try {
    await story.before?.(product);
    if (plan) product.interruptions.plan = plan;
    await story.play(product, vendors);
    product.heal();
    await story.expectKept(product, vendors);
    expect(await product.deadLetters()).toBe(0);
    return product.interruptions.calls;
  } catch (error) {
    throw new Error(`${String(error)}; last output:\n${product.output.slice(-6000)}`, { cause: error });
  } finally {
    await product.close();
    await vendors.close();
  }
}
