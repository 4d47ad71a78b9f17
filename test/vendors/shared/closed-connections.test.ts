import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { call } from '../../../vendors/shared/http.ts';

/** Closes the connection of the first requests, as servers do with an idle connection when a request is under way. */
let closes = 0;
let received = 0;
const server = createServer((request, response) => {
  received += 1;
  if (received <= closes) request.socket.destroy();
  else response.end('ok');
});
let url: string;

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  received = 0;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const send = (method: string) => call(url, { method, timeoutMs: 60_000 });

test('a GET is sent once more if its connection was closed', async () => {
  closes = 1;
  expect(await send('GET')).toMatchObject({ status: 200, text: 'ok' });
  closes = 9;
  received = 0;
  await expect(send('GET')).rejects.toThrow('GET http://127.0.0.1');
  expect(received).toBe(2);
});

test('what may have an effect is not repeated', async () => {
  closes = 1;
  await expect(send('POST')).rejects.toThrow('POST http://127.0.0.1');
  expect(received).toBe(1);
});
