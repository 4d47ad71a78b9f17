import * as z from 'zod';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { attemptClient, type Client, type FailedResponse, MESSAGE_BODY, type VendorApi } from '../shared/client.ts';
import { type Ended, endedBy, type Ending, orEnding } from '../shared/refusals.ts';
import { Application, APPLICATION_MAX_BYTES, ATTEMPT_MS } from './application.ts';

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

type Window = z.infer<typeof Window>;

const Windows = z.object({
  activeWindows: z.array(Window).nullish(),
  assignedWindows: z.array(Window).nullish(),
  /** Whether manual syncs are allowed. */
  canSync: z.boolean(),
});

type Windows = z.infer<typeof Windows>;

/** Null removes an annotation. */
type ApplicationPatch = { annotations: Record<string, string | null>; spec?: object };

/** The calls of one attempt for one application. All throw `Ended`, except those that return `VendorResponse`. */
export type Calls = {
  /** @param options.refresh compares the application with Git first, and waits for the result */
  application(options?: { refresh: boolean }): Promise<Application>;
  /**
   * Reads another application. Undefined if it doesn't exist or the token can't read it; Argo CD doesn't distinguish
   * the two.
   */
  otherApplication(name: string, namespace: string | undefined): Promise<Application | undefined>;
  windows(): Promise<Windows>;
  /** @param id the history ID */
  rollBack(id: number, prune: boolean): Promise<VendorResponse<Application>>;
  patch(change: ApplicationPatch): Promise<Application>;
};

/**
 * Runs `work` for one application, with one time limit for all its calls.
 * @see https://github.com/argoproj/argo-cd/blob/master/server/application/application.proto
 */
export function attempt<T>(options: ArgoOptions, work: (calls: Calls) => Promise<T>): Promise<T | Ending> {
  return orEnding(() => work(callsOf(options, attemptClient(argoApi(options)))));
}

const argoApi = ({ url, token, tokenName, clock }: ArgoOptions): VendorApi => ({
  vendor: 'Argo CD',
  sendsExactBodies: true,
  clock,
  async access() {
    const secret = await token();
    if (!secret) return { kind: 'off', detail: `the token for Argo CD, ${tokenName}, is not set` };
    return { url, headers: { authorization: `Bearer ${secret}` } };
  },
  timeoutMs: ATTEMPT_MS,
  maxBytes: APPLICATION_MAX_BYTES,
  errorBody: MESSAGE_BODY,
});

function callsOf(options: ArgoOptions, client: Client): Calls {
  const { application: name, project, appNamespace } = options;
  const scope = { ...(appNamespace !== undefined && { appNamespace }), ...(project !== undefined && { project }) };
  const path = pathOf(name);
  const withQuery = (more: Record<string, string> = {}) => {
    const query = new URLSearchParams({ ...scope, ...more }).toString();
    return query === '' ? '' : `?${query}`;
  };
  const get = <T>(requestPath: string, schema: z.ZodType<T>) => client({ method: 'GET', path: requestPath, schema });
  return {
    application: async ({ refresh } = { refresh: false }) =>
      valueOrEnd(await get(path + withQuery(refresh ? { refresh: 'normal' } : {}), Application), options),
    async otherApplication(otherName, namespace) {
      const query = namespace === undefined ? '' : `?${new URLSearchParams({ appNamespace: namespace }).toString()}`;
      const answer = await get(pathOf(otherName) + query, Application);
      return answer.kind === 'refused' ? undefined : valueOrEnd(answer, options);
    },
    windows: async () => valueOrEnd(await get(`${path}/syncwindows${withQuery()}`, Windows), options),
    rollBack: (id, prune) =>
      client({
        method: 'POST',
        path: `${path}/rollback`,
        body: { name, id, prune, dryRun: false, ...scope },
        schema: Application,
      }),
    patch: async ({ annotations, spec }) => {
      const patch = JSON.stringify({ metadata: { annotations }, spec });
      const body = { name, patch, patchType: 'merge', ...scope };
      return valueOrEnd(await client({ method: 'PATCH', path, body, schema: Application }), options);
    },
  };
}

const pathOf = (name: string): string => `/api/v1/applications/${encodeURIComponent(name)}`;

/** @throws Ended for every result except `done` */
function valueOrEnd<T>(
  response: VendorResponse<T>,
  options: Pick<ArgoOptions, 'tokenName' | 'project' | 'application'>,
): T {
  if (response.kind === 'done') return response.value;
  throw endedWithHint(response, options);
}

/** Converts a result to `Ended`, with the fix for a refusal. */
export const endedWithHint = (
  failed: FailedResponse,
  options: Pick<ArgoOptions, 'tokenName' | 'project' | 'application'>,
): Ended => endedBy(failed, failed.kind === 'refused' ? hintOf(failed, options) : '');

function hintOf(
  { code, detail }: Extract<FailedResponse, { kind: 'refused' }>,
  { tokenName, project, application }: Pick<ArgoOptions, 'tokenName' | 'project' | 'application'>,
): string {
  switch (code) {
    case 'unauthorized':
      return `; the token in ${tokenName} is not valid, or has expired`;
    case 'forbidden':
      return project === undefined && !/permission denied:/.test(detail)
        ? `; Argo CD answers the same for an unknown application: check its name (${application}) ` +
            `and its namespace (\`appNamespace\`). With \`project\`, Argo CD distinguishes the two cases`
        : `; docs/how-to/argo-cd.md lists the permissions that the token in ${tokenName} needs`;
    case 'not_found':
      return (
        `; there is no application ${application}${project === undefined ? '' : ` in the project ${project}`}, ` +
        `or the token in ${tokenName} lacks the permission`
      );
    default:
      return code.startsWith('http_3') ? '; check that the address uses https and does not redirect' : '';
  }
}

/**
 * Returns a description of the sync windows that block a sync now; null if none does. A manual sync, such as a
 * rollback, is allowed in windows with `manualSync`.
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/
 */
export function blockingWindows(
  { activeWindows, assignedWindows, canSync }: Windows,
  sync: 'manual' | 'automated',
): string | null {
  const active = activeWindows ?? [];
  const assigned = assignedWindows ?? [];
  const denying = active.filter(({ kind }) => kind === 'deny');
  const isOpen = active.some(({ kind }) => kind === 'allow');
  const closed = isOpen ? [] : assigned.filter(({ kind }) => kind === 'allow');
  const blocking = denying.length > 0 ? denying : closed;
  if (sync === 'automated') return blocking.length === 0 ? null : windowsText(blocking);
  if (canSync) return null;
  const automatedOnly = blocking.filter(({ manualSync }) => !manualSync);
  return windowsText(automatedOnly.length > 0 ? automatedOnly : assigned);
}

const windowsText = (windows: readonly Window[]): string =>
  windows
    .map(({ kind, schedule, duration }) =>
      kind === 'allow'
        ? `the sync window that allows ("${schedule}" for ${duration}) is not open`
        : `the sync window that denies ("${schedule}" for ${duration}) is active`,
    )
    .join(', and ');
