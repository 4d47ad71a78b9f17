import * as z from 'zod';
import { type Access, accessOf } from './credentials.ts';
import { oneLine } from './table.ts';
import { No, type World } from './world.ts';

/** Longer than any answer of the API takes. */
const TIMEOUT_MS = 30_000;

const Problem = z.object({ code: z.string(), detail: z.string() });

/** Nobody answers: no connection, cut off in the middle, or over time. */
export class NoAnswer extends No {}

/** It was refused. `code` is a heading of docs/errors.md. */
export class Refused extends No {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`${detail} (${code})`);
    this.status = status;
    this.code = code;
  }
}

/** All of it has come. */
type Answer = { ok: boolean; status: number; text: string; location: string | null };

type Sent = { body?: object; identityToken?: string | undefined };

/** A running Firebreak, by its API. */
export class Client {
  readonly #access: Access;

  constructor(access: Access) {
    this.#access = access;
  }

  /** @throws No when it cannot be told where Firebreak is, or who asks */
  static async of(world: World): Promise<Client> {
    return new Client(await accessOf(world));
  }

  get url(): string {
    return this.#access.url;
  }

  /** @param identityToken of a CI system, where the address takes one */
  get = <S extends z.ZodType>(path: string, schema: S, identityToken?: string): Promise<z.infer<S>> =>
    this.#ask('GET', path, schema, { identityToken });

  post = <S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> =>
    this.#ask('POST', path, schema, { body });

  put = <S extends z.ZodType>(path: string, body: object, schema: S): Promise<z.infer<S>> =>
    this.#ask('PUT', path, schema, { body });

  async delete(path: string): Promise<void> {
    const response = await this.#send('DELETE', path);
    if (!response.ok) throw refusalOf(response);
  }

  /** What is said at an address, whatever the status. */
  async look<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
    return read((await this.#send('GET', path)).text, schema, path);
  }

  async #ask<S extends z.ZodType>(method: string, path: string, schema: S, sent: Sent): Promise<z.infer<S>> {
    const response = await this.#send(method, path, sent);
    if (!response.ok) throw refusalOf(response);
    return read(response.text, schema, path);
  }

  async #send(method: string, path: string, { body, identityToken }: Sent = {}): Promise<Answer> {
    const { url, token } = this.#access;
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(identityToken === undefined ? {} : { 'x-identity-token': identityToken }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'manual', // our token is not for whoever is named there
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const location = response.headers.get('location');
      return { ok: response.ok, status: response.status, text: await response.text(), location };
    } catch (error) {
      throw new NoAnswer(
        `no Firebreak answers at ${url} (${because(error)}): npm start starts one, FIREBREAK_URL names another`,
      );
    }
  }
}

/** `?a=1&b=2` of what is given. */
export function queryOf(parts: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? '' : `?${given.toString()}`;
}

function refusalOf({ status, text, location }: Answer): Refused {
  if (status >= 300 && status < 400) return new Refused(status, 'http', elsewhere(status, location));
  const problem = Problem.safeParse(json(text));
  if (problem.success) return new Refused(status, problem.data.code, problem.data.detail);
  return new Refused(status, 'http', `the answer is ${status}, and not of a Firebreak`);
}

/** An answer of somebody: nobody's outage, and no yes. */
const elsewhere = (status: number, location: string | null): string =>
  `the answer is ${status}, to go to ${location === null ? 'an address that it does not name' : oneLine(location)}; a token ` +
  'is not sent there, so name that address with FIREBREAK_URL if it is the one of Firebreak';

function read<S extends z.ZodType>(text: string, schema: S, path: string): z.infer<S> {
  const parsed = schema.safeParse(json(text));
  if (parsed.success) return parsed.data;
  throw new No(`${path} gives something that this version does not know:\n${z.prettifyError(parsed.error)}`);
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
  return error.name === 'TimeoutError' ? 'no answer in time' : error.message;
}
