import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type ApiAccess, accessOf } from './credentials.ts';
import { traceContextOf } from '../../schemas/parsing/traceparent.ts';
import { oneLine } from './table.ts';
import { CommandFailure, type CommandContext } from './command-context.ts';
import { CONTENT_CODES } from '../../schemas/parsing/content-codes.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Longer than any response of the API takes. */
const TIMEOUT_MS = 30_000;

/** Pause before a request that creates something is repeated, if its response is lost. */
const REPEAT_AFTER_MS = 500;

/** How long it is repeated: until Firebreak has restarted, and an instance that died no longer blocks its key. */
const REPEATED_FOR_MS = 75_000;

const POLL_INTERVAL_MS = 1000;

/** How long to retry while Firebreak does not respond. A restart takes less. */
const OUTAGE_MAX_MS = 60_000;

/** Reasons for which a request that Firebreak may have received has no response. */
const LOST_REASONS = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'timed out',
]);

const Problem = z.object({ code: z.string(), detail: z.string() });

/** Thrown without a complete response: no connection, a connection that broke, or a time-out. */
export class NoResponse extends CommandFailure {
  /** Whether Firebreak may have received the request. */
  readonly mayBeReceived: boolean;

  constructor(message: string, mayBeReceived: boolean) {
    super(message);
    this.mayBeReceived = mayBeReceived;
  }
}

