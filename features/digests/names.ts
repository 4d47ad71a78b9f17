import type { FeatureNames } from '../feature-names.ts';
import { ToilMinutes } from './toil.ts';

/** The names of the digest of a team. */
export const names = {
  feature: 'digests',
  response: {
    /** Minutes that a person needs for each task, for the digest in the console. Absent: it counts tasks, but no minutes. */
    toilMinutes: ToilMinutes.default({}),
  },
} as const satisfies FeatureNames;
