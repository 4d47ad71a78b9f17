import { type SendMessageBatchRequestEntry, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Receipt, SignalQueue } from '../../domain/ports/alerts.ts';
import type { Blobs } from '../../domain/ports/system.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import { SIGNAL_QUEUES } from '../../schemas/config/queues.ts';
import { sha256 } from '../hash.ts';

/** Above this, the full signal is stored in a blob and the message carries only what decisions need. */
const SIGNAL_MAX_BYTES = 64 * 1024;
/** Well below 256 KiB, the limit that every Region and every SQS client accepts. */
const MESSAGE_MAX_BYTES = 192 * 1024;
const SIGNALS_PER_MESSAGE = 25;
/** SQS accepts 10 messages and 256 KiB per batch; one large message fills a batch. */
const BATCH_MAX_BYTES = 240 * 1024;
const BATCH_MAX_MESSAGES = 10;

/**
 * Queues for signals that can page, and for the rest, so that noise does not delay a page. Signals of services outside
 * the catalogue have their own queue whatever their labels: any authorized sender can produce any number of them.
 */
export type QueueUrls = Readonly<Record<(typeof SIGNAL_QUEUES)[number], string>>;

/** Number of message groups for unmatched signals. The group must not depend on values that the sender chooses. */
const UNMATCHED_GROUPS = 4;

/**
 * Sends signals to SQS FIFO queues: in order per service and environment, deduplicated per receipt and chunk.
 * Content-based deduplication is not used, because a repeated notification has the same bytes as the first one.
 */
export function sqsSignalQueue(client: SQSClient, urls: QueueUrls, blobs: Blobs): SignalQueue {
  return {
    async sendAll(receipt, signals) {
      const small = await Promise.all(signals.map((signal, index) => storeLarge(blobs, receipt.id, index, signal)));
      const queueOf = (signal: Signal): keyof QueueUrls =>
        signal.unmatched !== null ? 'unmatched' : receipt.urgent === true || isUrgent(signal) ? 'urgent' : 'ordinary';
      const byQueue = Map.groupBy(small, queueOf);
      for (const queue of SIGNAL_QUEUES) await sendTo(client, urls[queue], receipt, byQueue.get(queue) ?? []);
    },
  };
}

/** Depends only on the alert's own labels, so that all notifications of one alert take the same queue, in order. */
const isUrgent = (signal: Signal): boolean =>
  signal.severity === 'critical' || signal.requestsRollback || asksByLabel(signal);

const asksByLabel = ({ labels }: Signal): boolean =>
  labels.some(([name, value]) => name === 'action' && value === 'auto-rollback');

/** FIFO group ids allow 128 characters of a small set, so raw labels cannot be used. */
function groupOf({ service, environment, unmatched, source, fingerprint }: Signal): string {
  if (unmatched === null) return sha256(JSON.stringify([service, environment])).slice(0, 32);
  // Group by alert: notifications of one alert stay in order, and a message holds as many alerts as fit.
  return `unmatched-${parseInt(sha256(`${source}:${fingerprint}`).slice(0, 8), 16) % UNMATCHED_GROUPS}`;
}

async function sendTo(client: SQSClient, url: string, receipt: Receipt, signals: readonly Signal[]): Promise<void> {
  const entries = [...Map.groupBy(signals, groupOf)].flatMap(([group, ofGroup]) =>
    chunks(ofGroup).map((chunk, index): SendMessageBatchRequestEntry => ({
      Id: `${group}-${index}`,
      MessageGroupId: group,
      MessageDeduplicationId: `${receipt.id}-${group.slice(0, 12)}-${index}`,
      MessageBody: messageBody({ receipt: receipt.id, receivedAt: receipt.at, trace: receipt.trace, signals: chunk }),
    })),
  );
  for (const batch of batches(entries)) {
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: batch }));
    if (Failed.length > 0)
      throw new Error(
        `SQS accepted ${batch.length - Failed.length} of ${batch.length} messages: ${Failed[0]?.Code} ${Failed[0]?.Message}`,
      );
  }
}

/** SQS refuses U+FFFE, U+FFFF, and lone surrogates, which labels and people's texts can contain and which JSON does not escape. */
export const messageBody = (message: unknown): string =>
  JSON.stringify(message).replace(/[\uFFFE\uFFFF]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);

function chunks(signals: readonly Signal[]): Signal[][] {
  const all: Signal[][] = [];
  let bytes = 0;
  for (const signal of signals) {
    const size = bytesOf(signal);
    const last = all.at(-1);
    if (last === undefined || last.length === SIGNALS_PER_MESSAGE || bytes + size > MESSAGE_MAX_BYTES) {
      all.push([signal]);
      bytes = size;
    } else {
      last.push(signal);
      bytes += size;
    }
  }
  return all;
}

function batches(entries: readonly SendMessageBatchRequestEntry[]): SendMessageBatchRequestEntry[][] {
  const all: SendMessageBatchRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.MessageBody ?? '');
    const last = all.at(-1);
    if (last === undefined || last.length === BATCH_MAX_MESSAGES || bytes + size > BATCH_MAX_BYTES) {
      all.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return all;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

async function storeLarge(blobs: Blobs, receipt: string, index: number, signal: Signal): Promise<Signal> {
  if (bytesOf(signal) <= SIGNAL_MAX_BYTES) return signal;
  const blob = `signals/${receipt}/${index}.json`;
  await blobs.put(blob, JSON.stringify(signal), 'application/json');
  return {
    ...signal,
    title: cut(signal.title, 512),
    fingerprint: cut(signal.fingerprint, 512),
    links: {
      runbook: unlessLong(signal.links.runbook),
      dashboard: unlessLong(signal.links.dashboard),
      source: unlessLong(signal.links.source),
    },
    labels: signal.labels.slice(0, 64).map(([name, value]) => [cut(name, 128), cut(value, 256)]),
    annotations: signal.annotations.slice(0, 16).map(([name, value]) => [cut(name, 128), cut(value, 256)]),
    blob,
  };
}

const cut = (text: string, max: number): string =>
  text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;

/** Drops a URL that is too long: a truncated URL is useless. */
const unlessLong = (url: string | null): string | null => (url !== null && url.length <= 2048 ? url : null);
