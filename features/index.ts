import { digests } from './digests/feature.ts';
import { experiments } from './experiments/feature.ts';
import { postmortems } from './postmortems/feature.ts';
import type { Feature } from './manifest.ts';
import { simulation } from './simulation/feature.ts';
import { stakeholders } from './stakeholders/feature.ts';
import { pipelines } from './pipelines/feature.ts';

/** All features. To leave a feature out, delete its folder, and its entries here and in `names.ts`. */
export const FEATURES: readonly Feature[] = [digests, experiments, pipelines, postmortems, simulation, stakeholders];
