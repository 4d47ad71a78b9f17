import { secretNameIn } from '../../../core/domain/runbooks/secret-names.ts';
import type { ConfiguredSystems } from '../../../core/domain/ports/extensions.ts';
import { credentialOf } from '../../../vendors/connections/check-result.ts';
import type { TrafficConfig } from '../traffic-config.ts';
import type { Deps } from '../ports.ts';

/** Returns the part that finds traffic routers that can't be called, without calling them. */
export const trafficRouters = (deps: Pick<Deps, 'trafficRouterFor' | 'secrets'>): ConfiguredSystems => ({
  async problems({ canary }, serviceEnvironment) {
    if (canary === undefined) return [];
    const { traffic } = canary;
    if ((await deps.trafficRouterFor(traffic, serviceEnvironment)) === undefined)
      return [`the traffic router (${traffic.kind}) has no address: set its \`url\`, or ${ADDRESSES[traffic.kind]}`];
    const name = credentialFor(traffic);
    if (name === null) return []; // called with the IAM role of the functions
    if (name === undefined) return ['the traffic router is called without credentials (no "auth")'];
    return (await credentialOf(deps.secrets, name)) ? [] : [`the secret ${name} of the traffic router is not set`];
  },
});

const ADDRESSES = {
  http: 'TRAFFIC_URL',
  'lambda-alias': 'AWS_TARGETS_URL',
  'gateway-api': 'KUBERNETES_URL',
  smi: 'KUBERNETES_URL',
  'argo-rollouts': 'KUBERNETES_URL',
} as const satisfies Record<TrafficConfig['kind'], string>;

/** Returns the name of a router's secret. Null: it needs none. Undefined: it has none. */
function credentialFor(traffic: TrafficConfig): string | null | undefined {
  switch (traffic.kind) {
    case 'http':
      return traffic.auth && secretNameIn(traffic.auth);
    case 'lambda-alias':
      return null;
    case 'gateway-api':
    case 'smi':
    case 'argo-rollouts':
      return traffic.auth?.bearer ?? 'KUBERNETES_TOKEN';
  }
}
