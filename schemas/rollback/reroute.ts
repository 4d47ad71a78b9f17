import * as z from 'zod';
import { HttpUrl, Aws, ClusterAccess, KubernetesName, Auth } from '../config/endpoint.ts';
import { EnvironmentName, ServiceName } from '../config/names.ts';

/** Name of a traffic route within an environment, such as `regions`. */
const RouteName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must consist of lowercase letters, digits, _, and -, such as regions');

/**
 * One of the places among which the traffic is distributed. Before it gets more traffic, Firebreak checks its health:
 * that of a service and environment of the catalogue, and that of its own query.
 */
const RouteTarget = z.strictObject({
  /** Absent: the service of the route, if `environment` is set. */
  service: ServiceName.optional(),
  /** Absent: the environment of the route, if `service` is set. */
  environment: EnvironmentName.optional(),
  /** Healthy at or below `max`, in the query's unit. */
  health: z.strictObject({ promql: z.string().min(1), max: z.number() }).optional(),
  /** Percent of the traffic that it can take. */
  maxShare: z.number().min(1).max(100).default(100),
});

const Targets = z
  .record(z.string().min(1).max(128), RouteTarget)
  .refine((targets) => Object.keys(targets).length >= 2, 'must name at least two targets');

const Common = {
  /** By the name that they have where the traffic is distributed. */
  targets: Targets,
  /** Percent of the traffic that one step may shift. */
  maxShift: z.number().min(1).max(100).default(100),
};

/** A system with the HTTP API that `docs/reference/traffic-routes.md` describes. */
const HttpRoute = z.strictObject({ kind: z.literal('http'), ...Common, url: HttpUrl, auth: Auth.optional() });
export type HttpRoute = z.infer<typeof HttpRoute>;

/** Weighted records of Route 53. A target is a record's set identifier. */
const Route53Route = z.strictObject({
  kind: z.literal('route53'),
  ...Common,
  ...Aws,
  hostedZone: z.string().regex(/^[A-Z0-9]{1,32}$/, 'must be the ID of a hosted zone, such as Z0123456789ABCDEFGHIJ'),
  record: z
    .string()
    .regex(/^(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/, 'must be a DNS name, such as api.example.com'),
  /** All are changed together, and must have the same weights. */
  types: z
    .array(z.enum(['A', 'AAAA', 'CNAME']))
    .min(1)
    .default(['A']),
});
export type Route53Route = z.infer<typeof Route53Route>;

/** The weights of an HTTPRoute of the Kubernetes Gateway API. A target is a backend: the name of a Service, or `group/kind/name`. */
const GatewayRoute = z.strictObject({
  kind: z.literal('gateway-api'),
  ...Common,
  ...ClusterAccess,
  /** Name of the HTTPRoute. Absent: the service's name. */
  route: KubernetesName.optional(),
});
export type GatewayRoute = z.infer<typeof GatewayRoute>;

/** What distributes the traffic of a service among regions, clusters, or versions. */
export const RouteConfig = z.discriminatedUnion('kind', [HttpRoute, Route53Route, GatewayRoute]);
export type RouteConfig = z.infer<typeof RouteConfig>;

export const Routes = z.record(RouteName, RouteConfig);
