import * as z from 'zod';
import { EventCallback } from './slack/event.ts';
import { Interaction } from './slack/interaction.ts';
import { SlashCommand } from './slack/command.ts';
import { IncidentId } from './names.ts';
import { Timestamp } from './time.ts';

/** What Slack has sent, once it is sure that Slack has: what is to be done about it is up to whoever hears it. */
export const SlackRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('command'), command: SlashCommand }),
  z.object({ kind: z.literal('interaction'), interaction: Interaction }),
  z.object({ kind: z.literal('event'), callback: EventCallback }),
]);
export type SlackRequest = z.infer<typeof SlackRequest>;

const common = {
  /** The same for the same act, however often it was told: what was done under it is not done again. */
  key: z.string().min(1).max(1024),
  /** When it was received. */
  at: Timestamp,
  /** Trace id of the request that told it. */
  trace: z.string(),
};

/**
 * A message in the queue `people`: what somebody did elsewhere that is to have consequences here, and what follows from
 * it that nobody waits for.
 */
export const Heard = z.discriminatedUnion('from', [
  z.object({ from: z.literal('slack'), ...common, request: SlackRequest }),
  z.object({ from: z.literal('pagerduty'), ...common, event: z.unknown() }),
  /** Whoever is on call has to be found out, to give them command of the incident. */
  z.object({ from: z.literal('firebreak'), ...common, ask: z.literal('on_call'), incident: IncidentId }),
]);
export type Heard = z.infer<typeof Heard>;
