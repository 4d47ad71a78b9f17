import * as z from 'zod';
import { EventCallback } from '../slack/event.ts';
import { Interaction } from '../slack/interaction.ts';
import { SlashCommand } from '../slack/command.ts';
import { IncidentId } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';

/** A verified request from Slack, before it is processed. */
export const SlackRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('command'), command: SlashCommand }),
  z.object({ kind: z.literal('interaction'), interaction: Interaction }),
  z.object({ kind: z.literal('event'), callback: EventCallback }),
]);
export type SlackRequest = z.infer<typeof SlackRequest>;

const common = {
  /** Identifies the action; redeliveries have the same key and are not processed again. */
  key: z.string().min(1).max(1024),
  /** When it was received. */
  at: Timestamp,
  /** Trace id of the request that delivered it. */
  trace: z.string(),
};

/**
 * A message in the queue `people`: an action of a person in another system, or follow-up work that no one waits for.
 */
export const InboundEvent = z.discriminatedUnion('from', [
  z.object({ from: z.literal('slack'), ...common, request: SlackRequest }),
  z.object({ from: z.literal('pagerduty'), ...common, event: z.unknown() }),
  /** Looks up who is on call, to make that person the commander of the incident. */
  z.object({ from: z.literal('firebreak'), ...common, ask: z.literal('on_call'), incident: IncidentId }),
]);
export type InboundEvent = z.infer<typeof InboundEvent>;
