import * as z from 'zod';
import { call, json, NoAnswer } from '../http.ts';

/** Slack has answered, and will not do it; `code` is its word for why. No answer at all is `no_answer`. */
export class SlackRefused extends Error {
  override readonly name = 'SlackRefused';
  readonly code: string;

  constructor(method: string, code: string, options?: ErrorOptions) {
    super(`Slack's ${method}: ${code}`, options);
    this.code = code;
  }
}

const Said = z.looseObject({ ok: z.boolean(), error: z.string().max(128).optional() });

/** Small answers: a view, a person. */
const ANSWER_MAX_BYTES = 512 * 1024;

/**
 * One attempt at one method, for a function that has to be small and Slack's own client is not.
 *
 * @param apiUrl ends with a slash
 * @throws SlackRefused
 */
export async function askSlack(
  { apiUrl, token, timeoutMs }: { apiUrl: string; token: string; timeoutMs: number },
  method: string,
  args: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const answer = await call(`${apiUrl}${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...typeOf(args) },
    body: bodyOf(args),
    timeoutMs,
    maxBytes: ANSWER_MAX_BYTES,
  }).catch((error: unknown) => {
    throw error instanceof NoAnswer ? new SlackRefused(method, 'no_answer', { cause: error }) : error;
  });
  const said = Said.safeParse(json(answer.text));
  if (!said.success) throw new SlackRefused(method, `http_${answer.status}`);
  if (!said.data.ok) throw new SlackRefused(method, said.data.error ?? `http_${answer.status}`);
  return said.data;
}

/** Not all methods that read take JSON; those that are given structures do. */
const isFlat = (args: Record<string, unknown>): boolean =>
  Object.values(args).every((value) => typeof value === 'string');

const typeOf = (args: Record<string, unknown>) => ({
  'content-type': isFlat(args) ? 'application/x-www-form-urlencoded' : 'application/json; charset=utf-8',
});

const bodyOf = (args: Record<string, unknown>): string =>
  isFlat(args) ? new URLSearchParams(args as Record<string, string>).toString() : JSON.stringify(args);
