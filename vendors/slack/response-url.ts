import type { ChatMessage } from '../../core/domain/messages/chat-message.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { call, NoResponse } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';
import { bodyOf } from './blocks.ts';
import { INTERACTIVE_TIMEOUT_MS } from './limits.ts';
import { isLoopbackHostname } from '../../schemas/config/endpoint.ts';

/** The host of Slack's response URLs. */
const SLACK_HOOKS_HOST = 'hooks.slack.com';

const RESPONSE_MAX_BYTES = 64 * 1024;

/**
 * Returns why nothing is sent to a response URL; undefined if it is Slack's. The URL came with a correctly signed
 * request, but is checked anyway, because the responses are confidential.
 *
 * @param apiUrl the configured API URL, whose host also counts as Slack's if it is a stand-in
 */
export function responseUrlFault(address: string, apiUrl: string): string | undefined {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '') return 'it is not a valid URL';
  if (url.protocol === 'https:' && url.host === SLACK_HOOKS_HOST) return undefined;
  const api = URL.parse(apiUrl);
  if (api === null || api.hostname === 'slack.com' || url.host !== api.host)
    return `its host is neither ${SLACK_HOOKS_HOST} nor the host of SLACK_API_URL`;
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHostname(url.hostname));
  return safe ? undefined : 'it uses neither HTTPS nor a loopback address';
}

/**
 * Sends one response to a user's interaction. Never replaces the original message.
 * @see https://docs.slack.dev/interactivity/handling-user-interaction, "Message responses"
 */
export async function respondByUrl(
  address: string,
  message: ChatMessage,
  inChannel: boolean,
): Promise<VendorResponse<null>> {
  const payload = {
    response_type: inChannel ? 'in_channel' : 'ephemeral',
    replace_original: false,
    ...bodyOf(message),
  };
  try {
    const { status, text } = await call(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(outgoing(payload)),
      timeoutMs: INTERACTIVE_TIMEOUT_MS,
      maxBytes: RESPONSE_MAX_BYTES,
    });
    const detail = `Slack answered ${status} to a response: ${truncate(text, 200)}`;
    if (status >= 200 && status < 300) return { kind: 'done', value: null };
    return status >= 500
      ? { kind: 'unclear', detail }
      : { kind: 'refused', code: `http_${status}`, detail: `${detail}; it is sent in another way` };
  } catch (error) {
    if (error instanceof NoResponse)
      return { kind: 'unclear', detail: `Slack did not confirm a response: ${error.message}` };
    throw error;
  }
}
