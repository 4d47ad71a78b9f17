import * as z from 'zod';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { vendorClient, withoutTrailingSlash } from '../shared/client.ts';
import type { HttpResponse } from '../shared/http.ts';

/** Milliseconds for one call. Setting a flag takes two reads and at most one write: 15 s together. */
const CALL_TIMEOUT_MS = 5_000;

/**
 * The window of account and route rate limits, in seconds.
 * @see https://launchdarkly.com/docs/api#rate-limiting
 */
const WINDOW_SECONDS = 10;

/** Maximum bytes of a flag. It contains the rules and targets of all environments, which can be long lists of keys. */
const FLAG_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Audit log entries per call; LaunchDarkly's maximum.
 * @see https://launchdarkly.com/docs/api/audit-log
 */
const AUDIT_ITEMS = 20;

/** @see https://launchdarkly.com/docs/api#versioning */
const API_VERSION = '20240415';

const Flag = z.object({
  archived: z.boolean().optional(),
  environments: z.record(z.string(), z.object({ on: z.boolean() })).optional(),
});
export type Flag = z.infer<typeof Flag>;

const AuditLog = z.object({ items: z.array(z.object({ comment: z.string().nullish() })) });

/** The keys at LaunchDarkly that identify a flag in an environment. */
export type FlagKeys = { project: string; environment: string; flag: string };

export type LaunchDarklyApi = {
  flag(keys: FlagKeys): Promise<VendorResponse<Flag>>;
  /** Returns the comments on changes of a flag in an environment, newest first, as many as one call returns. */
  comments(keys: FlagKeys): Promise<VendorResponse<string[]>>;
  /** Sets the state of a flag. A flag that already has that state is not changed. */
  setFlag(keys: FlagKeys, on: boolean, comment: string): Promise<VendorResponse<Flag>>;
};

type Options = { apiUrl: string; token: () => Promise<string | undefined>; tokenName: string; clock: Clock };

/** @see https://launchdarkly.com/docs/api/feature-flags (read 2026-11) */
export function launchDarklyApi({ apiUrl, token, tokenName, clock }: Options): LaunchDarklyApi {
  const flagPath = ({ project, flag }: FlagKeys) => `/flags/${encodeURIComponent(project)}/${encodeURIComponent(flag)}`;
  const client = vendorClient({
    vendor: 'LaunchDarkly',
    clock,
    async access() {
      const secret = await token();
      if (!secret) return { kind: 'off', detail: `LaunchDarkly is off: ${tokenName} is not set` };
      // the token itself, without a scheme
      return {
        url: `${withoutTrailingSlash(apiUrl)}/api/v2`,
        headers: { authorization: secret, 'ld-api-version': API_VERSION },
      };
    },
    timeoutMs: CALL_TIMEOUT_MS,
    maxBytes: FLAG_MAX_BYTES,
    rateLimitSeconds: limited,
    errorBody: Errors,
  });

  return {
    flag: (keys) =>
      client({ method: 'GET', path: `${flagPath(keys)}?env=${encodeURIComponent(keys.environment)}`, schema: Flag }),
    async comments({ project, environment, flag }) {
      const spec = encodeURIComponent(`proj/${project}:env/${environment}:flag/${flag}`);
      const response = await client({
        method: 'GET',
        path: `/auditlog?spec=${spec}&limit=${AUDIT_ITEMS}`,
        schema: AuditLog,
      });
      if (response.kind !== 'done') return response;
      return { kind: 'done', value: response.value.items.flatMap(({ comment }) => comment ?? []) };
    },
    setFlag: (keys, on, comment) =>
      client({
        method: 'PATCH',
        path: flagPath(keys),
        headers: { 'content-type': 'application/json; domain-model=launchdarkly.semanticpatch' },
        body: {
          environmentKey: keys.environment,
          comment,
          instructions: [{ kind: on ? 'turnFlagOn' : 'turnFlagOff' }],
        },
        schema: Flag,
      }),
  };
}

/**
 * Returns the seconds to wait. An IP rate limit has a `Retry-After`; an account or route limit has the end of its
 * window in milliseconds since the Unix epoch.
 */
function limited({ status, headers }: HttpResponse, retryAfter: number | null, now: number): number | undefined {
  if (status !== 429) return undefined;
  if (retryAfter !== null) return retryAfter;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  return Number.isFinite(reset) ? Math.max(0, (reset - now) / 1000) : WINDOW_SECONDS;
}

const Errors = z
  .object({
    message: z.string(),
    /** In a 403 response: the denied action and its resource. */
    access: z.object({ action: z.string(), resource: z.string() }).optional(),
  })
  .transform(({ message, access }) =>
    access === undefined ? message : `${message} (${access.action} on ${access.resource})`,
  );
