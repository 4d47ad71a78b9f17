import * as z from 'zod';
import type { Firebreak } from './firebreak.ts';

const Message = z.object({ text: z.string(), blocks: z.unknown() });

/** The parts of the vendors' views that stories check. */
const Views = z.object({
  pagerduty: z.object({ incidents: z.array(z.object({ title: z.string(), status: z.string() })) }),
  cd: z.object({
    rollbacks: z.array(
      z.object({
        service: z.string(),
        from_version: z.string().nullable(),
        to_version: z.string(),
        status: z.enum(['in_progress', 'succeeded', 'failed']),
      }),
    ),
  }),
  slack: z.object({
    channels: z.array(z.object({ name: z.string(), topic: z.string(), messages: z.array(Message) })),
  }),
  statuspage: z.object({ incidents: z.array(z.object({ status: z.string() })) }),
});
export type Views = z.infer<typeof Views>;

/** Reads the vendors' views. @throws RequestFailed */
export const shownBy = async (firebreak: Firebreak): Promise<Views> =>
  (await firebreak.get('/sandbox/state', z.object({ views: Views }))).views;

/** Returns the channels of incidents, which are named by day and number, unlike those of teams. */
export const incidentChannels = ({ slack }: Views): Views['slack']['channels'] =>
  slack.channels.filter(({ name }) => /^incident-\d+$/.test(name));
