import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { withoutTrailingSlash } from '../shared/client.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { CallFailed } from './failures.ts';
import { type CallSlack, slackClient } from './client.ts';
import { identities, type AppIdentity } from './identity.ts';

/**
 * The access to Slack.
 * @param apiUrl the only address that calls are sent to, with or without a trailing slash
 * @param token read for each attempt, because it can be rotated
 * @param timeoutMs milliseconds for one call; defaults to the limit for projectors, for which no user waits
 */
export type SlackOptions = {
  apiUrl: () => Promise<string>;
  token: () => Promise<string | undefined>;
  clock: Clock;
  timeoutMs?: number;
};

/** The context of an attempt. */
export type Slack = { callSlack: CallSlack; me: () => Promise<AppIdentity> };

export type Attempt = <T>(work: (slack: Slack) => Promise<T>) => Promise<VendorResponse<T>>;

/** Creates attempts at Slack. An attempt can consist of several calls; the first failure ends it. */
export function attempts(options: SlackOptions): Attempt {
  const { clock, timeoutMs } = options;
  const identity = identities();
  return async (work) => {
    const token = await options.token();
    if (!token) return { kind: 'off', detail: 'Slack is off: SLACK_BOT_TOKEN is not set' };
    if (!TOKEN_FORMAT.test(token)) return INVALID_TOKEN;
    const apiUrl = `${withoutTrailingSlash(await options.apiUrl())}/`;
    const callSlack = slackClient({ apiUrl, token, clock, ...(timeoutMs !== undefined && { timeoutMs }) });
    try {
      return { kind: 'done', value: await work({ callSlack, me: () => identity(token, callSlack) }) };
    } catch (error) {
      if (error instanceof CallFailed) return error.failure;
      throw error;
    }
  };
}

/** Other characters can't be sent in a header, and the error message would contain the token. */
const TOKEN_FORMAT = /^[\x21-\x7e]+$/;
const INVALID_TOKEN: VendorResponse<never> = {
  kind: 'refused',
  code: 'invalid_auth',
  detail: 'SLACK_BOT_TOKEN has blanks or other characters that no token has. See docs/reference/errors.md#slack-token',
};
