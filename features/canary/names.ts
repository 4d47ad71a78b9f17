import * as z from 'zod';
import type { FeatureNames } from '../feature-names.ts';
import { CanaryConfig, CanaryId } from './canary.ts';

const button = <V extends string>(verb: V) =>
  z.object({
    verb: z.literal(verb),
    canary: CanaryId,
    /** Orders so far when the button was created: a promotion applies to the share of that time. */
    sequence: z.number().int(),
  });

/** The names of canaries. */
export const names = {
  feature: 'canary',
  actions: {
    'canaries:read': ['viewer', 'responder'],
    'canaries:write': ['responder'],
  },
  environment: {
    /** How a new version gets traffic step by step. Absent: no canaries by Firebreak. */
    canary: CanaryConfig.optional(),
  },
  targets({ canary }: { canary?: CanaryConfig }) {
    const traffic = canary?.traffic;
    if (traffic === undefined) return [];
    // A function of AWS is called with the role of the functions.
    if (traffic.kind === 'lambda-alias') return [{ vendor: 'aws' }];
    return [{ ...traffic, vendor: traffic.kind === 'http' ? 'cd' : 'kubernetes' }];
  },
  counters: {
    firebreak_canaries_total: {
      group: 'incidents',
      help: 'Completed canaries, by outcome: promoted, aborted, superseded, or failed (the traffic could not be set back)',
      labels: ['outcome'],
      known: { outcome: ['promoted', 'aborted', 'superseded', 'failed'] },
    },
  },
  buttons: [button('promote_canary'), button('hold_canary'), button('abort_canary')],
} as const satisfies FeatureNames;
