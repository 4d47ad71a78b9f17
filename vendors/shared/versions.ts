import type { RollbackCall } from '../../core/domain/rollback/targets.ts';

/** A version and its Git commit. Either one is a match. */
export type VersionOrCommit = { version: string; commit: string | null };

/** Returns the version that a rollback replaces. */
export const fromVersion = ({ from, fromCommit }: RollbackCall): VersionOrCommit => ({
  version: from,
  commit: fromCommit,
});

/** Returns the version that a rollback restores. */
export const toVersion = ({ to, toCommit }: RollbackCall): VersionOrCommit => ({ version: to, commit: toCommit });
