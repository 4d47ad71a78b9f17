import { boundedTexts } from '../../domain/alerts/bounded-texts.ts';
import { FairTurns } from '../fair-turns.ts';
import type { Receipt, SignalQueue } from '../../domain/ports/alerts.ts';
import type { Blobs } from '../../domain/ports/system.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { SIGNAL_QUEUES } from '../../../schemas/config/queues.ts';
import type { NewMessage, Queues } from '../../../platforms/queues.ts';
import { sha256 } from '../../stores/hash.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Above this, the full signal is also stored in a blob. Messages carry bounded texts. */
const SIGNAL_MAX_BYTES = 64 * 1024;
/** Well below 256 KiB, the limit that every Region and every SQS client accepts. */
const MESSAGE_MAX_BYTES = 192 * 1024;
const SIGNALS_PER_MESSAGE = 25;

/** Number of message groups for unmatched signals. The group must not depend on values that the sender chooses. */
const UNMATCHED_GROUPS = 4;

/**
 * Sends signals in order per service and environment, deduplicated per receipt and chunk. Signals that can page have their own
 * queue, so that noise does not delay a page, and so have those of services outside the catalogue whatever their labels: any
 * authorized sender can produce any number of them.
 * Content-based deduplication is not used, because a repeated notification has the same bytes as the first one.
 */
export function signalQueue(queues: Queues, blobs: Blobs): SignalQueue {
  const turns = new FairTurns();
  return {
    async sendAll(receipt, signals) {
      const small = await turns.map(signals[0]?.sender ?? '', signals.entries(), ([index, signal]) =>
        bounded(blobs, receipt.id, index, signal),
      );
      const queueOf = ({ signal }: Small): (typeof SIGNAL_QUEUES)[number] =>
        signal.unmatched !== null ? 'unmatched' : receipt.urgent === true || isUrgent(signal) ? 'urgent' : 'ordinary';
      const byQueue = Map.groupBy(small, queueOf);
      for (const queue of SIGNAL_QUEUES) await queues.send(queue, messagesOf(receipt, byQueue.get(queue) ?? []));
    },
  };
}

/** Depends only on the alert's own labels, so that all notifications of one alert take the same queue, in order. */
const isUrgent = (signal: Signal): boolean =>
  signal.severity === 'critical' || signal.requestsRollback || asksByLabel(signal);

const asksByLabel = ({ labels }: Signal): boolean =>
  labels.some(([name, value]) => name === 'action' && value === 'auto-rollback');

/** A signal, and its JSON, which its message contains. */
type Small = { signal: Signal; json: string };

/** Signals with the same one travel together. */
function groupingOf({ signal: { service, environment, unmatched, source, fingerprint } }: Small): string {
  if (unmatched === null) return JSON.stringify([service, environment]);
  // Group by alert: notifications of one alert stay in order, and a message holds as many alerts as fit.
  return `unmatched-${parseInt(sha256(`${source}:${fingerprint}`).slice(0, 8), 16) % UNMATCHED_GROUPS}`;
}

/** FIFO group ids allow 128 characters of a small set, so raw labels cannot be used. */
const groupOf = (grouping: string): string => (grouping.startsWith('[') ? sha256(grouping).slice(0, 32) : grouping);

const messagesOf = ({ id, at, trace }: Receipt, signals: readonly Small[]): NewMessage[] =>
  [...Map.groupBy(signals, groupingOf)].flatMap(([grouping, ofGroup]) => {
    const group = groupOf(grouping);
    const head = JSON.stringify({ receipt: id, receivedAt: at, trace }).slice(0, -1);
    return chunks(ofGroup).map((chunk, index) => ({
      group,
      id: `${id}-${group.slice(0, 12)}-${index}`,
      body: `${head},"signals":[${chunk.join(',')}]}`,
    }));
  });

/** Returns the JSON of the signals of each message. */
function chunks(signals: readonly Small[]): string[][] {
  const all: string[][] = [];
  let bytes = 0;
  for (const { json } of signals) {
    const size = Buffer.byteLength(json);
    const last = all.at(-1);
    if (last === undefined || last.length === SIGNALS_PER_MESSAGE || bytes + size > MESSAGE_MAX_BYTES) {
      all.push([json]);
      bytes = size;
    } else {
      last.push(json);
      bytes += size;
    }
  }
  return all;
}

async function bounded(blobs: Blobs, receipt: string, index: number, signal: Signal): Promise<Small> {
  const json = JSON.stringify(signal);
  const texts = { labels: boundedTexts(signal.labels), annotations: boundedTexts(signal.annotations) };
  if (Buffer.byteLength(json) <= SIGNAL_MAX_BYTES) {
    const isWhole = texts.labels === signal.labels && texts.annotations === signal.annotations;
    return isWhole ? { signal, json } : withJson({ ...signal, ...texts });
  }
  const blob = `signals/${receipt}/${index}.json`;
  await blobs.put(blob, json, 'application/json');
  return withJson({
    ...signal,
    title: truncated(signal.title, 512),
    fingerprint: truncated(signal.fingerprint, 512),
    links: {
      runbook: unlessLong(signal.links.runbook),
      dashboard: unlessLong(signal.links.dashboard),
      source: unlessLong(signal.links.source),
    },
    ...texts,
    blob,
  });
}

const withJson = (signal: Signal): Small => ({ signal, json: JSON.stringify(signal) });

/** Drops a URL that is too long: a truncated URL is useless. */
const unlessLong = (url: string | null): string | null => (url !== null && url.length <= 2048 ? url : null);
