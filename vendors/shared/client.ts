import * as z from 'zod';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Clock } from '../../core/domain/ports/system.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { type HttpResponse, call, NoResponse, retryAfterSeconds } from './http.ts';
import { truncate } from './text.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** The response to a call that was not done. */
export type FailedResponse = Exclude<VendorResponse<never>, { kind: 'done' }>;

/** The base URL of a vendor's API, and the headers with the credentials. */
export type Access = { url: string; headers?: Record<string, string> };

/** What distinguishes a vendor's JSON API from others. */
export type VendorApi = {
  /** The vendor's name in messages. */
  vendor: string;
  /** The name in the message that an attempt took too long. Absent: the vendor's. */
  server?: string;
  clock: Clock;
  /** Returns the access, read before each call, or why there can be no call. */
  access(): Promise<Access | FailedResponse>;
  /**
   * Returns the access in place of one that the vendor has refused with 401: the call had no effect, and is repeated once.
   * Undefined: there is no other. Absent: there never is.
   */
  renewed?(refused: Access): Promise<Access | FailedResponse | undefined>;
  /** Milliseconds for one call, or for all calls of an attempt. */
  timeoutMs: number;
  maxBytes?: number;
  /**
   * Bodies are sent as they are: they set the state of a system, which can contain what looks like a credential. Absent:
   * without the credentials in their texts.
   */
  sendsExactBodies?: true;
  /**
   * Returns the seconds to wait if the response is a rate limit, null if it doesn't say how long; undefined for any
   * other response. Absent: 429 with `Retry-After`.
   *
   * @param retryAfter seconds of the header `Retry-After`
   * @param now milliseconds since the Unix epoch
   */
  rateLimitSeconds?(httpResponse: HttpResponse, retryAfter: number | null, now: number): number | null | undefined;
  /** Reads the vendor's message in an error body. Absent: messages contain only the status. */
  errorBody?: z.ZodType<string | undefined>;
  /** Returns the start of the message of a call that failed. */
  prefix?(call: Pick<VendorCall<unknown>, 'method' | 'path'>): string;
};

export type VendorCall<T> = {
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Appended to the base URL, with its query. */
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: object;
  /** The schema of a 2xx body. */
  schema: z.ZodType<T>;
};

/**
 * Makes one call, without retries. A rate limit applies before the effect, so it is `later`. After a server error or
 * without a response, a write may have had its effect and is `unclear`, while a read is `later`. All other errors need a
 * fix by a person.
 */
export type Client = <T>(call: VendorCall<T>) => Promise<VendorResponse<T>>;

/** Creates a client whose calls have a time limit each. */
export const vendorClient =
  (api: VendorApi): Client =>
  (vendorCall) =>
    send(api, vendorCall, () => api.timeoutMs);

/** Creates a client for one attempt, whose calls share one time limit. */
export function attemptClient(api: VendorApi): Client {
  const until = performance.now() + api.timeoutMs;
  return (vendorCall) => send(api, vendorCall, () => Math.floor(until - performance.now()));
}

async function send<T>(api: VendorApi, vendorCall: VendorCall<T>, timeLeft: () => number): Promise<VendorResponse<T>> {
  const answer = async (access: Access | FailedResponse): Promise<VendorResponse<T>> => {
    if ('kind' in access) return access;
    const timeoutMs = timeLeft();
    // Nothing was sent, so the call had no effect.
    return timeoutMs <= 0
      ? { kind: 'later', detail: `${api.server ?? api.vendor} took ${api.timeoutMs} ms`, afterSeconds: null }
      : request(api, vendorCall, access, timeoutMs);
  };
  const access = await api.access();
  const first = await answer(access);
  const isRefused = !('kind' in access) && first.kind === 'refused' && first.code === 'unauthorized';
  const renewed = isRefused ? await api.renewed?.(access) : undefined;
  const response = renewed === undefined ? first : await answer(renewed);
  return response.kind === 'done' || response.kind === 'off' || api.prefix === undefined
    ? response
    : { ...response, detail: `${api.prefix(vendorCall)}: ${response.detail}` };
}

async function request<T>(
  api: VendorApi,
  vendorCall: VendorCall<T>,
  access: Access,
  timeoutMs: number,
): Promise<VendorResponse<T>> {
  const url = vendorCall.path === '' ? access.url : withoutTrailingSlash(access.url) + vendorCall.path;
  const headers = { ...access.headers, ...vendorCall.headers };
  const fault = settingFault(api.vendor, url, headers);
  if (fault !== undefined) return fault;
  const body = vendorCall.body && (api.sendsExactBodies ? vendorCall.body : outgoing(vendorCall.body));
  try {
    const httpResponse = await call(url, {
      method: vendorCall.method,
      headers: {
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
      timeoutMs,
      ...(api.maxBytes !== undefined && { maxBytes: api.maxBytes }),
    });
    return readResponse(httpResponse, api, vendorCall);
  } catch (error) {
    if (error instanceof NoResponse) return withoutResponse(vendorCall.method, error.message);
    throw error;
  }
}

function readResponse<T>(
  httpResponse: HttpResponse,
  api: VendorApi,
  { method, schema }: VendorCall<T>,
): VendorResponse<T> {
  const { status, headers, text } = httpResponse;
  const body = parseJson(text);
  const refusal = api.errorBody?.safeParse(body).data;
  const detail = `${api.vendor} answered ${status}${refusal === undefined ? '' : `: ${truncate(refusal, 300)}`}`;
  const now = millisOf(api.clock.now());
  const afterSeconds = (api.rateLimitSeconds ?? rateLimitSeconds)(httpResponse, retryAfterSeconds(headers, now), now);
  if (afterSeconds !== undefined) return { kind: 'later', detail, afterSeconds };
  if (status >= 500 || status === 408) return withoutResponse(method, detail);
  if (status < 200 || status >= 300) return { kind: 'refused', code: codeOf(status), detail };
  const parsed = schema.safeParse(body);
  if (parsed.success) return { kind: 'done', value: parsed.data };
  // The response is from an intermediary, such as a proxy's login page, or in an unknown format of the vendor.
  const unreadDetail = `${detail}, but not in the form of its API`;
  return method === 'GET'
    ? { kind: 'refused', code: 'unreadable', detail: unreadDetail }
    : { kind: 'unclear', detail: unreadDetail };
}

const rateLimitSeconds = ({ status }: HttpResponse, retryAfter: number | null): number | null | undefined =>
  status === 429 ? retryAfter : undefined;

const withoutResponse = (method: string, detail: string): FailedResponse =>
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
): FailedResponse | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '')
    return {
      kind: 'refused',
      code: 'bad_url',
      detail: `the address of ${vendor} must be an http or https URL without a user name`,
    };
  const invalid = Object.entries(headers).find(([, value]) => !/^[ -~]*$/.test(value));
  return invalid === undefined
    ? undefined
    : {
        kind: 'refused',
        code: 'bad_token',
        detail: `the value of ${invalid[0]} for ${vendor} contains a line break or another control character`,
      };
}

/** The error body of most vendors: `{"message": "…"}`. */
export const MESSAGE_BODY = z.object({ message: z.string() }).transform(({ message }) => message);

export const withoutTrailingSlash = (url: string): string => url.replace(/(?<!\/)\/+$/, '');

/** Drops the value of a call of which only the success counts. */
export const withoutValue = (response: VendorResponse<unknown>): VendorResponse<null> =>
  response.kind === 'done' ? { kind: 'done', value: null } : response;
