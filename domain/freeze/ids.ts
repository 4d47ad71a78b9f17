import type { Freeze, FreezeCause, FreezeScope } from '../../schemas/freeze.ts';
import type { Timestamp } from '../../schemas/time.ts';

/** A long text of letters and digits, always the same for the same text, such as SHA-256 in hexadecimal. */
export type Hash = (text: string) => string;

/** The same cause that begins at the same time is the same freeze, whoever finds out first. */
export const freezeId = (hash: Hash, cause: FreezeCause, of: readonly (string | null)[], startsAt: Timestamp): string =>
  `frz_${hash(JSON.stringify([cause, ...of, startsAt])).slice(0, 26)}`;

/**
 * What has caused it: of two freezes with the same text only one may be unsettled. Null: a person did, and people may
 * have as many as they like.
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
