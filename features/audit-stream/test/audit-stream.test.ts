import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ZodType } from 'zod';
import { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import type { AuditEntry } from '../../../core/domain/ports/audit.ts';
import { Config } from '../../../schemas/config/config.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { sealSecrets, silent } from '../../../test/support/fake-deps.ts';
import { streamFindings } from '../doctor.ts';
import { metrics } from '../metrics.ts';
import { auditStreamPorts, streamState } from '../ports.ts';
import { sendAuditLog } from '../send.ts';

const KEY = Buffer.alloc(32, 7);

type Request = { id: string; type: string; isSigned: boolean; body: string; lines: (AuditEntry & { hash: string })[] };

let stores: TableStores;
let audit: AuditLogTable;
let server: Server;
let received: Request[];
/** Statuses of the next answers; 204 afterwards. */
let statuses: number[];

const requestIn = (headers: IncomingMessage['headers'], body: string): Request => {
  const [id, time] = [String(headers['webhook-id']), String(headers['webhook-timestamp'])];
  const signature = createHmac('sha256', KEY).update(`${id}.${time}.${body}`).digest('base64');
  return {
    id,
    type: String(headers['content-type']),
    isSigned: headers['webhook-signature'] === `v1,${signature}`,
    body,
    lines: body.split('\n').map((line) => JSON.parse(line)),
  };
};

beforeEach(async () => {
  stores = await openTable();
  audit = new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets);
  received = [];
  statuses = [];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push(requestIn(request.headers, body));
      response.writeHead(statuses.shift() ?? 204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await stores.close();
});

const depsNow = () => {
  const url = `http://${hostOf(server)}/hook/t0ken`;
  const response = { auditStream: { url, signature: 'SIEM_SECRET' } };
  const config = Config.parse({ version: 'test', services: {}, paging: {}, response });
  const secrets = { get: async () => `whsec_${KEY.toString('base64')}` };
  const parts = { table: stores.table, system: { secrets, clock: stores.clock } };
  return {
    config: { current: async () => config } as never,
    audit,
    clock: stores.clock,
    log: silent,
    features: { 'audit-stream': auditStreamPorts(parts as never) },
  };
};
const hostOf = (one: Server) => `127.0.0.1:${(one.address() as AddressInfo).port}`;
const send = () => sendAuditLog(depsNow());

/** Appends entries, and seals them if their minute has ended. */
async function append(ids: readonly string[], isSealed = true): Promise<void> {
  const common = { actor: 'ada', kind: 'freeze.opened', subject: 'checkout', text: 'Frozen', detail: {} };
  await audit.append(ids.map((id) => ({ ...common, id, at: stores.clock.now() })));
  if (!isSealed) return;
  stores.clock.set(stores.clock.millis + 300_000);
  await audit.seal();
}

test('sealed entries are sent once as signed lines of JSON, oldest first', async () => {
  await append(['a', 'b']);
  await append(['c']);
  await append(['unsealed'], false);
  expect(await send()).toEqual({ sent: 3 });
  expect(await send()).toEqual({ sent: 0 });
  expect(received).toHaveLength(1);
  const [{ type, isSigned, lines } = expect.unreachable()] = received;
  expect([type, isSigned, lines.map(({ id }) => id)]).toEqual(['application/x-ndjson', true, ['a', 'b', 'c']]);
  const { items } = await audit.list({ limit: 10 });
  expect(lines[2]).toMatchObject({ text: 'Frozen', hash: items.find(({ id }) => id === 'c')?.hash });
  stores.clock.set(stores.clock.millis + 1000);
  await append(['d']);
  expect(await send()).toEqual({ sent: 2 });
  expect(received[1]?.lines.map(({ id }) => id)).toEqual(['unsealed', 'd']);
});

test('a part that the receiver did not accept is sent again with its ID, and the stream goes on after it', async () => {
  const ids = Array.from({ length: 700 }, (_, n) => `e${String(n).padStart(3, '0')}`);
  await append(ids);
  statuses = [204, 503];
  expect(await send()).toEqual({ sent: 500 });
  expect(await send()).toEqual({ sent: 200 });
  expect(received.map(({ lines }) => lines.length)).toEqual([500, 200, 200]);
  expect(received[2]?.id).toBe(received[1]?.id);
  expect(received[1]?.id).not.toBe(received[0]?.id);
  expect(received.flatMap(({ lines }, n) => (n === 1 ? [] : lines.map(({ id }) => id)))).toEqual(ids);
});

test('a part is sent again unchanged if more entries were sealed since, and these follow under another ID', async () => {
  await append(['a', 'b']);
  statuses = [503, 503];
  expect(await send()).toEqual({ sent: 0 });
  stores.clock.set(stores.clock.millis + 1000);
  await append(['c']);
  expect(await send()).toEqual({ sent: 0 });
  expect(await send()).toEqual({ sent: 3 });
  expect(received.map(({ lines }) => lines.map(({ id }) => id).join())).toEqual(['a,b', 'a,b', 'a,b', 'c']);
  const [first, second, third, fourth] = received.map(({ id, body }) => `${id} ${body}`);
  expect([second, third]).toEqual([first, first]);
  expect(fourth?.split(' ')[0]).not.toBe(first?.split(' ')[0]);
});

test('doctor and a metric tell what the receiver lacks, until it accepts it', async () => {
  const get = async (_: string, schema: ZodType) => schema.parse(await streamState(depsNow()));
  const seen = async () => ({
    doctor: await streamFindings({ get } as never),
    samples: (await metrics.current?.(depsNow() as never))?.flatMap(({ samples }) => samples),
  });
  const about = 'audit stream';
  const unused = `${hostOf(server)}: nothing was accepted yet. Entries are sent within five minutes if FIREBREAK_AUDIT_KEY is set`;
  expect(await seen()).toEqual({ doctor: [{ verdict: 'warn', about, text: unused }], samples: [] });
  const at = stores.clock.now();
  await append(['a', 'b']);
  statuses = [503];
  await send();
  const failed = `${hostOf(server)}: the receiver of the audit log answered 503 (at ${stores.clock.now()}). The oldest entry that it lacks is a, of ${at}`;
  expect(await seen()).toEqual({
    doctor: [{ verdict: 'no', about, text: failed }],
    samples: [[{}, Date.parse(at) / 1000]],
  });
  await send();
  const accepted = `${hostOf(server)}: the last request was accepted`;
  expect(await seen()).toEqual({ doctor: [{ verdict: 'ok', about, text: accepted }], samples: [] });
});
