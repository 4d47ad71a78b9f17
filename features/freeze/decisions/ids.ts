import type { Freeze, FreezeCause, FreezeScope } from '../schemas/freeze.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Hash function that returns a long string of letters and digits, such as SHA-256 in hexadecimal. */
export type Hash = (text: string) => string;

/** Derives the ID from cause and start, so that concurrent detections of the same cause create the same freeze. */
export const freezeId = (hash: Hash, cause: FreezeCause, of: readonly (string | null)[], startsAt: Timestamp): string =>
  `frz_${hash(JSON.stringify([cause, ...of, startsAt])).slice(0, 26)}`;

/**
 * Returns the key of the cause: at most one freeze with the same key can be unsettled. Null: opened by a person; the
 * number of these is not limited.
 */
export function causeKey(freeze: CausedBy): string | null {
  const key = (...of: readonly (string | null)[]): string => JSON.stringify([freeze.cause, ...of]);
  switch (freeze.cause) {
    case 'budget':
    case 'burn':
      return key(freeze.slo);
    case 'incident':
      return key(freeze.incident_id);
    case 'calendar':
      return key(freeze.calendar, freeze.service, freeze.team, freeze.environment, freeze.starts_at);
    case 'pin':
    case 'person':
      return null;
  }
}

type CausedBy = Pick<Freeze, 'cause' | 'slo' | 'incident_id' | 'calendar' | 'starts_at'> & FreezeScope;
