import type { Told } from '../../domain/outlets.ts';
import type { Clock } from '../../domain/ports.ts';
import { CallFailed } from './answers.ts';
import { type Ask, slackClient } from './client.ts';
import { identities, type Me } from './identity.ts';

/**
 * Where Slack is, and as whom it is asked.
 * @param apiUrl nothing is ever sent elsewhere; with or without a slash at its end
 * @param token asked for at each attempt, since it may be rotated
 * @param timeoutMs of one call; absent: as projectors wait, whom nobody waits for
 */
export type SlackOptions = {
  apiUrl: () => Promise<string>;
  token: () => Promise<string | undefined>;
  clock: Clock;
  timeoutMs?: number;
};

/** What an attempt works with. */
export type Slack = { ask: Ask; me: () => Promise<Me> };

export type Attempt = <T>(work: (slack: Slack) => Promise<T>) => Promise<Told<T>>;

/** Attempts at Slack, each of which may take several calls; the first that fails ends it. */
export function attempts(options: SlackOptions): Attempt {
  const { clock, timeoutMs } = options;
  const identity = identities();
  return async (work) => {
    const token = await options.token();
    if (!token) return { kind: 'off', detail: 'Slack is off: SLACK_BOT_TOKEN is not set' };
    if (!CAN_BE_A_TOKEN.test(token)) return NO_TOKEN;
    const apiUrl = `${(await options.apiUrl()).replace(/\/+$/, '')}/`;
    const ask = slackClient({ apiUrl, token, clock, ...(timeoutMs !== undefined && { timeoutMs }) });
    try {
      return { kind: 'done', value: await work({ ask, me: () => identity(token, ask) }) };
    } catch (error) {
      if (error instanceof CallFailed) return error.failure;
      throw error;
    }
  };
}

/** Anything else cannot be sent in a header; the error of the attempt would hold it. */
const CAN_BE_A_TOKEN = /^[\x21-\x7e]+$/;
const NO_TOKEN: Told<never> = {
  kind: 'refused',
  code: 'invalid_auth',
  detail: 'SLACK_BOT_TOKEN has blanks or other characters that no token has. See docs/errors.md#slack-token',
};
