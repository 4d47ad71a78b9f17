import * as z from 'zod';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { Ended, type Ending, orEnding, putOff, refuse } from '../shared/refusals.ts';
import { type Answer, retryAfterSeconds } from '../shared/http.ts';
import { type VendorRequest, request, withoutSlash } from '../shared/request.ts';
import { Application } from './application.ts';
import { APPLICATION_MAX_BYTES, ATTEMPT_MS } from './limits.ts';

export type ArgoOptions = {
  /** The address of the server, without `/api/v1`. */
  url: string;
  /** The name of the secret with the token, for messages. */
  tokenName: string;
  token: () => Promise<string | undefined>;
  application: string;
  project: string | undefined;
  appNamespace: string | undefined;
  clock: Clock;
};

const Window = z.object({
  kind: z.string(),
  schedule: z.string().default(''),
  duration: z.string().default(''),
  manualSync: z.boolean().default(false),
});
export type Window = z.infer<typeof Window>;

const Windows = z.object({
  activeWindows: z.array(Window).nullish(),
  assignedWindows: z.array(Window).nullish(),
  /** Whether manual syncs are allowed. */
  canSync: z.boolean(),
});
export type Windows = z.infer<typeof Windows>;

type Patched = { annotations: Record<string, string>; spec: object };

/** The calls of one attempt for one application. All throw `Ended`, except those that return `Told`. */
export type Calls = {
  /** @param options.refresh compares the application with Git first, and waits for the result */
  application(options?: { refresh: boolean }): Promise<Application>;
  /**
   * Reads another application. Undefined if it doesn't exist or the token can't read it; Argo CD doesn't distinguish
   * the two.
   */
  other(name: string, namespace: string | undefined): Promise<Application | undefined>;
  windows(): Promise<Windows>;
  /** @param id the history ID */
  rollBack(id: number, prune: boolean): Promise<VendorResponse<Application>>;
  patch(change: Patched): Promise<Application>;
};

/**
 * Runs `work` for one application, with one time limit for all its calls.
 * @see https://github.com/argoproj/argo-cd/blob/master/server/application/application.proto
 */
export function attempt<T>(options: ArgoOptions, work: (calls: Calls) => Promise<T>): Promise<T | Ending> {
  return orEnding(() => work(callsOf(options, performance.now() + ATTEMPT_MS)));
}

function callsOf(options: ArgoOptions, until: number): Calls {
  const { application: name, project, appNamespace } = options;
  const scope = { ...(appNamespace !== undefined && { appNamespace }), ...(project !== undefined && { project }) };
  const path = pathOf(name);
  const asked = (more: Record<string, string> = {}) => {
    const query = new URLSearchParams({ ...scope, ...more }).toString();
    return query === '' ? '' : `?${query}`;
  };
  const told = <T>(question: Asked<T>) => ask(options, until, question);
  return {
    application: async ({ refresh } = { refresh: false }) =>
      value(
        await told({ method: 'GET', path: path + asked(refresh ? { refresh: 'normal' } : {}), schema: Application }),
        options,
      ),
    async other(of, namespace) {
      const query = namespace === undefined ? '' : `?${new URLSearchParams({ appNamespace: namespace }).toString()}`;
      const answer = await told({ method: 'GET', path: pathOf(of) + query, schema: Application });
      return answer.kind === 'refused' ? undefined : value(answer, options);
    },
    windows: async () =>
      value(await told({ method: 'GET', path: `${path}/syncwindows${asked()}`, schema: Windows }), options),
    rollBack: (id, prune) =>
      told({
        method: 'POST',
        path: `${path}/rollback`,
        body: { name, id, prune, dryRun: false, ...scope },
        schema: Application,
      }),
    patch: async ({ annotations, spec }) => {
      const patch = JSON.stringify({ metadata: { annotations }, spec });
      const body = { name, patch, patchType: 'merge', ...scope };
      return value(await told({ method: 'PATCH', path, body, schema: Application }), options);
    },
  };
}

const pathOf = (name: string): string => `/api/v1/applications/${encodeURIComponent(name)}`;

type Asked<T> = Pick<VendorRequest<T>, 'method' | 'body' | 'schema'> & { path: string };

async function ask<T>(
  options: ArgoOptions,
  until: number,
  { path, ...question }: Asked<T>,
): Promise<VendorResponse<T>> {
  const token = await options.token();
  if (!token) return { kind: 'off', detail: `the token for Argo CD, ${options.tokenName}, is not set` };
  const timeoutMs = Math.floor(until - performance.now());
  if (timeoutMs <= 0) return { kind: 'later', detail: `Argo CD took ${ATTEMPT_MS} ms`, afterSeconds: null };
  return request({
    vendor: 'Argo CD',
    url: withoutSlash(options.url) + path,
    headers: { authorization: `Bearer ${token}` },
    timeoutMs,
    maxBytes: APPLICATION_MAX_BYTES,
    limited: (answer) => limitedFor(answer, options.clock),
    words,
    ...question,
  });
}

/** Argo CD has no rate limit, but a proxy in front of it can have one. */
const limitedFor = ({ status, headers }: Answer, clock: Clock): number | null | undefined =>
  status === 429 ? retryAfterSeconds(headers, millisOf(clock.now())) : undefined;

const ErrorBody = z.object({ message: z.string() });

const words = (body: unknown): string | undefined => ErrorBody.safeParse(body).data?.message;

/** @throws Ended for every result except `done` */
export function value<T>(
  told: VendorResponse<T>,
  options: Pick<ArgoOptions, 'tokenName' | 'project' | 'application'>,
): T {
  if (told.kind === 'done') return told.value;
  throw ended(told, options);
}

/** An unclear result becomes `later`, because the next attempt checks the state first. */
export function ended(
  told: Exclude<VendorResponse<never>, { kind: 'done' }>,
  { tokenName, project, application }: Pick<ArgoOptions, 'tokenName' | 'project' | 'application'>,
): Ended {
  if (told.kind === 'later') return new Ended({ kind: 'later', detail: told.detail, afterSeconds: told.afterSeconds });
  if (told.kind === 'unclear') return putOff(told.detail);
  if (told.kind === 'off') return refuse(`${told.detail}, so it was not called`);
  switch (told.code) {
    case 'unauthorized':
      return refuse(`${told.detail}; the token in ${tokenName} is not valid, or has expired`);
    case 'forbidden':
      return refuse(
        project === undefined && !/permission denied:/.test(told.detail)
          ? `${told.detail}; Argo CD answers the same for an unknown application: check its name (${application}) ` +
              `and its namespace (\`appNamespace\`). With \`project\`, Argo CD distinguishes the two cases`
          : `${told.detail}; docs/how-to/argo-cd.md lists the permissions that the token in ${tokenName} needs`,
      );
    case 'not_found':
      return refuse(
        `${told.detail}; there is no application ${application}${project === undefined ? '' : ` in the project ${project}`}, ` +
          `or the token in ${tokenName} lacks the permission`,
      );
    default:
      return refuse(
        told.code.startsWith('http_3')
          ? `${told.detail}; check that the address uses https and does not redirect`
          : told.detail,
      );
  }
}
