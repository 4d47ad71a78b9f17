import { type Freeze, StoredFreeze } from '../schemas/freeze.ts';
import { minuteText } from '../../../schemas/time/time.ts';

/** Parses a stored freeze. A reason that an older version has worded as of its start says when that was. */
export function readFreeze(stored: unknown): Freeze {
  const freeze = StoredFreeze.parse(stored);
  return { ...freeze, reason: datedReason(freeze) };
}

function datedReason({ cause, reason, starts_at, incident_id: incident }: Freeze): string {
  switch (cause) {
    case 'budget':
    case 'burn':
      return reason.startsWith('the error budget of ') ? `at ${minuteText(starts_at)}: ${reason}` : reason;
    case 'incident':
      // The incident is named beside the reason.
      return reason
        .replace(' incident has been open since ', ' incident opened at ')
        .replace(` (${incident ?? ''})`, '');
    case 'calendar':
    case 'person':
    case 'pin':
      return reason;
  }
}
