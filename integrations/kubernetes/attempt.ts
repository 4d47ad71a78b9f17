import * as z from 'zod';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { Ended, type Ending, orEnding, putOff, refuse } from '../shared/refusals.ts';
import { type Answer, retryAfterSeconds } from '../shared/http.ts';
import { request, withoutSlash } from '../shared/request.ts';
import { ANSWER_MAX_BYTES, ATTEMPT_MS, FIELD_MANAGER } from './limits.ts';

/** The access to a cluster's API. */
export type ClusterOptions = {
  /** The URL of the API server. */
  url: string;
  /** The secret with the token of a service account. For its required permissions, see docs/how-to/kubernetes.md. */
  tokenName: string;
  secrets: Secrets;
  clock: Clock;
};

/** `json`: RFC 6902, replaces the named fields completely. `merge`: RFC 7386, keeps the fields that it doesn't name. */
export type PatchType = 'json' | 'merge';

/** The calls of one attempt to one cluster. A call that fails ends the attempt. */
export type Calls = {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  patch<T>(path: string, type: PatchType, body: object, schema: z.ZodType<T>): Promise<T>;
};

/** Runs `work` for one cluster, with one time limit for all its calls. */
export function attempt<T>(cluster: ClusterOptions, work: (calls: Calls) => Promise<T>): Promise<T | Ending> {
  return orEnding(() => work(callsOf(cluster, performance.now() + ATTEMPT_MS)));
}

type Request = { method: 'GET' | 'PATCH'; path: string; body?: object; type?: PatchType };

function callsOf(cluster: ClusterOptions, until: number): Calls {
  const ask = async <T>(call: Request, schema: z.ZodType<T>): Promise<T> => {
    const timeoutMs = Math.floor(until - performance.now());
    if (timeoutMs <= 0) throw putOff(`the API server took ${ATTEMPT_MS} ms`); // nothing was sent
    const token = await cluster.secrets.get(cluster.tokenName);
    if (!token) throw refuse(`the cluster's token ${cluster.tokenName} is not set, so it was not called`);
    const told = await request({
      vendor: 'Kubernetes',
      url: withoutSlash(cluster.url) + call.path,
      method: call.method,
      headers: {
        authorization: `Bearer ${token}`,
        'user-agent': 'firebreak',
        ...(call.type && { 'content-type': `application/${call.type}-patch+json` }),
      },
      ...(call.body && { body: call.body }),
      timeoutMs,
      maxBytes: ANSWER_MAX_BYTES,
      schema,
      limited: (answer) => limitedFor(answer, cluster.clock),
      words,
    });
    if (told.kind === 'done') return told.value;
    throw ended(told, `${call.method} ${pathOf(call.path)}`);
  };
  return {
    get: (path, schema) => ask({ method: 'GET', path }, schema),
    patch: (path, type, body, schema) =>
      ask({ method: 'PATCH', path: `${path}?fieldManager=${FIELD_MANAGER}`, body, type }, schema),
  };
}

const pathOf = (path: string): string => path.split('?', 1)[0] ?? path;

/**
 * Converts a result to `Ended`. An unclear result, or a conflict with another change, becomes `later`, because the next
 * attempt checks the state first.
 */
function ended(told: Exclude<VendorResponse<never>, { kind: 'done' }>, asked: string): Ended {
  const detail = `${asked}: ${told.detail}`;
  if (told.kind === 'later') return new Ended({ kind: 'later', detail, afterSeconds: told.afterSeconds });
  if (told.kind === 'unclear') return putOff(detail);
  if (told.kind === 'refused' && told.code === 'conflict') return putOff(`${detail}; checking again`);
  return refuse(detail + (told.kind === 'refused' ? (HINTS[told.code] ?? '') : ''));
}

const HINTS: Readonly<Partial<Record<string, string>>> = {
  unauthorized: '; the token is invalid or has expired',
  forbidden: '; docs/how-to/kubernetes.md lists the permissions that its service account needs',
};

/**
 * Returns the seconds to wait; undefined if the response is not a rate limit. Priority and fairness uses 429, and an
 * overloaded server uses 500, 503, or 504, each with or without the seconds to wait.
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
function limitedFor({ status, headers }: Answer, clock: Clock): number | null | undefined {
  const asked = retryAfterSeconds(headers, millisOf(clock.now()));
  if (status === 429) return asked;
  return status >= 500 && asked !== null ? asked : undefined;
}

/** The body of the API server's error responses. */
const Status = z.object({ kind: z.literal('Status'), message: z.string() });

const words = (body: unknown): string | undefined => Status.safeParse(body).data?.message;
