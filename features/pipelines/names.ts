import type { FeatureNames } from '../feature-names.ts';

/** The names of pipelines. */
export const names = {
  feature: 'pipelines',
  actions: {
    'pipelines:read': ['viewer', 'responder', 'approver'],
    'pipelines:write': [],
  },
} as const satisfies FeatureNames;
