import { experiments } from './experiments/feature.ts';
import { postmortems } from './postmortems/feature.ts';
import type { Feature } from './manifest.ts';

/** All features. To leave a feature out, delete its folder, and its entries here and in `names.ts`. */
export const FEATURES: readonly Feature[] = [experiments, postmortems];
