import * as z from 'zod';
import { DurationShorthand, secondsOf, type Shorthand } from './duration.ts';
import { BUCKET_SECONDS } from './time-window.ts';

const MINUTE_SECONDS = 60;
const SLICE_MAX_SECONDS = 24 * 3600;

/** A number is in minutes. */
const SliceSeconds = z.union([z.number(), DurationShorthand]).transform((slice, context): number => {
  const seconds = sliceSeconds(slice);
  if (seconds === MINUTE_SECONDS) return seconds;
  if (seconds > 0 && seconds <= SLICE_MAX_SECONDS && seconds % BUCKET_SECONDS === 0) return seconds;
  const message = 'must be 1m, or a multiple of five minutes up to one day, such as 5m';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const sliceSeconds = (slice: number | Shorthand): number =>
  typeof slice === 'number' ? slice * MINUTE_SECONDS : secondsOf(slice);

/** An objective of an SLO. `op` and `value` are for threshold metrics. */
export const Objective = z
  .strictObject({
    displayName: z.string().nullish(),
    op: z.enum(['lt', 'lte', 'gt', 'gte']).nullish(),
    value: z.number().nullish(),
    target: z.number().nullish(),
    targetPercent: z.number().nullish(),
    timeSliceTarget: z.number().gt(0).max(1).nullish(),
    timeSliceWindow: SliceSeconds.nullish(),
    indicator: z.unknown().optional(),
    indicatorRef: z.unknown().optional(),
    compositeWeight: z.unknown().optional(),
  })
  .superRefine(({ target, targetPercent, ...rest }, context) => {
    const problem = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
    if (target == null && targetPercent == null) problem([], '"target" or "targetPercent" is missing');
    if (target != null && targetPercent != null) problem([], 'set either "target" or "targetPercent", not both');
    const wrong = targetProblem(target, 1, 'target: 0.999') ?? targetProblem(targetPercent, 100, 'targetPercent: 99.9');
    if (wrong !== null) problem([target == null ? 'targetPercent' : 'target'], wrong);
    for (const key of ['indicator', 'indicatorRef', 'compositeWeight'] as const)
      if (rest[key] != null) problem([key], 'composite objectives are not supported (write an SLO for each indicator)');
  });
export type Objective = z.infer<typeof Objective>;

/** @param whole the value that would mean "always" */
function targetProblem(target: number | null | undefined, whole: 1 | 100, example: string): string | null {
  if (target == null) return null;
  const share = shareOf(target, whole);
  if (share === 1)
    return `a target of 100% leaves no budget, so that any error would freeze (use, for example, ${example})`;
  if (share > 1 && whole === 1 && target < 100)
    return `${target} is above 1 (for a percentage use targetPercent: ${target})`;
  return share > 0 && share < 1 ? null : `${target} must be above 0 and below ${whole}, such as ${example}`;
}

const SIGNIFICANT_DIGITS = 12;

/** Avoids rounding errors: 99.9% is exactly 0.999. */
const shareOf = (target: number, whole: 1 | 100): number =>
  whole === 1 ? target : Number((target / whole).toPrecision(SIGNIFICANT_DIGITS));

/** Returns the target, above 0 and below 1. */
export const targetOf = ({ target, targetPercent }: Objective): number => target ?? shareOf(targetPercent ?? 0, 100);
