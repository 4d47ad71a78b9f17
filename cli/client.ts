import * as z from 'zod';
import { type Access, accessOf } from './credentials.ts';
import { traceContextOf } from '../schemas/parsing/traceparent.ts';
import { oneLine } from './table.ts';
import { CommandFailure, type CommandContext } from './command-context.ts';

/** Longer than any response of the API takes. */
const TIMEOUT_MS = 30_000;

const Problem = z.object({ code: z.string(), detail: z.string() });

/** No complete response: no connection, a connection that broke, or a time-out. */
export class NoAnswer extends CommandFailure {}

/** An error response. `code` is a heading of docs/reference/errors.md. */
export class Refused extends CommandFailure {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${detail} (${code})`);
    this.status = status;
    this.code = code;
  }
}

/** A complete response. */
type Answer = { ok: boolean; status: number; text: string; location: string | null };

type Sent = { body?: object; gzip?: Uint8Array<ArrayBuffer>; identityToken?: string | undefined };

/** HTTP client for the API of a running Firebreak. */
export class Client {
  readonly #access: Access;
  readonly #trace: { traceparent?: string };

  /** @param traceparent W3C trace context of the caller; what is no trace context is ignored */
  constructor(access: Access, traceparent?: string) {
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
    this.#ask('GET', path, schema, { identityToken });

  /** Returns the body of a response that is not JSON. */
  async text(path: string): Promise<string> {
    const response = await this.#send('GET', path);
    if (!response.ok) throw refusalOf(response);
    return response.text;
  }

  post = <S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> =>
    this.#ask('POST', path, schema, { body });

  put = <S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> =>
    this.#ask('PUT', path, schema, { body });

  patch = <S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> =>
    this.#ask('PATCH', path, schema, { body });

  /** Posts a file that is compressed with gzip. */
  upload = <S extends z.ZodType>(path: string, gzip: Uint8Array<ArrayBuffer>, schema: S): Promise<z.infer<S>> =>
    this.#ask('POST', path, schema, { gzip });

  async delete(path: string): Promise<void> {
    const response = await this.#send('DELETE', path);
    if (!response.ok) throw refusalOf(response);
  }

  /** Reads the response body whatever the status. */
  async look<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
    return read((await this.#send('GET', path)).text, schema, path);
  }

  async #ask<S extends z.ZodType>(method: string, path: string, schema: S, sent: Sent): Promise<z.infer<S>> {
    const response = await this.#send(method, path, sent);
    if (!response.ok) throw refusalOf(response);
    return read(response.text, schema, path);
  }

  async #send(method: string, path: string, { body, gzip, identityToken }: Sent = {}): Promise<Answer> {
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
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(gzip === undefined ? {} : { body: gzip }),
        redirect: 'manual', // the token must not reach another host
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const location = response.headers.get('location');
      return { ok: response.ok, status: response.status, text: await response.text(), location };
    } catch (error) {
      throw new NoAnswer(
        `cannot reach Firebreak at ${url} (${because(error)}): start it with npm start, or set FIREBREAK_URL to its address`,
      );
    }
  }
}

/** Returns `?a=1&b=2` without undefined values, or an empty string. */
export function queryOf(parts: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? '' : `?${given.toString()}`;
}

function refusalOf({ status, text, location }: Answer): Refused {
  if (status >= 300 && status < 400) return new Refused(status, 'http', elsewhere(status, location));
  const problem = Problem.safeParse(json(text));
  if (problem.success) return new Refused(status, problem.data.code, problem.data.detail);
  return new Refused(status, 'http', `unexpected response ${status}: the server does not seem to be Firebreak`);
}

/** A redirect comes from another server or a proxy: neither an outage of Firebreak nor an allowed deploy. */
const elsewhere = (status: number, location: string | null): string =>
  `unexpected redirect (${status}) to ${location === null ? 'an unnamed address' : oneLine(location)}. The token was not ` +
  'sent there. If Firebreak runs at that address, set FIREBREAK_URL to it';

function read<S extends z.ZodType>(text: string, schema: S, path: string): z.infer<S> {
  const parsed = schema.safeParse(json(text));
  if (parsed.success) return parsed.data;
  throw new CommandFailure(
    `unexpected response from ${path} (another version of Firebreak?):\n${z.prettifyError(parsed.error)}`,
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function because(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.name === 'TimeoutError' ? 'timed out' : error.message;
}
