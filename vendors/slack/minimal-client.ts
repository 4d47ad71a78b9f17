import * as z from 'zod';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { call, NoResponse } from '../shared/http.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** A refusal by Slack with its error code, or `no_answer` without a response. */
export class SlackRefused extends Error {
  override readonly name = 'SlackRefused';
  readonly code: string;

  constructor(method: string, code: string, options?: ErrorOptions) {
    super(`Slack's ${method}: ${code}`, options);
    this.code = code;
  }
}

const SlackResponse = z.looseObject({ ok: z.boolean(), error: z.string().max(128).optional() });

/** Maximum bytes of a response: a view or a user, which are small. */
const RESPONSE_MAX_BYTES = 512 * 1024;

/**
 * Calls one method once. For functions that must be small, unlike Slack's own client.
 *
 * @param apiUrl with a trailing slash
 * @throws SlackRefused
 */
export async function callSlackOnce(
  { apiUrl, token, timeoutMs }: { apiUrl: string; token: string; timeoutMs: number },
  method: string,
  given: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const args = outgoing(given);
  const { status, text } = await call(`${apiUrl}${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...typeOf(args) },
    body: bodyOf(args),
    timeoutMs,
    maxBytes: RESPONSE_MAX_BYTES,
  }).catch((error: unknown) => {
    throw error instanceof NoResponse ? new SlackRefused(method, 'no_answer', { cause: error }) : error;
  });
  const response = SlackResponse.safeParse(parseJson(text));
  if (!response.success) throw new SlackRefused(method, `http_${status}`);
  if (!response.data.ok) throw new SlackRefused(method, response.data.error ?? `http_${status}`);
  return response.data;
}

/**
 * Returns whether the arguments can be form-encoded. Not all read methods accept JSON; methods with structured
 * arguments do.
 */
const isFlat = (args: Record<string, unknown>): boolean =>
  Object.values(args).every((value) => typeof value === 'string');

const typeOf = (args: Record<string, unknown>) => ({
  'content-type': isFlat(args) ? 'application/x-www-form-urlencoded' : 'application/json; charset=utf-8',
});

const bodyOf = (args: Record<string, unknown>): string =>
  isFlat(args) ? new URLSearchParams(args as Record<string, string>).toString() : JSON.stringify(args);
