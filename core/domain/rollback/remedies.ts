import * as z from 'zod';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { ChatPart } from '../messages/chat-message.ts';

/** Actions offered with a reminder. */
const Remedy = z.enum(['acknowledge', 'take_command', 'severity', 'publish']);
export type Remedy = z.infer<typeof Remedy>;

/** Labels of their buttons. */
export const REMEDY_WORDS: Readonly<Record<Remedy, string>> = {
  acknowledge: 'Acknowledge',
  take_command: 'Take command',
  severity: 'Severity…',
  publish: 'Publish update…',
};

/** Data of a reminder's timeline entry in addition to its text. */
const Kept = z.object({ incident: IncidentId, remedies: z.array(Remedy).min(1) });

/** Returns the buttons for a reminder. @param detail detail of the timeline entry */
export function remediesOf(detail: unknown): ChatPart[] {
  const stored = Kept.safeParse(detail);
  if (!stored.success) return [];
  const { incident, remedies } = stored.data;
  return [
    { kind: 'buttons', buttons: remedies.map((verb) => ({ button: { verb, incident }, text: REMEDY_WORDS[verb] })) },
  ];
}
