import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { unlessAborted } from '../../core/domain/concurrency.ts';
import { attempt, type ClusterOptions } from './attempt.ts';
import { RESPONSE_MAX_BYTES, ATTEMPT_MS, WATCH_SECONDS, WATCH_WAIT_MAX_MS, WATCH_WAIT_MS } from './limits.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** The object to watch. `collection`: API path of its kind in the namespace, without the server. */
export type WatchedObject = { cluster: ClusterOptions; collection: string; name: string };

export type WatchOptions = {
  /** Called after each change of the object, and whenever changes may have been missed. */
  changed(): void;
  signal: AbortSignal;
  /** Replaces the timer between two requests. */
  wait?(ms: number, signal: AbortSignal): Promise<unknown>;
};

const List = z.object({ metadata: z.object({ resourceVersion: z.string().min(1) }) });

/** @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
const WatchEvent = z.object({
  type: z.string(),
  object: z.looseObject({
    metadata: z.looseObject({ resourceVersion: z.string().optional() }).optional(),
  }),
});

/**
 * How a stream ended. `closed`: the server closes each stream after a time; the next one continues at `version`.
 * `expired`: the server does not have the changes since `version`. `refused`: only a person can change that.
 */
type StreamEnd =
  | { kind: 'closed'; version: string; isIdle: boolean }
  | { kind: 'expired' }
  | { kind: 'later'; version: string; detail: string }
  | { kind: 'refused'; detail: string };

/**
 * Watches one object until `signal` is aborted: reads its version, and then the stream of changes since it. Without the
 * changes in between (410), it reads the version again. Returns why it cannot watch; undefined if it was aborted.
 */
export async function watchObject(
  object: WatchedObject,
  { changed, signal, wait = pause }: WatchOptions,
): Promise<string | undefined> {
  let version: string | undefined;
  let waitMs = WATCH_WAIT_MS;
  while (!signal.aborted) {
    if (version === undefined) {
      // The end of the process does not wait for a server.
      const listed = await unlessAborted(listedVersion(object), signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
        return undefined;
      });
      if (listed === undefined) return undefined;
      if (listed.kind === 'refused') return listed.detail;
      if (listed.kind === 'listed') {
        version = listed.version;
        changed();
      }
    }
    const end: StreamEnd | undefined =
      version === undefined ? undefined : await readStream(object, version, changed, signal);
    if (end?.kind === 'refused') return end.detail;
    if (end?.kind === 'closed' || end?.kind === 'later') version = end.version;
    if (end?.kind === 'expired') version = undefined;
    const hadEvents = end?.kind === 'closed' && !end.isIdle;
    waitMs = hadEvents ? WATCH_WAIT_MS : Math.min(waitMs * 2, WATCH_WAIT_MAX_MS);
    if (!signal.aborted) await wait(waitMs, signal);
  }
  return undefined;
}

const pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);

const nameSelector = (name: string): string => `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;

/** Returns the version of the list, at which the stream of later changes begins. */
async function listedVersion({ cluster, collection, name }: WatchedObject) {
  const list = await attempt(cluster, (calls) => calls.get(`${collection}?${nameSelector(name)}&limit=1`, List));
  if ('metadata' in list) return { kind: 'listed' as const, version: list.metadata.resourceVersion };
  return { kind: list.kind === 'refused' ? ('refused' as const) : ('later' as const), detail: list.detail };
}

async function readStream(
  { cluster, collection, name }: WatchedObject,
  since: string,
  changed: () => void,
  signal: AbortSignal,
): Promise<StreamEnd> {
  let version = since;
  let isIdle = true;
  try {
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}&resourceVersion=${encodeURIComponent(since)}`;
    const response = await fetch(`${cluster.url}${collection}?${nameSelector(name)}&${query}`, {
      headers: {
        authorization: `Bearer ${(await cluster.secrets.get(cluster.tokenName)) ?? ''}`,
        'user-agent': 'firebreak',
      },
      redirect: 'manual',
      // A connection that was lost without a sign would otherwise wait forever.
      signal: AbortSignal.any([signal, AbortSignal.timeout(WATCH_SECONDS * 1000 + ATTEMPT_MS)]),
    });
    if (response.status === 410) return { kind: 'expired' };
    if (response.status !== 200 || response.body === null) return await endOfFailed(response, version);
    for await (const line of linesOf(response.body as AsyncIterable<Uint8Array>)) {
      const event = eventIn(line);
      // The server does not have the changes since this version, for example after it was restored from a backup.
      if (event === undefined || event.type === 'ERROR') return { kind: 'expired' };
      const { type, object } = event;
      version = object.metadata?.resourceVersion ?? version;
      isIdle = false;
      if (type !== 'BOOKMARK') changed();
    }
    return { kind: 'closed', version, isIdle };
  } catch (error) {
    return { kind: 'later', version, detail: String(error) };
  }
}

/** Parses one line of the stream. Undefined: it is not an event. */
const eventIn = (line: string): z.infer<typeof WatchEvent> | undefined => WatchEvent.safeParse(parseJson(line)).data;

async function endOfFailed(response: Response, version: string): Promise<StreamEnd> {
  await response.body?.cancel();
  const detail = `the API server answered ${response.status}`;
  const isLater = response.status === 429 || response.status >= 500;
  return isLater ? { kind: 'later', version, detail } : { kind: 'refused', detail };
}

/** Returns the lines of a body, which can arrive in any pieces. @throws RangeError if a line is too long */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > RESPONSE_MAX_BYTES) throw new RangeError(`an event of more than ${RESPONSE_MAX_BYTES} bytes`);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line.trim() !== '');
  }
  // The connection broke in the middle of an event: the next stream repeats it.
}
