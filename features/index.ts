import { experiments } from './experiments/feature.ts';
import type { Feature } from './manifest.ts';
import { pipelines } from './pipelines/feature.ts';

/** All features. To leave a feature out, delete its folder, and its entries here and in `names.ts`. */
export const FEATURES: readonly Feature[] = [pipelines, experiments];
