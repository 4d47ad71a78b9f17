import type { FeatureDeps } from '../../manifest.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import { withPorts } from '../ports.ts';
import { argoRolloutsRoutes } from './argo-rollouts.ts';
import { deployGateRoute } from './deploy-gate.ts';
import { flaggerGateRoute } from './flagger-gate.ts';
import { freezeCheckRoutes } from './freeze-check.ts';
import { freezeGatesRoute } from './freeze-gates.ts';
import { freezeRoutes } from './freezes.ts';

/** Registers the routes of freezes, and of the checks that CD systems make. */
export function routes(app: Api, core: FeatureDeps): void {
  const deps = withPorts(core);
  freezeCheckRoutes(app, deps);
  freezeRoutes(app, deps);
  freezeGatesRoute(app, deps);
  flaggerGateRoute(app, deps);
  argoRolloutsRoutes(app, deps);
  deployGateRoute(app, deps);
}
