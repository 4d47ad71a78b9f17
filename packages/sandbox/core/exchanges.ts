import type { DatabaseSync } from 'node:sqlite';
import { Hono, type Context } from 'hono';
import { check, problem } from './problem.ts';
import type * as z from 'zod';

/** The state of all vendors that are lists of exchanges: one JSON document for each object that a vendor keeps. */
export const documentTables = `
  create table if not exists documents (
    seq integer primary key autoincrement,
    kind text not null,
    key text not null,
    json text not null,
    unique (kind, key)
  );
`;

/** Documents of one kind. What it returns are copies: store a changed document with `put`. */
export type Documents<T> = {
  /** Returns all documents, oldest first. */
  all(): T[];
  get(...key: string[]): T | undefined;
  /** Creates or replaces a document. */
  put(document: T, ...key: string[]): T;
  drop(...key: string[]): void;
  count(): number;
};

/** @param kind the name of the vendor and of the objects, such as `jira issue` */
export function documents<T>(db: DatabaseSync, kind: string): Documents<T> {
  const keyOf = (parts: string[]): string => JSON.stringify(parts);
  const read = (row: unknown): T => JSON.parse((row as { json: string }).json) as T;
  return {
    all: () => db.prepare('select json from documents where kind = ? order by seq').all(kind).map(read),
    get(...key) {
      const row = db.prepare('select json from documents where kind = ? and key = ?').get(kind, keyOf(key));
      return row && read(row);
    },
    put(document, ...key) {
      db.prepare('insert into documents (kind, key, json) values (?1, ?2, ?3) on conflict do update set json = ?3').run(
        kind,
        keyOf(key),
        JSON.stringify(document),
      );
      return document;
    },
    count: () => (db.prepare('select count(*) as n from documents where kind = ?').get(kind) as { n: number }).n,
    drop: (...key) => void db.prepare('delete from documents where kind = ? and key = ?').run(kind, keyOf(key)),
  };
}

/** A request, with what exchanges need of it. */
export type Call = {
  c: Context;
  /** Returns a parameter of the path, or an empty string. */
  param(name: string): string;
  query: Readonly<Record<string, string>>;
  header(name: string): string;
  /** The body as it was sent. */
  text: string;
  /** The JSON of the body, or undefined if it is not JSON. */
  json: unknown;
  /** Returns the body of a person's request. @throws HTTPException with each key that does not match */
  given<T>(schema: z.ZodType<T>): T;
};

/** Exchanges by method and path, such as `GET /items/:id`. An object is a 200; undefined is the response to unknown paths. */
export type Exchanges = Readonly<Record<string, (call: Call) => Response | object | undefined>>;

/** Returns the routes of exchanges. The first one that matches answers. */
export function exchanges(all: Exchanges): Hono {
  const app = new Hono();
  for (const [request, answerOf] of Object.entries(all)) {
    const [method = '', path = ''] = request.split(' ');
    app.on(method, path, async (c) => {
      const answer = answerOf(callOf(c, await c.req.text()));
      if (answer instanceof Response) return answer;
      return answer === undefined ? c.notFound() : c.json(answer);
    });
  }
  return app;
}

function callOf(c: Context, text: string): Call {
  const json = parsed(text);
  return {
    c,
    param: (name) => c.req.param(name) ?? '',
    query: c.req.query(),
    header: (name) => c.req.header(name) ?? '',
    text,
    json,
    given(schema) {
      if (json === undefined) throw problem(400, 'the body is not valid JSON');
      return check(schema, json);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
