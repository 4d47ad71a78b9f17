import * as z from 'zod';
import { HttpUrl, Auth } from '../../schemas/config/endpoint.ts';
import { url } from '../../schemas/config/variable.ts';
import type { RollbackTarget } from '../../schemas/rollback/target.ts';

/** A CD system with the HTTP API that `docs/reference/deployers.md` describes. */
const HttpDeployer = z.strictObject({
  kind: z.literal('http'),
  /** Absent: the CD system at `CD_URL`, in the sandbox its stand-in. */
  url: HttpUrl.optional(),
  auth: Auth.optional(),
  /** Whether it reads `from_commit` and `to_commit`, so that it tells versions of the same name apart. */
  commits: z.boolean().optional(),
});
export type HttpDeployer = z.infer<typeof HttpDeployer>;

const HttpFlags = z.strictObject({
  kind: z.literal('http'),
  /** `{flag}` and `{environment}` are replaced by encoded values. */
  url: HttpUrl,
  auth: Auth.optional(),
});
export type HttpFlags = z.infer<typeof HttpFlags>;

/** Any system that implements Firebreak's contract for rollbacks or for feature flags. */
export const http = {
  vendor: 'cd',
  deployers: {
    http: {
      schema: HttpDeployer,
      note: { rollsBack: 'with one call to any CD system', effectClass: '`keyed`', details: '[below](#kind-http)' },
    },
  },
  flags: { http: { schema: HttpFlags } },
  variables: {
    CD_URL: { ...url('delivery'), meaning: 'CD system, for deployers of `kind: http` without `url`' },
    TRAFFIC_URL: {
      ...url('delivery'),
      meaning: 'Traffic router, for canaries with `traffic.kind: http` without `url`',
    },
  },
  // The credential of a CD system is the one named by a deployer in the catalogue, if any.
  connection: { name: 'CD system', url: 'CD_URL', credentials: [] },
} as const satisfies RollbackTarget;
