/** A call without a response: no connection, connection closed, or timeout. The call may have had its effect. */
export class NoResponse extends Error {
  override readonly name = 'NoResponse';
}

/** A vendor's complete response. */
export type HttpResponse = { status: number; headers: Headers; text: string };

/**
 * Maximum bytes of a body. Vendor responses are small; a larger one is not from the expected API, unless the caller
 * raises the limit.
 */
const BODY_MAX_BYTES = 1024 * 1024;

/** Codes of an error if the server closed the connection. */
const CLOSED = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * Sends a request, with a time limit for connection and body. Doesn't follow redirects, because a redirect could send
 * Firebreak's credential to another server. Repeats a GET once if the server closed the connection: it may have done so for
 * idleness, just when the request was sent.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1
 * @throws NoResponse
 */
export async function call(
  url: string,
  init: {
    method: string;
    headers?: Readonly<Record<string, string>>;
    body?: string;
    timeoutMs: number;
    maxBytes?: number;
    signal?: AbortSignal;
  },
): Promise<HttpResponse> {
  const { timeoutMs, maxBytes = BODY_MAX_BYTES, signal: callerSignal, ...request } = init;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = callerSignal === undefined ? timeout : AbortSignal.any([timeout, callerSignal]);
  try {
    const send = (): Promise<Response> => fetch(url, { ...request, redirect: 'manual', signal });
    const response = await send().catch((error: unknown) => {
      if (request.method === 'GET' && isClosed(error)) return send();
      throw error;
    });
    return { status: response.status, headers: response.headers, text: await readAtMost(response, maxBytes) };
  } catch (error) {
    throw new NoResponse(`${init.method} ${URL.parse(url)?.origin ?? 'an invalid URL'}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

const isClosed = (error: unknown): boolean =>
  error instanceof Error &&
  error.cause instanceof Error &&
  'code' in error.cause &&
  CLOSED.has(String(error.cause.code));

/** A result without a usable response: the next attempt checks what the call did. */
export type Later = { kind: 'later'; detail: string; afterSeconds: number | null };

/** Converts a missing response to a result. */
export async function orLater<T>(pending: Promise<T>): Promise<T | Later> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof NoResponse) return { kind: 'later', detail: error.message, afterSeconds: null };
    throw error;
  }
}

async function readAtMost(response: Response, max: number): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > max) throw new RangeError(`an answer of more than ${max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  if (!(error.cause instanceof Error)) return error.message;
  const { message } = error.cause;
  return 'code' in error.cause && UNKNOWN_ISSUER.has(String(error.cause.code))
    ? `${message}; if its certificate is of a private CA, set NODE_EXTRA_CA_CERTS to the file with the CA's certificate`
    : message;
}

/** Codes of OpenSSL for a certificate whose issuer is not trusted. */
const UNKNOWN_ISSUER = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Maximum seconds to wait. A larger value is probably a mistake, and one header must not stop calls for a day. */
const RETRY_AFTER_MAX_SECONDS = 3600;

/**
 * Returns the seconds of a `Retry-After` header in either format; null without one.
 * @param now milliseconds since the Unix epoch
 */
export function retryAfterSeconds(headers: Headers, now: number): number | null {
  const value = headers.get('retry-after')?.trim();
  if (!value) return null;
  const seconds = Number.isFinite(Number(value)) ? Number(value) : (Date.parse(value) - now) / 1000;
  return Number.isNaN(seconds) ? null : Math.min(Math.max(0, seconds), RETRY_AFTER_MAX_SECONDS);
}
