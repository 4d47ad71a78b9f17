/**
 * Lower bound for the path from an alert to rollback, page, and table, and for a freeze check: the same durable writes and
 * the same hops of loopback HTTP, one after another, without parsing, rules, SDK, or records.
 *
 *   node bench/reference.ts FOLDER
 *
 * Two processes, as in the product: one stands for the emulations of SQS and Lambda and makes the calls, the other is the
 * table. Each has an SQLite file with WAL and `synchronous=FULL`, like the product's emulations and its DynamoDB, so that a
 * commit is on disk when it returns.
 */
import { fork } from 'node:child_process';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { json } from 'node:stream/consumers';

/**
 * A call that the path waits for. `rows` are written in one commit; 0 means a read or a call without a write. `reads`: rows
 * that a read returns, if not one.
 */
type Hop = { at: 'table' | 'engine' | 'process'; rows: number; what: string; reads?: number };

const table = (what: string, rows = 0): Hop => ({ at: 'table', rows, what });
const query = (what: string, reads: number): Hop => ({ at: 'table', rows: 0, what, reads });
const engine = (what: string, rows = 0): Hop => ({ at: 'engine', rows, what });
const inProcess = (what: string, rows: number): Hop => ({ at: 'process', rows, what });

/**
 * Calls that the product waits for, one after another, between the 202 and the first step that page and rollback do not
 * share. Derived from its calls to AWS (aws/table/alerts/admit.ts, workflows/wake.ts, workflows/incident-response.ts). Left
 * out, to the product's disadvantage: parallel calls, the forwarder in front of DynamoDB, a checkpoint's other rows.
 */
const untilTheBranches: readonly Hop[] = [
  engine('ReceiveMessage, which hides the message', 1),
  engine('Invoke the router'),
  table('BatchGetItem: which incident is open, and is the episode known?'),
  table('TransactWriteItems: episode, signal, incident, pointer, pending start, timeline, opening, mark', 8),
  table('GetItem: the incident, to wake it'),
  engine('Invoke the workflow as an event', 1),
  inProcess('its invocation begins', 1),
  table('UpdateItem: which run has begun; it returns the incident', 1),
  table('Query: its decisions, none'),
  table('Query: its runbooks, none'),
  table('Query: what else has opened lately?'),
  table('GetItem: has its environment a parent for many?'),
  table('BatchGetItem: which of those still fail?'),
  engine('Checkpoint: begin', 1),
];

/** Calls from there to the pager (workflows/steps/page.ts). */
const untilThePage: readonly Hop[] = [
  table('GetItem: the incident, to see who pages for it'),
  table('TransactWriteItems: intent, incident', 2),
];

/** Calls from there to the CD system (workflows/steps/judge.ts, evidence.ts, failing.ts, roll-back.ts). */
const untilTheRollback: readonly Hop[] = [
  table('GetItem: the decision, none'),
  table('GetItem: the incident'),
  table('Query: changes (beside it: kill switch, signals, rollbacks of all services)'),
  table('Query: what else has opened lately?'),
  table('BatchGetItem: which of those still fail?'),
  table('Query: their changes (each beside the others)'),
  table('Query: rollbacks of the hour (beside it: pinned versions)'),
  table('TransactWriteItems: decision, incident, timeline', 3),
  engine('Checkpoint: judge', 1),
  table('GetItem: the effect, none'),
  table('GetItem: the incident, to judge it again'),
  table('Query: changes (beside it: kill switch, signals, rollbacks of all services)'),
  table('Query: what else has opened lately?'),
  table('BatchGetItem: which of those still fail?'),
  table('Query: their changes (each beside the others)'),
  table('Query: rollbacks of the hour (beside it: pinned versions)'),
  table('GetItem: the incident'),
  table('GetItem: kill switch and modes'),
  table('Query: pinned versions'),
  table('Query: changes'),
  table('BatchGetItem: intent, incident, lock, rollbacks of all services'),
  table('TransactWriteItems: intent, lock, incident, both counts of the hour, action, timeline', 7),
];

/** One message of 25 signals, which join the open incident (aws/table/alerts/admit.ts, workflows/wake.ts). */
const joiningBatch: readonly Hop[] = [
  table('BatchGetItem: which incident is open, and are the episodes known?'),
  table('BatchGetItem: that incident'),
  table('TransactWriteItems: 25 episodes and signals, incident, inbox, pending wake-up, timeline', 54),
  table('GetItem: the incident, to wake it'),
  engine('SendDurableExecutionCallbackSuccess: wakes the workflow', 1),
];

/** 500 signals of two services: ten messages of each, which the router gets together. */
const untilStored: readonly Hop[] = Array.from({ length: 2 }, () => [
  engine('ReceiveMessage, which hides ten messages', 1),
  engine('Invoke the router'),
  ...Array.from({ length: 10 }, () => joiningBatch).flat(),
  engine('DeleteMessageBatch', 1),
]).flat();

/** The freeze check (aws/table/freeze/freeze-state.ts). The read of the caller's token is left out. */
const freezeCheck = table('BatchGetItem: freezes of all scopes, objectives, pinned versions');

/**
 * The console's page Now: the session's token, the open incidents, and what 25 of them are shown with. Reads that the
 * product makes in parallel are one after another here, because both processes of the reference together have one thread
 * at a time anyway.
 */