/** Thrown for an error response. `code` is a heading of docs/reference/errors.md. */
export class ErrorResponse extends CommandFailure {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${detail} (${code})`);
    this.status = status;
    this.code = code;
  }

  /** Whether the arguments of the command are invalid, as opposed to what they name being absent, or not allowed. */
  get isUsageError(): boolean {
    const isAboutContent = CONTENT_CODES.some((code) => code === this.code);
    return (this.status === 400 || this.status === 422) && this.code !== 'http' && !isAboutContent;
  }
}

/** A complete response. */
type ApiResponse = { ok: boolean; status: number; text: string; location: string | null };

/** What a request sends besides its path. */
type RequestContent = {
  body?: object;
  gzip?: Uint8Array<ArrayBuffer>;
  identityToken?: string | undefined;
  idempotencyKey?: string;
  /** Further headers. */
  headers?: Readonly<Record<string, string>>;
};

/** HTTP client for the API of a running Firebreak. */
export class Client {
  readonly #access: ApiAccess;
  readonly #trace: { traceparent?: string };

  /** @param traceparent W3C trace context of the caller; other text is ignored */
  constructor(access: ApiAccess, traceparent?: string) {
    this.#access = access;
    this.#trace = traceContextOf(traceparent);
  }

  /** @throws CommandFailure without a token for the address */
  static async of(context: CommandContext): Promise<Client> {
    return new Client(await accessOf(context), context.env['TRACEPARENT']);
  }

  get url(): string {
    return this.#access.url;
  }

  /** @param identityToken OpenID Connect token of a CI system, for endpoints that accept one */
  get = <S extends z.ZodType>(path: string, schema: S, identityToken?: string): Promise<z.infer<S>> =>
    this.request('GET', path, schema, { identityToken });

  /** Returns the body of a response that is not JSON. */
  async text(path: string): Promise<string> {
    return (await this.#sendOk('GET', path)).text;
  }

  post = <S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> =>
    this.request('POST', path, schema, { body });

  /**
   * Posts a body that creates something. If the response is lost, repeats the request with the same idempotency key, which
   * creates nothing twice. Only for the paths of the API that accept `Idempotency-Key`.
   */
  async create<S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> {
    const content = { body, idempotencyKey: randomUUID() };
    const until = Date.now() + REPEATED_FOR_MS;
    for (let isUnclear = false; ;)
      try {
        return await this.request('POST', path, schema, content);
      } catch (error) {
        isUnclear ||= mayBeExecuted(error);
        if (!isUnclear || !mayPass(error) || Date.now() > until) throw error;
        await sleep(REPEAT_AFTER_MS);
      }
  }

  put = <S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> =>
    this.request('PUT', path, schema, { body });

  /** Posts a file that is compressed with gzip. */
  upload = <S extends z.ZodType>(path: string, gzip: Uint8Array<ArrayBuffer>, schema: S): Promise<z.infer<S>> =>
    this.request('POST', path, schema, { gzip });

  /** Reads what is in progress each second until it is over. @param hint printed if Firebreak does not respond for long */
  async follow<S extends z.ZodType>(
    path: string,
    schema: S,
    isOver: (read: z.infer<S>) => boolean,
    hint: string,
  ): Promise<z.infer<S>> {
    for (let lastResponseAt = Date.now(); ;) {
      await sleep(POLL_INTERVAL_MS);
      try {
        const read = await this.get(path, schema);
        lastResponseAt = Date.now();
        if (isOver(read)) return read;
      } catch (error) {
        if (!(error instanceof NoResponse)) throw error;
        if (Date.now() - lastResponseAt > OUTAGE_MAX_MS) throw new CommandFailure(`${error.message}\n${hint}`);
      }
    }
  }

  async delete(path: string): Promise<void> {
    await this.#sendOk('DELETE', path);
  }

  /** Reads the response body whatever the status. */
  async getAnyStatus<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
    return parseAs((await this.#send('GET', path)).text, schema, path);
  }

  async request<S extends z.ZodType>(
    method: string,
    path: string,
    schema: S,
    content: RequestContent,
  ): Promise<z.infer<S>> {
    return parseAs((await this.#sendOk(method, path, content)).text, schema, path);
  }

  /** Posts a message of another protocol. Returns the response with any status. @throws NoResponse */
  exchange(path: string, body: object, headers: Readonly<Record<string, string>>): Promise<ApiResponse> {
    return this.#send('POST', path, { body, headers });
  }

  async #sendOk(method: string, path: string, content?: RequestContent): Promise<ApiResponse> {
    const response = await this.#send(method, path, content);
    if (!response.ok) throw errorOf(response);
    return response;
  }

  async #send(
    method: string,
    path: string,
    { body, gzip, identityToken, idempotencyKey, headers }: RequestContent = {},
  ): Promise<ApiResponse> {
    const { url, token } = this.#access;
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...this.#trace,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(gzip === undefined ? {} : { 'content-encoding': 'gzip' }),
          ...(identityToken === undefined ? {} : { 'x-identity-token': identityToken }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(gzip === undefined ? {} : { body: gzip }),
        redirect: 'manual', // the token must not reach another host
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const location = response.headers.get('location');
      return { ok: response.ok, status: response.status, text: await response.text(), location };
    } catch (error) {
      throw new NoResponse(
        `cannot reach Firebreak at ${url} (${reasonOf(error)}): start it with npm start, or set FIREBREAK_URL to its address`,
        LOST_REASONS.has(reasonOf(error)),
      );
    }
  }
}

/** Returns whether the request may have been executed, or still is in progress. */
const mayBeExecuted = (error: unknown): boolean =>
  error instanceof NoResponse
    ? error.mayBeReceived
    : error instanceof ErrorResponse && (LOST_STATUS.has(error.status) || error.code === 'idempotency-key-running');

/** Returns whether a repeat can succeed. */
const mayPass = (error: unknown): boolean =>
  mayBeExecuted(error) || error instanceof NoResponse || (error instanceof ErrorResponse && error.status === 503);

/** Statuses with which a gateway replaces the response. */
const LOST_STATUS = new Set([502, 504]);

/**
 * Reads the items of all pages of a list. @param page reads the page at a cursor, from the first one without a cursor
 * @param enough reads no further page after this number of items
 */
export async function itemsOfAllPages<T>(
  page: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor: string | null }>,
  enough = Infinity,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: found, next_cursor: next } = await page(cursor);
    items.push(...found);
    cursor = next ?? undefined;
  } while (cursor !== undefined && items.length < enough);
  return items;
}

/** Returns `?a=1&b=2` without undefined values, or an empty string. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

/** Returns the error that a response with another status than 2xx describes. */
export function errorOf({ status, text, location }: ApiResponse): ErrorResponse {
  if (status >= 300 && status < 400) return new ErrorResponse(status, 'http', redirectText(status, location));
  const problem = Problem.safeParse(parseJson(text));
  if (problem.success) return new ErrorResponse(status, problem.data.code, problem.data.detail);
  return new ErrorResponse(status, 'http', `unexpected response ${status}: the server does not seem to be Firebreak`);
}

/** A redirect comes from another server or a proxy: neither an outage of Firebreak nor an allowed deploy. */
const redirectText = (status: number, location: string | null): string =>
  `unexpected redirect (${status}) to ${location === null ? 'an unnamed address' : oneLine(location)}. The token was not ` +
  'sent there. If Firebreak runs at that address, set FIREBREAK_URL to it';

function parseAs<S extends z.ZodType>(text: string, schema: S, path: string): z.infer<S> {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new CommandFailure(
    `unexpected response from ${path} (another version of Firebreak?):\n${inputProblemText(parsed.error)}`,
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.name === 'TimeoutError' ? 'timed out' : error.message;
}
