import type { Log } from '../../domain/ports/system.ts';
import { InboundEvent } from '../../../schemas/messages/inbound-events.ts';
import { giveCommandToOnCall } from '../../actions/incidents/on-call-commander.ts';
import { processPagerDutyEvent } from '../../actions/paging/process-event.ts';
import type { CommandDeps } from '../../../entrances/slack/deps.ts';
import { processSlackRequest } from '../../../entrances/slack/execution/process-request.ts';
import { isPermanent } from './permanent-errors.ts';
import type { Batch, FailedMessage, Message } from '../../../platforms/queues.ts';
import { handleBatch } from './queue-batch.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';
import { parseJson } from '../../../schemas/parsing/json.ts';

/**
 * Processes actions of people in Slack and at the pager, and declared incidents. Only failures of our own
 * infrastructure fail a message, and with it all later ones of its group. An event that cannot be parsed or executed is
 * quarantined, and its message completes.
 */
export const processInbound = (deps: CommandDeps, batch: Batch): Promise<FailedMessage[]> =>
  handleBatch(deps, batch, (message) => processMessage(deps, message), { quarantineAs: 'people' });

async function processMessage(deps: CommandDeps, message: Message): Promise<boolean> {
  const log = deps.log.with({ queue_message: message.id });
  try {
    const event = InboundEvent.safeParse(parseJson(message.body));
    if (!event.success) await quarantineMessage(deps, message, inputProblemText(event.error), log);
    else await processEvent(deps, event.data);
    return true;
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    if (isPermanent(error)) return quarantineUnprocessed(deps, message, stack, log);
    log.error('an inbound event could not be processed; the queue delivers it again', { error: stack });
    return false;
  }
}

function processEvent(deps: CommandDeps, event: InboundEvent): Promise<void> {
  switch (event.from) {
    case 'slack':
      return processSlackRequest(deps, event);
    case 'pagerduty':
      return processPagerDutyEvent(deps, event.event, event.at);
    case 'firebreak':
      return giveCommandToOnCall(deps, event.incident);
  }
}

async function quarantineUnprocessed(deps: CommandDeps, message: Message, detail: string, log: Log): Promise<boolean> {
  try {
    await quarantineMessage(deps, message, detail, log);
    return true;
  } catch (error) {
    log.error('an inbound event could be neither processed nor quarantined', { error: String(error) });
    return false;
  }
}

async function quarantineMessage(deps: CommandDeps, { body }: Message, detail: string, log: Log): Promise<void> {
  const quarantine = await deps.quarantine.keep({
    source: 'people',
    sender: null,
    receiver: 'people',
    body: Buffer.from(body),
    contentType: 'application/json',
    status: null,
    detail,
  });
  log.error('an inbound event could not be processed and was quarantined', { quarantine, detail });
}
