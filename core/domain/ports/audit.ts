import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Page } from './common.ts';

/** Entry of the audit log. `detail` is small and contains no secrets. */
export type AuditEntry = {
  id: string;
  at: Timestamp;
  actor: string;
  /**
   * For example `freeze.opened`, `freeze.ended`, `freeze.decision`, `override.requested`, `override.approved`,
   * `override.used`.
   */
  kind: string;
  subject: string;
  text: string;
  detail: Record<string, unknown>;
};

/**
 * Result of verifying the audit log. `entries`: number of sealed entries found intact. `brokenAt`: the first altered or
 * missing entry, or the seal if the entry cannot be determined; null if nothing could be checked. `because`: what was
 * found there and what it means.
 */
export type ChainCheck = {
  intact: boolean;
  entries: number;
  sealedUntil: Timestamp | null;
  brokenAt: string | null;
  because: string | null;
};

export type AuditLog = {
  /**
   * Appends entries without contention; idempotent by ID. Entries are sealed one minute after the end of their minute.
   */
  append(entries: readonly AuditEntry[]): Promise<void>;
  /** Returns entries newest first. Pages leave out what is recorded after the first one. */
  list(query: { limit: number; cursor?: string }): Promise<Page<AuditEntry & { sealed: boolean; hash: string | null }>>;
  /**
   * Returns sealed entries oldest first, after a position; null: the beginning. `position`: of the last; null: none.
   *
   * @param query.until position of the last entry to return; null: the size alone ends the part
   */
  sealedAfter(
    position: string | null,
    query: { limit: number; until: string | null },
  ): Promise<{ items: (AuditEntry & { sealed: boolean; hash: string | null })[]; position: string | null }>;
  /** Records that this version of the configuration is in force, unless it was the last one recorded. */
  configuration(version: string): Promise<void>;
  /** Seals completed minutes into the chain. Concurrent runs are safe. */
  seal(): Promise<void>;
  /**
   * Verifies the chain, and that stored decisions of the check are unchanged. @param query.last verify only this many
   * of the newest seals
   */
  check(query?: { last?: number }): Promise<ChainCheck>;
};
