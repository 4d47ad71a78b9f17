import * as z from 'zod';
import type { Told } from '../../domain/outlets.ts';
import type { Clock, Secrets } from '../../domain/ports.ts';
import { millisOf } from '../../schemas/time.ts';
import { Ended, type Ending, orEnding, putOff, refuse } from '../ended.ts';
import { type Answer, retryAfterSeconds } from '../http.ts';
import { tell, withoutSlash } from '../told.ts';
import { ANSWER_MAX_BYTES, ATTEMPT_MS, FIELD_MANAGER } from './limits.ts';

/** How the API of a cluster is reached. */
export type ClusterOptions = {
  /** Of the API server. */
  url: string;
  /** Of a service account; docs/kubernetes.md says what it has to be allowed to do. */
  tokenName: string;
  secrets: Secrets;
  clock: Clock;
};

/** `json`: RFC 6902, replaces what it names whole. `merge`: RFC 7386, leaves what it does not name. */
export type PatchType = 'json' | 'merge';

/** One cluster, as long as the attempt lasts. Whatever is not done ends the attempt. */
export type Calls = {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  patch<T>(path: string, type: PatchType, body: object, schema: z.ZodType<T>): Promise<T>;
};

/** Runs `work` against one cluster, with the time of one attempt for all its calls. */
export function attempt<T>(cluster: ClusterOptions, work: (calls: Calls) => Promise<T>): Promise<T | Ending> {
  return orEnding(() => work(callsOf(cluster, performance.now() + ATTEMPT_MS)));
}

type Request = { method: 'GET' | 'PATCH'; path: string; body?: object; type?: PatchType };

function callsOf(cluster: ClusterOptions, until: number): Calls {
  const ask = async <T>(request: Request, schema: z.ZodType<T>): Promise<T> => {
    const timeoutMs = Math.floor(until - performance.now());
    if (timeoutMs <= 0) throw putOff(`the API server took ${ATTEMPT_MS} ms`); // nothing was sent
    const token = await cluster.secrets.get(cluster.tokenName);
    if (!token) throw refuse(`the cluster's token ${cluster.tokenName} is not set, so it was not called`);
    const told = await tell({
      vendor: 'Kubernetes',
      url: withoutSlash(cluster.url) + request.path,
      method: request.method,
      headers: {
        authorization: `Bearer ${token}`,
        'user-agent': 'firebreak',
        ...(request.type && { 'content-type': `application/${request.type}-patch+json` }),
      },
      ...(request.body && { body: request.body }),
      timeoutMs,
      maxBytes: ANSWER_MAX_BYTES,
      schema,
      limited: (answer) => limitedFor(answer, cluster.clock),
      words,
    });
    if (told.kind === 'done') return told.value;
    throw ended(told, `${request.method} ${pathOf(request.path)}`);
  };
  return {
    get: (path, schema) => ask({ method: 'GET', path }, schema),
    patch: (path, type, body, schema) =>
      ask({ method: 'PATCH', path: `${path}?fieldManager=${FIELD_MANAGER}`, body, type }, schema),
  };
}

const pathOf = (path: string): string => path.split('?', 1)[0] ?? path;

/** After an unclear answer the next attempt looks first, so it is `later`; so it is after somebody else was faster. */
function ended(told: Exclude<Told<never>, { kind: 'done' }>, asked: string): Ended {
  const detail = `${asked}: ${told.detail}`;
  if (told.kind === 'later') return new Ended({ kind: 'later', detail, afterSeconds: told.afterSeconds });
  if (told.kind === 'unclear') return putOff(detail);
  if (told.kind === 'refused' && told.code === 'conflict') return putOff(`${detail}; it is looked at again`);
  return refuse(detail + (told.kind === 'refused' ? (HINTS[told.code] ?? '') : ''));
}

const HINTS: Readonly<Partial<Record<string, string>>> = {
  unauthorized: '; the token is not valid, or no longer',
  forbidden: '; what its service account has to be allowed to do is in docs/kubernetes.md',
};

/**
 * Priority and fairness answers 429, an overloaded server 500, 503 or 504: each with the seconds to wait, or without.
 * @see https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
 */
function limitedFor({ status, headers }: Answer, clock: Clock): number | null | undefined {
  const asked = retryAfterSeconds(headers, millisOf(clock.now()));
  if (status === 429) return asked;
  return status >= 500 && asked !== null ? asked : undefined;
}

/** The object that the API server answers with when it does not do what was asked. */
const Status = z.object({ kind: z.literal('Status'), message: z.string() });

const words = (body: unknown): string | undefined => Status.safeParse(body).data?.message;
