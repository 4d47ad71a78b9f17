import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { watchObject } from '../../../vendors/kubernetes/watch.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { WatchableServer } from './watchable-server.ts';

const COLLECTION = '/apis/apps/v1/namespaces/default/deployments';

let opened: TestCluster;
let server: WatchableServer;
let stop: AbortController;
let seen: number;
let ended: Promise<string | undefined>;
let waits: number[];

beforeEach(async () => {
  opened = await openCluster('Deployment');
  await opened.deploy('v41');
  opened.forward();
  server = await WatchableServer.start(opened.cluster.url, `${COLLECTION}/checkout`);
  stop = new AbortController();
  [seen, waits] = [0, []];
});
afterEach(async () => {
  stop.abort();
  await ended;
  await server.stop();
});

const begin = async () => {
  ended = watchObject(
    { cluster: { ...opened.cluster, url: server.url }, collection: COLLECTION, name: 'checkout' },
    {
      changed: () => void (seen += 1),
      signal: stop.signal,
      wait: async (ms) => void waits.push(ms),
    },
  );
  await expect.poll(() => server.open).toBe(1);
};
const isSeen = (times: number) => expect.poll(() => seen).toBe(times);
const reopened = (times: number) => expect.poll(() => [server.watches.length, server.open]).toEqual([times, 1]);
const versions = () => server.watches.map((query) => query.get('resourceVersion'));

test('the stream begins at the version of the list, and continues after it was closed', async () => {
  const listed = (await opened.ask('GET', COLLECTION)).metadata.resourceVersion;
  await begin();
  expect(Object.fromEntries(server.watches[0] ?? [])).toEqual({
    fieldSelector: 'metadata.name=checkout',
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: '300',
    resourceVersion: listed,
  });
  await isSeen(1); // the state may have changed before the list
  await opened.deploy('v42');
  await server.change({ pieces: 7 });
  await isSeen(2);
  const { resourceVersion } = (await opened.object()).metadata;
  server.close();
  await reopened(2);
  server.bookmark(5_000);
  server.close();
  await reopened(3);
  expect(versions().slice(1)).toEqual([resourceVersion, '5000']);
  expect([seen, server.lists]).toEqual([2, 1]);
});

test.each(['status', 'event'] as const)('a version that is too old (410 as %s) is read again', async (expiry) => {
  await begin();
  server.expiry = expiry;
  server.bookmark(900); // lower than the version of the list
  server.compact();
  await opened.deploy('v42');
  server.close();
  await expect.poll(() => server.lists).toBeGreaterThan(1);
  await expect.poll(() => server.open).toBe(1);
  expect(seen).toBeGreaterThan(1); // what happened in between is not known
  expect(versions().at(-1)).toBe((await opened.ask('GET', COLLECTION)).metadata.resourceVersion);
});

test.each([
  ['an error', '{"type":"ERROR","object":{"kind":"Status","code":504,"message":"Too large resource version: 900000"}}'],
  ['what is no event', '{"type":"MODIFIED"'],
])('after %s in the stream, the version is read again', async (_, line) => {
  await begin();
  server.bookmark(900_000); // of a time before the server was restored from a backup
  server.endWith(line);
  await reopened(2);
  expect(versions()[1]).toBe((await opened.ask('GET', COLLECTION)).metadata.resourceVersion);
  expect([seen, server.lists]).toEqual([2, 2]);
});

test('a broken connection and a server error are tried again, later each time, from the same version', async () => {
  await begin();
  const since = versions()[0];
  server.close('broken');
  await reopened(2);
  server.refusal = 503;
  server.close();
  await expect.poll(() => server.watches.length).toBeGreaterThan(10);
  server.refusal = undefined;
  await expect.poll(() => server.open).toBe(1);
  expect(new Set(versions())).toEqual(new Set([since]));
  expect(waits.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(Math.max(...waits)).toBe(30_000);
  expect(seen).toBe(1);
});

test.each([403, 405])('a refusal (%d) ends it with the reason', async (refusal) => {
  server.refusal = refusal;
  ended = watchObject(
    { cluster: { ...opened.cluster, url: server.url }, collection: COLLECTION, name: 'checkout' },
    { changed: () => undefined, signal: stop.signal },
  );
  expect(await ended).toBe(`the API server answered ${refusal}`);
});

test('it ends when it is aborted while the server does not answer', async () => {
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(new AbortController().signal); // or it would end, too
  onTestFinished(() => timeout.mockRestore());
  const silent = createServer();
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  const accepted = once(silent, 'connection');
  ended = watchObject(
    { cluster: { ...opened.cluster, url: `http://127.0.0.1:${port}` }, collection: COLLECTION, name: 'checkout' },
    { changed: () => undefined, signal: stop.signal },
  );
  const [socket] = (await accepted) as [Socket];
  stop.abort();
  expect(await ended).toBeUndefined();
  socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
});

test('it ends when it is aborted, also within a stream', async () => {
  await begin();
  stop.abort();
  expect(await ended).toBeUndefined();
  await expect.poll(() => server.open).toBe(0);
});
