import type { z } from 'zod';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import { type Answer, call, json, NoAnswer } from './http.ts';
import { truncate } from './text.ts';

/** A request to a vendor's JSON API, and how to read its responses. */
export type VendorRequest<T> = {
  /** The vendor's name in messages. */
  vendor: string;
  url: string;
  method: 'GET' | 'POST' | 'PATCH';
  headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: object;
  timeoutMs: number;
  maxBytes?: number;
  /** The schema of a 2xx body. */
  schema: z.ZodType<T>;
  /**
   * Returns the seconds to wait if the response is a rate limit, null if it doesn't say how long; undefined for any
   * other response.
   */
  limited(answer: Answer): number | null | undefined;
  /** Returns the vendor's message in an error body; undefined if there is none. */
  words(body: unknown): string | undefined;
};

/**
 * Sends one request. A rate limit applies before the effect, so it is `later`. After a server error or without a
 * response, a write may have had its effect and is `unclear`, while a read is `later`. All other errors need a fix by a
 * person.
 */
export async function request<T>(question: VendorRequest<T>): Promise<VendorResponse<T>> {
  const { vendor, url, method, headers, body, timeoutMs, maxBytes } = question;
  const fault = settingFault(vendor, url, headers);
  if (fault !== undefined) return fault;
  try {
    const answer = await call(url, {
      method,
      headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
      timeoutMs,
      ...(maxBytes !== undefined && { maxBytes }),
    });
    return read(answer, question);
  } catch (error) {
    if (error instanceof NoAnswer) return undone(method, error.message);
    throw error;
  }
}

function read<T>(answer: Answer, { vendor, method, schema, limited, words }: VendorRequest<T>): VendorResponse<T> {
  const { status, text } = answer;
  const body = json(text);
  const said = words(body);
  const detail = `${vendor} answered ${status}${said === undefined ? '' : `: ${truncate(said, 300)}`}`;
  const afterSeconds = limited(answer);
  if (afterSeconds !== undefined) return { kind: 'later', detail, afterSeconds };
  if (status >= 500 || status === 408) return undone(method, detail);
  if (status < 200 || status >= 300) return { kind: 'refused', code: codeOf(status), detail };
  const parsed = schema.safeParse(body);
  if (parsed.success) return { kind: 'done', value: parsed.data };
  // The response is from an intermediary, such as a proxy's login page, or in an unknown format of the vendor.
  const unread = `${detail}, but not in the form of its API`;
  return method === 'GET'
    ? { kind: 'refused', code: 'unreadable', detail: unread }
    : { kind: 'unclear', detail: unread };
}

const undone = (method: string, detail: string): VendorResponse<never> =>
  method === 'GET' ? { kind: 'later', detail, afterSeconds: null } : { kind: 'unclear', detail };

const CODES: Readonly<Partial<Record<number, string>>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
  413: 'too_large',
  422: 'invalid',
};

/** Returns an error code for a status, for vendors without error codes of their own. */
const codeOf = (status: number): string => CODES[status] ?? `http_${status}`;

/**
 * Returns why a request can't be sent. Otherwise the error would look like a missing response, and its message would
 * contain the credential.
 */
function settingFault(
  vendor: string,
  url: string,
  headers: Readonly<Record<string, string>>,
): VendorResponse<never> | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '')
    return {
      kind: 'refused',
      code: 'bad_url',
      detail: `the address of ${vendor} must be an http or https URL without a user name`,
    };
  const bad = Object.entries(headers).find(([, value]) => !/^[ -~]*$/.test(value));
  return bad === undefined
    ? undefined
    : {
        kind: 'refused',
        code: 'bad_token',
        detail: `the value of ${bad[0]} for ${vendor} contains a line break or another control character`,
      };
}

export const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
