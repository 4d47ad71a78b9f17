import * as z from 'zod';
import { HttpUrl, ClusterAccess, KubernetesName, Auth } from '../../schemas/config/endpoint.ts';
import { LambdaAliasDeployer } from '../../vendors/aws/schema.ts';
import { ArgoRolloutsDeployer } from '../../vendors/kubernetes/schema.ts';

/** A system with the HTTP API that `docs/reference/traffic-routers.md` describes. */
const HttpTraffic = z.strictObject({
  kind: z.literal('http'),
  /** Absent: `TRAFFIC_URL`, in the sandbox its stand-in. */
  url: HttpUrl.optional(),
  auth: Auth.optional(),
});
export type HttpTraffic = z.infer<typeof HttpTraffic>;

/** A Kubernetes Service that gets traffic, and the Deployment whose pods it selects. */
const TrafficBackend = z.strictObject({
  service: KubernetesName,
  /** Absent: the name of the Service. */
  deployment: KubernetesName.optional(),
});
export type TrafficBackend = z.infer<typeof TrafficBackend>;

const Backends = {
  /** The new version is deployed behind the one without traffic. */
  backends: z
    .array(TrafficBackend)
    .length(2)
    .refine(([one, other]) => one?.service !== other?.service, 'must be two different Services'),
  /** The container whose image tag is the version. Absent: the first container. */
  container: KubernetesName.optional(),
};

/** The weights of an HTTPRoute of the Kubernetes Gateway API. */
const GatewayTraffic = z.strictObject({
  kind: z.literal('gateway-api'),
  ...ClusterAccess,
  /** Name of the HTTPRoute. Absent: the service's name. */
  route: KubernetesName.optional(),
  ...Backends,
});
export type GatewayTraffic = z.infer<typeof GatewayTraffic>;

/** The weights of a TrafficSplit of the Service Mesh Interface. */
const SmiTraffic = z.strictObject({
  kind: z.literal('smi'),
  ...ClusterAccess,
  /** Name of the TrafficSplit. Absent: the service's name. */
  split: KubernetesName.optional(),
  apiVersion: z.enum(['v1alpha2', 'v1alpha3', 'v1alpha4']).default('v1alpha4'),
  ...Backends,
});
export type SmiTraffic = z.infer<typeof SmiTraffic>;

/** What distributes the traffic of a service between two versions. */
export const TrafficConfig = z.discriminatedUnion('kind', [
  HttpTraffic,
  LambdaAliasDeployer,
  GatewayTraffic,
  SmiTraffic,
  ArgoRolloutsDeployer,
]);
export type TrafficConfig = z.infer<typeof TrafficConfig>;
