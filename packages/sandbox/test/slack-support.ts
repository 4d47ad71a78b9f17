import { WebClient, type ChatPostMessageResponse, type WebAPICallResult } from '@slack/web-api';
import { expect } from 'vitest';
import type { StandIns } from '../core/index.ts';
import type { ChannelView, SlackView } from '../slack/blocks/view.ts';
import { sandbox } from './support.ts';

export const TOKEN = 'xoxb-test-dev';

/** Slack's own client, without retries. */
export const client = ({ urls }: StandIns, token = TOKEN): WebClient =>
  new WebClient(token, {
    slackApiUrl: `${urls.slack}/api/`,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    logger: silent,
  });

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => 'error' as never,
  setName: () => undefined,
};

/** Returns Slack's response to a refused call. */
export async function refusal(call: Promise<WebAPICallResult>): Promise<Record<string, any>> {
  const outcome = await call.catch((error: { data?: Record<string, any> }) => error.data ?? error);
  expect(outcome).toMatchObject({ ok: false });
  return outcome as Record<string, any>;
}

/** Returns the error code of a refused call. */
export const errorOf = async (call: Promise<WebAPICallResult>): Promise<string> =>
  (await refusal(call))['error'] as string;

/** Returns the seconds to wait; `undefined` if the call was accepted. */
export const throttledFor = async (call: Promise<WebAPICallResult>): Promise<number | undefined> => {
  const outcome: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome === undefined) return undefined;
  expect(outcome).toMatchObject({ code: 'slack_webapi_rate_limited_error' });
  return (outcome as { retryAfter: number }).retryAfter;
};

/** Creates a channel as the app. */
export async function newChannel(slack: WebClient, name = 'incident-2611201'): Promise<string> {
  const { channel } = await slack.conversations.create({ name });
  return channel?.id ?? '';
}

/** Posts a message with any content. */
export const say = (slack: WebClient, message: Record<string, unknown>): Promise<ChatPostMessageResponse> =>
  slack.apiCall('chat.postMessage', message);

export const post = async (slack: WebClient, channel: string, text = 'hello'): Promise<string> =>
  (await say(slack, { channel, text })).ts ?? '';

/** Returns the content of one channel. */
export const channelNamed = (standIns: StandIns, name: string): Promise<ChannelView> =>
  sandbox<ChannelView>(standIns, 'GET', `/slack/channels/${name}`);

export const channels = async (standIns: StandIns): Promise<ChannelView[]> =>
  (await sandbox<{ items: SlackView['channels'] }>(standIns, 'GET', '/slack/channels')).items;
