import * as z from 'zod';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { attemptClient, type FailedResponse, type VendorApi, type VendorCall } from '../shared/client.ts';
import { type Ended, endedBy, type Ending, orEnding, retryLater } from '../shared/refusals.ts';
import { RESPONSE_MAX_BYTES, ATTEMPT_MS, FIELD_MANAGER } from './limits.ts';

/** The access to a cluster's API. */
export type ClusterOptions = {
  /** The URL of the API server. */
  url: string;
  /** The secret with the token of a service account. For its required permissions, see docs/how-to/kubernetes.md. */
  tokenName: string;
  secrets: Secrets;
  clock: Clock;
};

/** Returns the access to the cluster of an entry in the configuration. */
export const clusterOf = (
  { auth }: { auth?: { bearer: string } | undefined },
  { url, secrets, clock }: Omit<ClusterOptions, 'tokenName'>,
): ClusterOptions => ({ url, tokenName: auth?.bearer ?? 'KUBERNETES_TOKEN', secrets, clock });

/** `json`: RFC 6902, replaces the named fields completely. `merge`: RFC 7386, keeps the fields that it doesn't name. */
export type PatchType = 'json' | 'merge';

/** The calls of one attempt to one cluster. A call that fails ends the attempt. */
export type Calls = {
  get<T>(path: string, schema: z.ZodType<T>): Promise<T>;
  /** Like `get`; undefined if the object or its kind doesn't exist. */
  find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined>;
  patch<T>(path: string, type: PatchType, body: object, schema: z.ZodType<T>): Promise<T>;
  /** Undefined: an object of this name exists. @param query `dryRun=All` only checks whether the server would accept it */
  create<T>(path: string, query: string, body: object, schema: z.ZodType<T>): Promise<T | undefined>;
  /** Has no effect if the object doesn't exist. @param query as of `create` */
  remove(path: string, query: string): Promise<void>;
};

/** Runs `work` for one cluster, with one time limit for all its calls. */
export function attempt<T>(
  cluster: ClusterOptions,
  work: (calls: Calls) => Promise<T>,
  timeoutMs = ATTEMPT_MS,
): Promise<T | Ending> {
  const client = attemptClient({ ...kubernetesApi(cluster), timeoutMs });
  const valueOrEnd = async <V>(call: VendorCall<V>): Promise<V> => {
    const response = await client(call);
    if (response.kind === 'done') return response.value;
    throw ended(response);
  };
  return orEnding(() =>
    work({
      get: (path, schema) => valueOrEnd({ method: 'GET', path, schema }),
      find: async (path, schema) => {
        const response = await client({ method: 'GET', path, schema });
        if (response.kind === 'done') return response.value;
        if (response.kind === 'refused' && response.code === 'not_found') return undefined;
        throw ended(response);
      },
      patch: (path, type, body, schema) =>
        valueOrEnd({
          method: 'PATCH',
          path: `${path}?fieldManager=${FIELD_MANAGER}`,
          headers: { 'content-type': `application/${type}-patch+json` },
          body,
          schema,
        }),
      create: async (path, query, body, schema) => {
        const response = await client({ method: 'POST', path: withQuery(path, query), body, schema });
        if (response.kind === 'done') return response.value;
        if (response.kind === 'refused' && response.code === 'conflict') return undefined;
        throw ended(response);
      },
      async remove(path, query) {
        const response = await client({ method: 'DELETE', path: withQuery(path, query), schema: z.unknown() });
        if (response.kind !== 'done' && !(response.kind === 'refused' && response.code === 'not_found'))
          throw ended(response);
      },
    }),
  );
}

const withQuery = (path: string, query: string): string => (query === '' ? path : `${path}?${query}`);

const kubernetesApi = ({ url, tokenName, secrets, clock }: ClusterOptions): Omit<VendorApi, 'timeoutMs'> => ({
  vendor: 'Kubernetes',
  sendsExactBodies: true,
  server: 'the API server',
  clock,
  async access() {
    const token = await secrets.get(tokenName);
    if (!token) return { kind: 'off', detail: `the cluster's token ${tokenName} is not set` };
    return { url, headers: { authorization: `Bearer ${token}`, 'user-agent': 'firebreak' } };
  },
  maxBytes: RESPONSE_MAX_BYTES,
  // Priority and fairness uses 429, and an overloaded server uses 500, 503, or 504, each with or without the seconds to
  // wait: https://kubernetes.io/docs/concepts/cluster-administration/flow-control/
  rateLimitSeconds: ({ status }, retryAfter) =>
    status === 429 || (status >= 500 && retryAfter !== null) ? retryAfter : undefined,
  errorBody: z.object({ kind: z.literal('Status'), message: z.string() }).transform(({ message }) => message),
  prefix: ({ method, path }) => `${method} ${path.split('?', 1)[0] ?? path}`,
});

/** Converts a result to `Ended`. A conflict with another change becomes `later`: the next attempt checks the state. */
function ended(failed: FailedResponse): Ended {
  if (failed.kind !== 'refused') return endedBy(failed);
  return failed.code === 'conflict'
    ? retryLater(`${failed.detail}; checking again`)
    : endedBy(failed, NO_PERMISSION_MEANT.test(failed.detail) ? '' : HINTS[failed.code]);
}

/** Admission also answers 403: a quota without room, and the security standards of a namespace. */
const NO_PERMISSION_MEANT = /exceeded quota|violates PodSecurity|denied (?:the )?request/;

const HINTS: Readonly<Partial<Record<string, string>>> = {
  unauthorized: '; the token is invalid or has expired',
  forbidden: '; docs/how-to/kubernetes.md lists the permissions that its service account needs',
};
