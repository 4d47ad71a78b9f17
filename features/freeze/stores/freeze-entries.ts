import type { AuditEntry } from '../../../core/domain/ports/audit.ts';
import { EVALUATION } from '../decisions/state.ts';
import { scopeInWords } from '../decisions/words.ts';
import type { Freeze, Override } from '../schemas/freeze.ts';
import { truncated } from '../../../schemas/parsing/text.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** Log entries have a few KB; the record has the whole text. */
const TEXT_MAX_CHARS = 2000;

/**
 * Builds the audit log's entries for freezes and overrides.
 *
 * @param rev of the record that is written with the entry, so that entry ids are unique
 */
export const entries = {
  opened: (freeze: Freeze): AuditEntry => ({
    ...entryBase(freeze, 0, 'freeze.opened', freeze.opened_at, freeze.opened_by),
    text: shortened(`Froze ${scopeInWords(freeze)}: ${freeze.reason}`),
    detail: {
      cause: freeze.cause,
      service: freeze.service,
      environment: freeze.environment,
      team: freeze.team,
      starts_at: freeze.starts_at,
      until: freeze.until,
    },
  }),

  ended: (freeze: Freeze, rev: number, at: Timestamp, by: string): AuditEntry => ({
    ...entryBase(freeze, rev, 'freeze.ended', at, by),
    text: shortened(`Ended the freeze for ${scopeInWords(freeze)}: ${freeze.end_reason ?? 'no reason given'}`),
    detail: { cause: freeze.cause, settled: freeze.settled_at !== null },
  }),

  settled: (freeze: Freeze, rev: number, at: Timestamp): AuditEntry => ({
    ...entryBase(freeze, rev, 'freeze.settled', at, EVALUATION),
    text: `The cause of the freeze for ${scopeInWords(freeze)} no longer applies`,
    detail: { cause: freeze.cause },
  }),

  revised: (freeze: Freeze, rev: number, at: Timestamp): AuditEntry => ({
    ...entryBase(freeze, rev, 'freeze.revised', at, EVALUATION),
    text: shortened(`Updated the freeze for ${scopeInWords(freeze)}: ${freeze.reason}`),
    detail: { cause: freeze.cause, until: freeze.until, ended_at: freeze.ended_at },
  }),

  requested: (freeze: Freeze, rev: number, { reason, requested_by, ...override }: Override): AuditEntry => ({
    ...entryBase(freeze, rev, 'override.requested', override.requested_at, requested_by),
    text: shortened(
      `Override for ${scopeInWords(freeze)} ${override.needs_approval ? 'requested' : 'created'}: ${reason}`,
    ),
    detail: {
      override: override.id,
      needs_approval: override.needs_approval,
      expires_at: override.expires_at,
      uses: override.uses,
      version: override.version,
    },
  }),

  approved: (freeze: Freeze, rev: number, override: string, at: Timestamp, by: string): AuditEntry => ({
    ...entryBase(freeze, rev, 'override.approved', at, by),
    text: `Override for ${scopeInWords(freeze)} approved by a second person`,
    detail: { override },
  }),

  withdrawn: (
    freeze: Freeze,
    rev: number,
    { override, at, by, reason }: { override: string; at: Timestamp; by: string; reason: string | undefined },
  ): AuditEntry => ({
    ...entryBase(freeze, rev, 'override.withdrawn', at, by),
    text: shortened(`Override for ${scopeInWords(freeze)} withdrawn${reason === undefined ? '' : `: ${reason}`}`),
    detail: { override },
  }),

  used: (
    freeze: Freeze,
    rev: number,
    override: string,
    { deployment, at, by }: Override['used_by'][number],
  ): AuditEntry => ({
    ...entryBase(freeze, rev, 'override.used', at, by),
    text: shortened(`Override for ${scopeInWords(freeze)} used by deployment ${deployment}`),
    detail: { override, deployment },
  }),
};

const entryBase = (
  { id }: Freeze,
  rev: number,
  kind: string,
  at: Timestamp,
  actor: string,
): Pick<AuditEntry, 'id' | 'at' | 'actor' | 'kind' | 'subject'> => ({
  id: `${kind}:${id}:${rev}`,
  at,
  actor,
  kind,
  subject: id,
});

const shortened = (text: string): string => truncated(text, TEXT_MAX_CHARS);
