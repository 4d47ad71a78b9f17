/** A call that got no answer: no connection, cut off, or over time. It may have had its effect. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A vendor's answer, read whole. */
export type Answer = { status: number; headers: Headers; text: string };

/** Answers are small; one that is not is no answer of the API that we call, unless the caller expects it. */
const BODY_MAX_BYTES = 1024 * 1024;

/**
 * One attempt, with a time limit over connection and body, and without following redirects: a redirected call could
 * carry our credential elsewhere.
 * @throws NoAnswer
 */
export async function call(
  url: string,
  init: { method: string; headers?: Record<string, string>; body?: string; timeoutMs: number; maxBytes?: number },
): Promise<Answer> {
  const { timeoutMs, maxBytes = BODY_MAX_BYTES, ...request } = init;
  try {
    const response = await fetch(url, { ...request, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, headers: response.headers, text: await readAtMost(response, maxBytes) };
  } catch (error) {
    throw new NoAnswer(`${init.method} ${URL.parse(url)?.origin ?? 'an address that is no URL'}: ${because(error)}`, {
      cause: error,
    });
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

function because(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer in time';
  return error.cause instanceof Error ? error.cause.message : error.message;
}

export function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Whoever says more has made a mistake, or means never: nobody is silent for a day because of one header. */
const RETRY_AFTER_MAX_SECONDS = 3600;

/** Seconds of a `Retry-After` header, in either of its forms; null without one. @param now milliseconds */
export function retryAfterSeconds(headers: Headers, now: number): number | null {
  const value = headers.get('retry-after')?.trim();
  if (!value) return null;
  const said = Number.isFinite(Number(value)) ? Number(value) : (Date.parse(value) - now) / 1000;
  return Number.isNaN(said) ? null : Math.min(Math.max(0, said), RETRY_AFTER_MAX_SECONDS);
}
