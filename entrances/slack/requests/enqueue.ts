import { hash, randomBytes } from 'node:crypto';
import type { SlackRequest } from '../../../schemas/messages/inbound-events.ts';
import { ModalContext } from '../modals/form.ts';
import type { ElementAction, BlockActions, Interaction } from '../../../schemas/slack/interaction.ts';
import type { View } from '../../../schemas/slack/view.ts';
import { withDeadline } from './deadline.ts';
import type { SlackDeps } from '../../../core/domain/ports/slack.ts';
import { parseJson } from './body.ts';

/** Maximum time in milliseconds to queue a request; afterwards, the user gets the message that it was not stored. */
const SEND_PATIENCE_MS = 1400;

/** Window in seconds in which clicks count as one. A later click gets its own answer. */
const DOUBLE_CLICK_SECONDS = 1;

/**
 * Queues a request durably. Returns whether that succeeded.
 *
 * @param trace trace ID of the request
 */
export async function enqueueRequest(deps: SlackDeps, request: SlackRequest, trace: string): Promise<boolean> {
  const key = keyOf(request);
  try {
    const event = { from: 'slack' as const, key, at: deps.clock.now(), trace, request };
    await withDeadline(SEND_PATIENCE_MS, deps.inbound.send(event, groupOf(request)));
    deps.log.debug('queued a Slack request', { trace, kind: request.kind, key });
    return true;
  } catch (error) {
    deps.log.error('a Slack request could not be queued', { trace, key, error: String(error) });
    return false;
  }
}

/** Returns the key of a request, which is the same for repeated deliveries. */
export function keyOf(request: SlackRequest): string {
  switch (request.kind) {
    case 'command':
      return `command:${request.command.trigger_id}`;
    case 'event':
      return `event:${request.callback.event_id}`;
    case 'interaction':
      return keyOfInteraction(request.interaction);
  }
}

function keyOfInteraction(interaction: Interaction): string {
  const { user } = interaction;
  switch (interaction.type) {
    case 'block_actions':
      return keyOfActions(interaction);
    case 'view_submission':
    case 'view_closed':
      return `${interaction.type}:${interaction.view.id}:${interaction.view.hash}`;
    case 'message_action':
    case 'shortcut':
      return `shortcut:${interaction.trigger_id}`;
    case 'block_suggestion':
      return `suggestion:${user.id}:${interaction.action_id}`;
  }
}

/** Returns the key of pressed buttons in a message, or in a modal. */
function keyOfActions({ user, channel, container, view, actions }: BlockActions): string {
  const message = `${channel?.id ?? ''}:${container.message_ts ?? view?.id ?? ''}`;
  return `action:${user.id}:${message}:${hash('sha256', JSON.stringify(actions.map(keyOfAction)))}`;
}

/**
 * Returns the key of one action. A double click has one key. A later click has another, because the action may be
 * allowed by then; an action that was executed is not repeated.
 */
function keyOfAction(action: ElementAction): string {
  const window = Math.floor(Number(action.action_ts ?? 0) / DOUBLE_CLICK_SECONDS);
  return `${action.action_id}=${valueOf(action) ?? ''}@${window}`;
}

export const valueOf = ({ value, selected_option, selected_user }: ElementAction): string | undefined =>
  value ?? selected_option?.value ?? selected_user ?? undefined;

/** Returns the ordering group: requests of one channel run in order; without a channel, requests of one user. */
export function groupOf(request: SlackRequest): string {
  switch (request.kind) {
    case 'command':
      return `channel:${request.command.channel_id}`;
    case 'event': {
      const { event } = request.callback;
      const channel = event.type === 'reaction_added' ? event.item.channel : event.channel;
      return channel ? `channel:${channel}` : `user:${event.user ?? ''}`;
    }
    case 'interaction': {
      const { interaction } = request;
      const channel =
        'channel' in interaction && interaction.channel
          ? interaction.channel.id
          : 'view' in interaction && interaction.view
            ? contextOf(interaction.view).channel
            : null;
      return channel === null ? `user:${interaction.user.id}` : `channel:${channel}`;
    }
  }
}

function contextOf({ private_metadata }: View): ModalContext {
  const read = parseJson(private_metadata);
  const modalContext = read.ok ? ModalContext.safeParse(read.value) : undefined;
  return modalContext?.success ? modalContext.data : ModalContext.parse({});
}

/** Returns the trace ID of a W3C `traceparent`; otherwise, a new one. */
export const traceOf = (traceparent: string | undefined): string =>
  /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '')?.[1] ??
  randomBytes(16).toString('hex');
