import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { z } from 'zod';
import { deps as productionDeps } from '../aws/deps.ts';
import type { Deps } from '../domain/ports.ts';
import { SignalMessage } from '../schemas/signal.ts';
import { wake } from '../workflows/wake.ts';

/**
 * Takes signals from the queue into the table, and starts or wakes the workflow of each incident they belong to. Only
 * what our own infrastructure does wrong fails a record, and with it every later one of its group: what cannot be read
 * is kept in quarantine, and its message completes.
 */
export async function route(deps: Deps, event: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  const failedGroups = new Set<string>();
  for (const record of event.Records) {
    const group = record.attributes.MessageGroupId ?? record.messageId;
    if (failedGroups.has(group) || !(await routed(deps, record))) {
      failedGroups.add(group);
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}

async function routed(deps: Deps, record: SQSRecord): Promise<boolean> {
  const log = deps.log.with({ message: record.messageId });
  try {
    const message = parse(record.body);
    if (!message.success) {
      const id = await deps.quarantine.keep({
        source: 'queue',
        receiver: 'queue',
        body: Buffer.from(record.body),
        contentType: 'application/json',
        status: 422,
        detail: z.prettifyError(message.error),
      });
      log.error('a message could not be read and was quarantined', { quarantine: id });
      return true;
    }
    const { receipt, receivedAt, trace, signals } = message.data;
    const admitted = await deps.incidents.admit(signals, { at: receivedAt, trace });
    log.info('signals routed', { receipt, trace, ...admitted.counts, opened_incidents: admitted.opened });
    for (const id of admitted.wake) log.info('incident woken', { trace, incident: id, how: await wake(deps, id) });
    return true;
  } catch (error) {
    log.error('signals could not be routed; the queue delivers them again', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    return false;
  }
}

function parse(body: string): ReturnType<typeof SignalMessage.safeParse> {
  try {
    return SignalMessage.safeParse(JSON.parse(body));
  } catch {
    return SignalMessage.safeParse(undefined);
  }
}

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> => route(productionDeps(), event);
