import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as z from 'zod';
import { readPrivate, writePrivate } from '../state/private-file.ts';
import { NoSnapshot, type Snapshot } from './snapshot.ts';

/**
 * In the data folder, readable only by its owner: address and key for requesting a snapshot from the process that uses
 * the folder.
 */
const CONTROL_FILE = 'control.json';
const SNAPSHOT_PATH = '/snapshot';

const Control = z.object({ url: z.url(), key: z.string().min(1) });
const Answer = z.union([z.object({ folder: z.string(), at: z.string() }), z.object({ error: z.string() })]);

/** Longer than a copy of the largest reasonable data folder takes. */
const SNAPSHOT_MAX_MS = 30 * 60_000;

/**
 * Lets the owner of the data folder request a snapshot from this process, on a separate loopback port and with a key of
 * this start. API tokens are not accepted, because an archive contains keys that no network request may obtain.
 */
export async function startControl(
  dataDir: string,
  snapshot: () => Promise<Snapshot>,
): Promise<{ close(): Promise<void> }> {
  const key = randomBytes(32).toString('hex');
  const server = createServer((request, response) => {
    void answer(request, response, key, snapshot);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await writePrivate(join(dataDir, CONTROL_FILE), `${JSON.stringify({ url: `http://127.0.0.1:${port}`, key })}\n`);
  return {
    close: async () => {
      await rm(join(dataDir, CONTROL_FILE), { force: true });
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  key: string,
  snapshot: () => Promise<Snapshot>,
): Promise<void> {
  const send = (status: number, body: z.infer<typeof Answer>) =>
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
  request.resume();
  if (!isKey(key, request.headers.authorization)) return void send(403, { error: 'wrong key' });
  if (request.method !== 'POST' || request.url !== SNAPSHOT_PATH) return void send(404, { error: 'not found' });
  try {
    const { folder, at } = await snapshot();
    send(200, { folder, at });
  } catch (error) {
    send(500, { error: error instanceof Error ? error.message : String(error) });
  }
}

function isKey(key: string, authorization: string | undefined): boolean {
  const [wanted, given] = [Buffer.from(`Bearer ${key}`), Buffer.from(authorization ?? '')];
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

/** Requests a snapshot from the process that uses the data folder. @throws NoSnapshot */
export async function requestSnapshot(dataDir: string): Promise<Snapshot> {
  const text = await readPrivate(join(dataDir, CONTROL_FILE));
  if (text === undefined) throw new NoSnapshot(`the Firebreak that uses ${dataDir} is not ready yet: try again`);
  const { url, key } = Control.parse(JSON.parse(text));
  let response: Response;
  try {
    response = await fetch(url + SNAPSHOT_PATH, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(SNAPSHOT_MAX_MS),
    });
  } catch (cause) {
    throw new NoSnapshot(
      `the Firebreak that uses ${dataDir} does not respond at ${url}. It may be starting or stopping: try again. If it runs in a container, run this command there`,
      { cause },
    );
  }
  const result = Answer.parse(await response.json());
  if ('error' in result) throw new NoSnapshot(result.error);
  return result;
}
