import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { UnreadableMessage } from '../../../schemas/incidents/inbox.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Builds the timeline entry for a message that no version could read. */
export const skippedMessageEntry = ({ seq, kind }: UnreadableMessage, at: Timestamp): TimelineEntry => ({
  at,
  actor: 'firebreak',
  kind: 'inbox.skipped',
  text: `Skipped a message of kind "${kind}", because the newest version of Firebreak can't read it. If this was a command, repeat it`,
  detail: { seq, kind },
});
