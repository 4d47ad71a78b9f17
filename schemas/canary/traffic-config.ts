import * as z from 'zod';
import { HttpUrl } from '../config/endpoint.ts';
import { LambdaAliasDeployer } from '../rollback/targets/aws.ts';
import { Auth } from '../rollback/targets/target.ts';

/** A system with the HTTP API that `docs/reference/traffic-routers.md` describes. */
const HttpTraffic = z.strictObject({
  kind: z.literal('http'),
  /** Absent: `TRAFFIC_URL`, in the sandbox its stand-in. */
  url: HttpUrl.optional(),
  auth: Auth.optional(),
});
export type HttpTraffic = z.infer<typeof HttpTraffic>;

/** What distributes the traffic of a service between two versions. */
export const TrafficConfig = z.discriminatedUnion('kind', [HttpTraffic, LambdaAliasDeployer]);
export type TrafficConfig = z.infer<typeof TrafficConfig>;
