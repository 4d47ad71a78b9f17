import { type RollbackCall, sharesName } from '../../core/domain/rollback/targets.ts';

/** A version and its Git commit. Either one is a match. */
export type VersionOrCommit = { version: string; commit: string | null };

type Call = Pick<RollbackCall, 'from' | 'to' | 'fromCommit' | 'toCommit'>;

/** Returns the version that a rollback replaces. */
export const fromVersion = (call: Call): VersionOrCommit => toldApart(call, call.from, call.fromCommit);

/** Returns the version that a rollback restores. */
export const toVersion = (call: Call): VersionOrCommit => toldApart(call, call.to, call.toCommit);

/** A name that both versions have matches neither of them. */
const toldApart = (call: Call, version: string, commit: string | null): VersionOrCommit => ({
  version: sharesName(call) ? (commit ?? '') : version,
  commit,
});
