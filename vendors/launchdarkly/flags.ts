import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { FlagRequest, Flags } from '../../core/domain/rollback/targets.ts';
import { type Flag, type FlagKeys, launchDarklyApi, type LaunchDarklyApi } from './api.ts';

/**
 * The format of project, environment, and flag keys. Other characters must not occur in a URL or a resource specifier.
 */
const KEY = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,256}$/;

type Options = {
  /** `https://app.launchdarkly.com`, or the URL of another instance. */
  apiUrl: string;
  project: string;
  environment: string;
  /**
   * The name of the secret with the access token, which needs write permission (`updateOn`). The token is sent without
   * a scheme.
   */
  token: string;
  secrets: Secrets;
  clock: Clock;
};

type Refused = { kind: 'refused'; detail: string };
type Later = { kind: 'later'; detail: string; afterSeconds: number | null };

/** Creates a client for the flags of one project in one environment. A flag's state is whether its targeting is on. */
export function launchDarklyFlags({ apiUrl, project, environment, token, secrets, clock }: Options): Flags {
  const api = launchDarklyApi({ apiUrl, token: () => secrets.get(token), tokenName: token, clock });
  const keysOf = (flag: string): FlagKeys => ({ project, environment, flag });

  const read = async (flag: string): ReturnType<Flags['read']> => {
    const keys = keysOf(flag);
    const invalid = Object.entries(keys).find(([, key]) => !KEY.test(key));
    if (invalid !== undefined)
      return {
        kind: 'refused',
        detail: `the ${invalid[0]} ${JSON.stringify(invalid[1])} is not a valid key at LaunchDarkly; use the key`,
      };
    return stateOf(await api.flag(keys), keys);
  };

  return {
    target: `LaunchDarkly, project ${project}, environment ${environment}`,
    resource: (flag) => `launchdarkly ${JSON.stringify([project, environment, flag])}`,
    effectClass: 'convergent',
    read,
    async set(request) {
      const before = await read(request.flag);
      if (before.kind !== 'state') return before;
      if (before.on === request.on) return { kind: 'succeeded', id: null };
      const keys = keysOf(request.flag);
      if (await wasSet(api, keys, request.key)) {
        // An earlier attempt can take effect after the first read, so only a newer read shows who changed the flag last.
        const current = await read(request.flag);
        if (current.kind !== 'state') return current;
        if (current.on === request.on) return { kind: 'succeeded', id: null };
        return { kind: 'superseded', current: current.on ? 'on' : 'off' };
      }
      const after = stateOf(await api.setFlag(keys, request.on, commentOf(request)), keys);
      if (after.kind !== 'state') return after;
      if (after.on === request.on) return { kind: 'succeeded', id: null };
      return { kind: 'failed', detail: `LaunchDarkly accepted the change, but ${nameOf(keys)} is unchanged` };
    },
  };
}

const markerOf = (key: string): string => `[firebreak ${key}]`;

/** Returns the key of the action that has made a change with this comment. Undefined: no action of Firebreak. */
export const keyIn = (comment: string): string | undefined =>
  /\[firebreak ([\w.-]{1,256})\]$/.exec(comment.trimEnd())?.[1];

const commentOf = ({ reason, key }: FlagRequest): string => `${reason} ${markerOf(key)}`;

/**
 * Returns whether this action already set the flag. If so, a different state is a later change by a person, which takes
 * precedence. An unreadable audit log doesn't delay a mitigation, because setting a state twice is harmless.
 */
async function wasSet(api: LaunchDarklyApi, keys: FlagKeys, key: string): Promise<boolean> {
  const response = await api.comments(keys);
  return response.kind === 'done' && response.value.some((comment) => comment.trimEnd().endsWith(markerOf(key)));
}

function stateOf(response: VendorResponse<Flag>, keys: FlagKeys): { kind: 'state'; on: boolean } | Refused | Later {
  if (response.kind !== 'done') return failureOf(response, keys);
  const { archived = false, environments = {} } = response.value;
  if (archived)
    return {
      kind: 'refused',
      detail: `${nameOf(keys)} is archived, so applications use the default in their code. Restore it first`,
    };
  const config = Object.hasOwn(environments, keys.environment) ? environments[keys.environment] : undefined;
  if (config === undefined)
    return {
      kind: 'refused',
      detail: `project "${keys.project}" has no environment "${keys.environment}" at LaunchDarkly`,
    };
  return { kind: 'state', on: config.on };
}

function failureOf(failed: Exclude<VendorResponse<never>, { kind: 'done' }>, keys: FlagKeys): Refused | Later {
  switch (failed.kind) {
    case 'later':
      return failed;
    case 'unclear':
      return { kind: 'later', detail: failed.detail, afterSeconds: null };
    case 'off':
      return { kind: 'refused', detail: failed.detail };
    case 'refused':
      // "Conflicts with a concurrent API request. Retry your request."
      if (failed.code === 'conflict') return { kind: 'later', detail: failed.detail, afterSeconds: null };
      return { kind: 'refused', detail: `${failed.detail}. ${adviceFor(failed.code, keys)}` };
  }
}

/** @see https://launchdarkly.com/docs/api/feature-flags/patch-feature-flag ("Required approvals") */
function adviceFor(code: string, keys: FlagKeys): string {
  switch (code) {
    case 'not_found':
      return `There is no ${nameOf(keys)}, or the token has no access to it`;
    case 'http_405':
      return `Changing ${nameOf(keys)} needs an approval: request it at LaunchDarkly, or give the token a role that bypasses it`;
    default:
      return `The request was about ${nameOf(keys)}`;
  }
}

const nameOf = ({ project, environment, flag }: FlagKeys): string =>
  `flag "${flag}" in environment "${environment}" of project "${project}"`;
