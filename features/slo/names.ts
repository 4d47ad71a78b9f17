import type { FeatureNames } from '../feature-names.ts';

/** The names of objectives. The core has their configuration and permissions, because it reads health from them. */
export const names = { feature: 'slo' } as const satisfies FeatureNames;

/** Folder of objectives in the configuration folder. */
export const SLO_FOLDER = 'slos';