const pageNow: readonly Hop[] = [
  query('Query: pointers of open incidents', 1000),
  ...Array.from({ length: 10 }, () => query('BatchGetItem: a hundred open incidents', 100)),
  query('Query and GetItem: decisions, effects, and records of 25 incidents', 75),
];

/** The page of an incident: its record, and the newest entries of its timeline. */
const pageIncident: readonly Hop[] = [
  query('GetItem: the incident', 1),
  query('Query: decisions, effects, and alerts', 40),
  query('Query: the newest entries of the timeline', 50),
];

/** The same, with a search in a thousand entries. */
const pageSearched: readonly Hop[] = [
  ...pageIncident.slice(0, -1),
  ...Array.from({ length: 4 }, () => query('Query: a part of the timeline', 250)),
];

/** The status page, which caches what it has read for five seconds. */
const pageStatus: readonly Hop[] = [query('nothing: the page is cached', 1)];

/** Calls before and after the response, by the path of the request. */
const pathsOf: Readonly<Record<string, { accept: readonly Hop[]; follow: readonly Hop[] }>> = {
  '/page': { accept: [engine('SendMessageBatch', 1)], follow: [...untilTheBranches, ...untilThePage] },
  '/rollback': { accept: [engine('SendMessageBatch', 1)], follow: [...untilTheBranches, ...untilTheRollback] },
  '/intake': {
    accept: [engine('SendMessageBatch', 10), engine('SendMessageBatch', 10)],
    follow: untilStored,
  },
  '/check-again': { accept: [freezeCheck], follow: [] },
  '/page-now': { accept: pageNow, follow: [] },
  '/page-incident': { accept: pageIncident, follow: [] },
  '/page-searched': { accept: pageSearched, follow: [] },
  '/page-status': { accept: pageStatus, follow: [] },
  '/check': {
    accept: [freezeCheck, table('TransactWriteItems: decision, entry of the audit log, its gate', 3)],
    follow: [],
  },
};

/** Approximate size of an incident, a timeline entry, or an operation. */
const ROW = JSON.stringify({ text: 'x'.repeat(600) });

/** The most rows that a call reads. */
const ROWS = 1000;

type Store = { commit(rows: readonly string[]): void; read(count: number): unknown };

function openStore(file: string): Store {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  db.exec('CREATE TABLE IF NOT EXISTS items (id INTEGER PRIMARY KEY, item TEXT NOT NULL) STRICT');
  const insert = db.prepare('INSERT INTO items (item) VALUES (?)');
  const newest = db.prepare('SELECT item FROM items ORDER BY id DESC LIMIT ?');
  return {
    commit: (rows) => {
      db.exec('BEGIN IMMEDIATE');
      for (const row of rows) insert.run(row);
      db.exec('COMMIT');
    },
    read: (count) => newest.all(count),
  };
}

/** Writes the rows of a request's body to disk before it responds; instead of rows, a number asks for the newest ones. */
function answer(store: Store, body: unknown): unknown {
  if (typeof body === 'number') return store.read(body);
  const rows = body as string[];
  if (rows.length === 0) return store.read(1);
  store.commit(rows);
  return null;
}

/** Starts an HTTP server with JSON requests and responses. @returns its address */
async function serve(handle: (path: string, body: unknown) => Promise<[status: number, answer: unknown]>) {
  const server = createServer((request, response) => {
    void json(request)
      .then((body) => handle(request.url ?? '', body))
      .then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const agent = new Agent({ keepAlive: true });

function post(url: string, body: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { method: 'POST', agent }, (response) => void json(response).then(resolve, reject))
      .once('error', reject)
      .end(JSON.stringify(body));
  });
}

async function main(folder: string): Promise<void> {
  const store = openStore(join(folder, 'engine.sqlite'));
  const tableUrl = await startTable(folder);
  const go = async (hops: readonly Hop[], own: string): Promise<void> => {
    for (const { at, rows, reads } of hops) {
      if (reads !== undefined) {
        await post(tableUrl, reads);
        continue;
      }
      const rowTexts = Array.from({ length: rows }, () => ROW);
      if (at === 'process') store.commit(rowTexts);
      else await post(at === 'table' ? tableUrl : `${own}/engine`, rowTexts);
    }
  };
  const url = await serve(async (path, body) => {
    if (path === '/engine') return [200, answer(store, body)];
    const requestPath = pathsOf[path];
    if (requestPath === undefined) return [404, `unknown path ${path}`];
    await go(requestPath.accept, url);
    const { reply } = body as { reply?: string };
    if (reply !== undefined) setImmediate(() => void go(requestPath.follow, url).then(() => post(reply, {})));
    return [202, { accepted: true }];
  });
  console.log(`reference ready on ${url}`);
}

/** Starts the second process, which ends with this one. */
function startTable(folder: string): Promise<string> {
  const child = fork(import.meta.filename, [folder, 'table']);
  return new Promise((resolve) => child.once('message', (url: string) => resolve(url)));
}

process.once('disconnect', () => process.exit()); // the parent process has ended
const [folder = '.', role] = process.argv.slice(2);
if (role === 'table') {
  const store = openStore(join(folder, 'table.sqlite'));
  store.commit(Array.from({ length: ROWS }, () => ROW)); // to read
  process.send?.(await serve(async (_path, body) => [200, answer(store, body)]));
} else await main(folder);
