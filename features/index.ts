import { auditStream } from './audit-stream/feature.ts';
import { canary } from './canary/feature.ts';
import { delivery } from './delivery/feature.ts';
import { digests } from './digests/feature.ts';
import { experiments } from './experiments/feature.ts';
import { freeze } from './freeze/feature.ts';
import { mcp } from './mcp/feature.ts';
import { postmortems } from './postmortems/feature.ts';
import type { Feature } from './manifest.ts';
import { simulation } from './simulation/feature.ts';
import { slo } from './slo/feature.ts';
import { stakeholders } from './stakeholders/feature.ts';
import { statusPage } from './status-page/feature.ts';
import { pipelines } from './pipelines/feature.ts';

/** All features. To leave a feature out, delete its folder, and its entries here and in `names.ts`. */
export const FEATURES: readonly Feature[] = [
  auditStream,
  canary,
  delivery,
  digests,
  experiments,
  freeze,
  mcp,
  pipelines,
  postmortems,
  simulation,
  slo,
  stakeholders,
  statusPage,
];
