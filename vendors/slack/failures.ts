import type { WebAPIPlatformError, WebAPIRequestError } from '@slack/web-api';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { NoResponse } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';

export type Failure = Exclude<VendorResponse<never>, { kind: 'done' } | { kind: 'off' }>;

/** A failed call, thrown within an attempt. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.detail, options);
    this.failure = failure;
  }
}

/** @param code Slack's error code */
export const isRefusal = (error: unknown, code: string): boolean =>
  error instanceof CallFailed && error.failure.kind === 'refused' && error.failure.code === code;

/** A response with a status other than 200. Slack reports refusals with 200 and `ok: false`. */
export class UnexpectedStatus extends Error {
  override readonly name = 'UnexpectedStatus';
  readonly status: number;
  readonly afterSeconds: number | null;
  /** The `error` in the body, if it is in Slack's format. */
  readonly code: string | null;

  constructor(status: number, afterSeconds: number | null, code: string | null) {
    super(`Slack answered ${status}${code === null ? '' : ` ${code}`}`);
    this.status = status;
    this.afterSeconds = afterSeconds;
    this.code = code;
  }
}

/**
 * Converts the error of a call.
 * @param isRepeatable the call changes nothing, so an unclear result can be retried
 */
export function failureOf(error: unknown, method: string, isRepeatable: boolean): Failure {
  const failure = classify(error, method);
  return isRepeatable && failure.kind === 'unclear'
    ? { kind: 'later', detail: failure.detail, afterSeconds: null }
    : failure;
}

/** The errors of the vendor's library, by their codes: the library is loaded only by a call. */
export const isRefusedCall = (error: unknown): error is WebAPIPlatformError =>
  hasCode(error, 'slack_webapi_platform_error');
const isFailedRequest = (error: unknown): error is WebAPIRequestError => hasCode(error, 'slack_webapi_request_error');
const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

function classify(error: unknown, method: string): Failure {
  if (isRefusedCall(error)) return failureOfRefusal(error.data, method);
  const cause = isFailedRequest(error) ? error.original : error;
  if (cause instanceof UnexpectedStatus) return failureOfStatus(cause, method);
  const detail = `${method}: ${truncate(cause instanceof Error ? cause.message : String(cause), 300)}`;
  return cause instanceof NoResponse && neverConnected(cause.cause)
    ? { kind: 'later', detail: `Slack could not be reached for ${detail}`, afterSeconds: null }
    : { kind: 'unclear', detail: `Slack did not answer ${detail}` };
}

function failureOfStatus({ status, afterSeconds, code }: UnexpectedStatus, method: string): Failure {
  const detail = `Slack answered ${method} with ${status}${code === null ? '' : ` ${code}`}`;
  if (status === 429) return { kind: 'later', detail, afterSeconds };
  if (status >= 500 || status === 408) return { kind: 'unclear', detail };
  const hint =
    status >= 300 && status < 400
      ? 'redirects are not followed, so SLACK_API_URL is not the address of the API'
      : 'SLACK_API_URL may not be the address of the API, or something in between answers for it';
  return { kind: 'refused', code: code ?? `http_${status}`, detail: `${detail}; ${hint}. ${SEE_ERRORS}#slack-refused` };
}

type Body = { error?: string; needed?: unknown; provided?: unknown; response_metadata?: unknown };

const LATER_CODES = new Set(['ratelimited', 'rate_limited', 'team_added_to_org']);
const UNCLEAR_CODES = new Set(['internal_error', 'fatal_error', 'request_timeout', 'service_unavailable']);

function failureOfRefusal(body: Body, method: string): Failure {
  const code = slackCode(body);
  if (code === null) return { kind: 'unclear', detail: `${method} was not answered by Slack, but with something else` };
  if (LATER_CODES.has(code))
    return { kind: 'later', detail: `Slack answered ${method} with ${code}`, afterSeconds: null };
  if (UNCLEAR_CODES.has(code)) return { kind: 'unclear', detail: `Slack answered ${method} with ${code}` };
  const { topic, advice } = ADVICE.find(({ codes }) => codes.test(code)) ?? OTHER_ADVICE;
  return {
    kind: 'refused',
    code,
    detail: `Slack refused ${method} with ${code}${scopeText(body)}${messagesText(body)}: ${advice}. ${SEE_ERRORS}#${topic}`,
  };
}

/** Returns Slack's error code. Null if the response is not from Slack, such as a proxy's page. */
export function slackCode(body: unknown): string | null {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  return typeof error === 'string' && /^[a-z0-9_.:-]{1,80}$/i.test(error) ? error : null;
}

const SEE_ERRORS = 'See docs/reference/errors.md';
const OTHER_ADVICE = { topic: 'slack-refused', advice: "its meaning is in Slack's reference of the method" };

/** The advice for Slack's error codes; the first match applies. */
const ADVICE: readonly { codes: RegExp; topic: string; advice: string }[] = [
  {
    codes: /^(invalid_auth|not_authed|account_inactive|token_(revoked|expired))$/,
    topic: 'slack-token',
    advice: 'set SLACK_BOT_TOKEN to the bot token (xoxb-) of an app that is installed in the workspace',
  },
  {
    codes: /^(missing_scope|no_permission|not_allowed_token_type)$/,
    topic: 'slack-scope',
    advice: 'give the app the scope, install it again, and set SLACK_BOT_TOKEN to its bot token',
  },
  {
    codes: /^(not_in_channel|method_not_supported_for_channel_type)$/,
    topic: 'slack-channel',
    advice: 'invite the app to the channel; into public ones it can go by itself with the scope channels:join',
  },
  {
    codes: /^(channel_not_found|is_archived|is_inactive)$/,
    topic: 'slack-channel',
    advice: 'name a public channel that exists and is not archived, or invite the app to the private one',
  },
  {
    codes: /^(restricted_action|user_is_restricted|cant_archive|access_denied|team_access_not_granted|ekm_access)/,
    topic: 'slack-restricted',
    advice: 'the workspace does not allow it: ask one of its admins to allow it to the app',
  },
];

/** Describes a missing scope, from the needed and provided scopes in the response. */
function scopeText({ needed, provided }: Body): string {
  if (typeof needed !== 'string') return '';
  return ` (it needs ${truncate(needed, 200)}${typeof provided === 'string' ? `, the token has ${truncate(provided, 300)}` : ''})`;
}

/** Describes invalid blocks, from the messages in the response. */
function messagesText({ response_metadata: metadata }: Body): string {
  const messages = typeof metadata === 'object' && metadata !== null && 'messages' in metadata ? metadata.messages : [];
  return Array.isArray(messages) && messages.length > 0 ? ` (${truncate(messages.map(String).join('; '), 300)})` : '';
}

/** Returns whether the host was not found or the connection failed, so that nothing was sent. */
function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(neverConnected);
  if ('syscall' in error && (error.syscall === 'connect' || error.syscall === 'getaddrinfo')) return true;
  if ('code' in error && error.code === 'UND_ERR_CONNECT_TIMEOUT') return true;
  return neverConnected(error.cause);
}

/** Returns the result of a call, or `fallback` if Slack refuses it. Use it for optional data. Throws other failures. */
export async function valueIfRefused<T, U>(call: Promise<T>, fallback: U): Promise<T | U> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof CallFailed && error.failure.kind === 'refused') return fallback;
    throw error;
  }
}
