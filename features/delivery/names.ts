import type { FeatureNames } from '../feature-names.ts';
import { deliveryConfig } from './config.ts';

/** The names of delivery figures. */
export const names = {
  feature: 'delivery',
  deliveryFile: deliveryConfig,
  // The days of which the rollups are not current.
  changeMarks: ['DEPLOYMARKS'],
} as const satisfies FeatureNames;
