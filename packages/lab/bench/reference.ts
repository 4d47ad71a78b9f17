/**
 * Lower bounds for what the product does: bare `node:http` on an SQLite file with WAL and `synchronous=FULL`, without
 * authentication, rules, or validation.
 *
 *   node bench/reference.ts FOLDER
 *
 * - `POST /alerts` parses the JSON and commits it as one row; requests of one turn of the event loop share a commit
 * - `GET /read` reads a row; `GET /commit` reads a row and commits one
 * - `POST /path?rows=8,1,2` responds, then commits that many rows one after another, and then calls the address in the body
 * - any other path responds with the file of this name in FOLDER/files
 */
import { readFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';

/** About the size of an incident, a timeline entry, or an operation. */
const ROW = JSON.stringify({ text: 'x'.repeat(600) });

const ROWS = 1000;

const [folder = '.'] = process.argv.slice(2);
const db = new DatabaseSync(join(folder, 'reference.sqlite'));
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
db.exec('CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, item TEXT NOT NULL) STRICT');
const insert = db.prepare('INSERT INTO items (item) VALUES (?)');
const select = db.prepare('SELECT item FROM items WHERE id = ?');

function commit(rows: readonly string[]): void {
  db.exec('BEGIN IMMEDIATE');
  for (const row of rows) insert.run(row);
  db.exec('COMMIT');
}

const read = (): unknown => JSON.parse(String(select.get(1 + Math.floor(Math.random() * ROWS))?.['item']));

/** Rows that wait for the commit of this turn. */
let waiting: { row: string; done: () => void }[] = [];

function committed(row: string): Promise<void> {
  return new Promise((done) => {
    if (waiting.length === 0) setImmediate(commitWaiting);
    waiting.push({ row, done });
  });
}

function commitWaiting(): void {
  const all = waiting;
  waiting = [];
  commit(all.map(({ row }) => row));
  for (const { done } of all) done();
}

const post = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    httpRequest(url, { method: 'POST' }, (response) => response.resume().once('end', resolve))
      .once('error', reject)
      .end('{}');
  });

async function followPath(rows: readonly number[], reply: string): Promise<void> {
  for (const count of rows) {
    commit(Array.from({ length: count }, () => ROW));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await post(reply);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://reference.test');
  const send = (status: number, body: string | Buffer) =>
    response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body);
  switch (pathname) {
    case '/alerts': {
      const body = JSON.parse(await text(request)) as object;
      await committed(JSON.stringify(body));
      return void send(202, '{"accepted":true}');
    }
    case '/read':
      return void send(200, JSON.stringify(read()));
    case '/commit':
      read();
      await committed(ROW);
      return void send(200, '{"committed":true}');
    case '/path': {
      const { reply } = JSON.parse(await text(request)) as { reply: string };
      const rows = (searchParams.get('rows') ?? '').split(',').map(Number);
      await committed(ROW);
      send(202, '{"accepted":true}');
      return void setImmediate(() => void followPath(rows, reply));
    }
    default:
      return void send(200, await readFile(join(folder, 'files', pathname)));
  }
}

commit(Array.from({ length: ROWS }, () => ROW));
process.once('disconnect', () => process.exit()); // the parent process has ended
const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(0, '127.0.0.1', () => {
  console.log(`reference ready on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
