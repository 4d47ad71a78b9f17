import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import type { Log } from '../../domain/ports/system.ts';
import { InboundEvent } from '../../schemas/messages/inbound-events.ts';
import { giveCommandToOnCall } from '../../actions/incidents/on-call-commander.ts';
import { processPagerDutyEvent } from '../../actions/paging/process-event.ts';
import type { CommandDeps } from '../../slack/deps.ts';
import { processSlackRequest } from '../../slack/execution/process-request.ts';
import { isPermanent } from './permanent-errors.ts';
import { handleBatch, NO_DEADLINE } from './queue-batch.ts';

/**
 * Processes actions of people in Slack and at the pager, and declared incidents. Only failures of our own
 * infrastructure fail a record, and with it all later ones of its group. An event that cannot be parsed or executed is
 * quarantined, and its message completes.
 */
export const processInbound = (deps: CommandDeps, event: SQSEvent, deadline = NO_DEADLINE): Promise<SQSBatchResponse> =>
  handleBatch(deps, event, deadline, (record) => processRecord(deps, record));

async function processRecord(deps: CommandDeps, record: SQSRecord): Promise<boolean> {
  const log = deps.log.with({ queue_message: record.messageId });
  try {
    const message = InboundEvent.safeParse(parseJson(record.body));
    if (!message.success) await quarantineMessage(deps, record, z.prettifyError(message.error), log);
    else await processEvent(deps, message.data);
    return true;
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (isPermanent(error)) return quarantineUnprocessed(deps, record, stack, log);
    log.error('an inbound event could not be processed; the queue delivers it again', { error: stack });
    return false;
  }
}

function processEvent(deps: CommandDeps, message: InboundEvent): Promise<void> {
  switch (message.from) {
    case 'slack':
      return processSlackRequest(deps, message);
    case 'pagerduty':
      return processPagerDutyEvent(deps, message.event, message.at);
    case 'firebreak':
      return giveCommandToOnCall(deps, message.incident);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

async function quarantineUnprocessed(deps: CommandDeps, record: SQSRecord, detail: string, log: Log): Promise<boolean> {
  try {
    await quarantineMessage(deps, record, detail, log);
    return true;
  } catch (error) {
    log.error('an inbound event could be neither processed nor quarantined', { error: String(error) });
    return false;
  }
}

async function quarantineMessage(deps: CommandDeps, { body }: SQSRecord, detail: string, log: Log): Promise<void> {
  const quarantine = await deps.quarantine.keep({
    source: 'people',
    sender: null,
    receiver: 'people',
    body: Buffer.from(body),
    contentType: 'application/json',
    status: 422,
    detail,
  });
  log.error('an inbound event could not be processed and was quarantined', { quarantine, detail });
}
