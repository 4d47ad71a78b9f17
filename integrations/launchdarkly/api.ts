import * as z from 'zod';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { type Answer, retryAfterSeconds } from '../shared/http.ts';
import { request, withoutSlash } from '../shared/request.ts';
import { API_VERSION, AUDIT_ITEMS, CALL_TIMEOUT_MS, FLAG_MAX_BYTES, WINDOW_SECONDS } from './limits.ts';

const Flag = z.object({
  archived: z.boolean().optional(),
  environments: z.record(z.string(), z.object({ on: z.boolean() })).optional(),
});
export type Flag = z.infer<typeof Flag>;

const AuditLog = z.object({ items: z.array(z.object({ comment: z.string().nullish() })) });

/** Keys at LaunchDarkly. */
export type FlagAt = { project: string; environment: string; flag: string };

export type LaunchDarklyApi = {
  flag(at: FlagAt): Promise<VendorResponse<Flag>>;
  /** Returns the comments on changes of a flag in an environment, newest first, as many as one call returns. */
  comments(at: FlagAt): Promise<VendorResponse<string[]>>;
  /** Sets the state of a flag. A flag that already has that state is not changed. */
  turn(at: FlagAt, on: boolean, comment: string): Promise<VendorResponse<Flag>>;
};

type Options = { apiUrl: string; token: () => Promise<string | undefined>; tokenName: string; clock: Clock };

/** @see https://launchdarkly.com/docs/api/feature-flags (read 2026-11) */
export function launchDarklyApi({ apiUrl, token, tokenName, clock }: Options): LaunchDarklyApi {
  const api = `${withoutSlash(apiUrl)}/api/v2`;
  const flagUrl = ({ project, flag }: FlagAt) =>
    `${api}/flags/${encodeURIComponent(project)}/${encodeURIComponent(flag)}`;
  const ask = async <T>(url: string, schema: z.ZodType<T>, patch?: object): Promise<VendorResponse<T>> => {
    const secret = await token();
    if (!secret) return { kind: 'off', detail: `LaunchDarkly is off: ${tokenName} is not set` };
    return request({
      vendor: 'LaunchDarkly',
      url,
      method: patch ? 'PATCH' : 'GET',
      headers: {
        authorization: secret, // the token itself, without a scheme
        'ld-api-version': API_VERSION,
        ...(patch && { 'content-type': 'application/json; domain-model=launchdarkly.semanticpatch' }),
      },
      ...(patch && { body: patch }),
      timeoutMs: CALL_TIMEOUT_MS,
      maxBytes: FLAG_MAX_BYTES,
      schema,
      limited: (answer) => limitedFor(answer, clock),
      words,
    });
  };

  return {
    flag: (at) => ask(`${flagUrl(at)}?env=${encodeURIComponent(at.environment)}`, Flag),
    async comments({ project, environment, flag }) {
      const spec = encodeURIComponent(`proj/${project}:env/${environment}:flag/${flag}`);
      const told = await ask(`${api}/auditlog?spec=${spec}&limit=${AUDIT_ITEMS}`, AuditLog);
      if (told.kind !== 'done') return told;
      return { kind: 'done', value: told.value.items.flatMap(({ comment }) => comment ?? []) };
    },
    turn: (at, on, comment) =>
      ask(flagUrl(at), Flag, {
        environmentKey: at.environment,
        comment,
        instructions: [{ kind: on ? 'turnFlagOn' : 'turnFlagOff' }],
      }),
  };
}

/**
 * Returns the seconds to wait. An IP rate limit has a `Retry-After`; an account or route limit has the end of its
 * window in milliseconds since the Unix epoch.
 */
function limitedFor({ status, headers }: Answer, clock: Clock): number | undefined {
  if (status !== 429) return undefined;
  const now = millisOf(clock.now());
  const asked = retryAfterSeconds(headers, now);
  if (asked !== null) return asked;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  return Number.isFinite(reset) ? Math.max(0, (reset - now) / 1000) : WINDOW_SECONDS;
}

const Errors = z.object({
  message: z.string(),
  /** In a 403 response: the denied action and its resource. */
  access: z.object({ action: z.string(), resource: z.string() }).optional(),
});

function words(body: unknown): string | undefined {
  const parsed = Errors.safeParse(body);
  if (!parsed.success) return undefined;
  const { message, access } = parsed.data;
  return access === undefined ? message : `${message} (${access.action} on ${access.resource})`;
}
