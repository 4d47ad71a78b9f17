import { FEATURES } from '../../features/index.ts';

/** The verbs of features, by name. */
export const FEATURE_VERBS = Object.fromEntries(
  (await Promise.all(FEATURES.flatMap(({ verbs }) => verbs?.() ?? []))).flatMap(Object.entries),
);
