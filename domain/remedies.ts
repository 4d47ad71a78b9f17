import * as z from 'zod';
import { IncidentId } from '../schemas/names.ts';
import type { ChatPart } from './outlets.ts';

/** What somebody presses who has been reminded of something. */
const Remedy = z.enum(['acknowledge', 'take_command', 'severity', 'publish']);
export type Remedy = z.infer<typeof Remedy>;

/** What stands on their buttons, wherever those are. */
export const REMEDY_WORDS: Readonly<Record<Remedy, string>> = {
  acknowledge: 'I see to it',
  take_command: 'Take command',
  severity: 'Severity…',
  publish: 'Publish update…',
};

/** What an entry of the timeline that reminds of something keeps beside its words. */
const Kept = z.object({ incident: IncidentId, asks: z.array(Remedy).min(1) });

/** Below a reminder, so that nobody has to look for the button. @param detail of the entry */
export function remediesOf(detail: unknown): ChatPart[] {
  const kept = Kept.safeParse(detail);
  if (!kept.success) return [];
  const { incident, asks } = kept.data;
  return [{ kind: 'buttons', buttons: asks.map((verb) => ({ button: { verb, incident }, text: REMEDY_WORDS[verb] })) }];
}
