import type { FeatureDeps } from '../../manifest.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import { withPorts } from '../ports.ts';
import { sloCorrectionRoutes } from './slo-corrections.ts';
import { sloRoutes } from './slos.ts';

/** Registers the routes of objectives. */
export function objectiveRoutes(app: Api, deps: FeatureDeps): void {
  sloRoutes(app, withPorts(deps));
  sloCorrectionRoutes(app, withPorts(deps));
}
