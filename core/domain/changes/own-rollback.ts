import type { Change } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { reportedName } from './identified-versions.ts';
import { FIREBREAK, isOtherNameThan, sameRollout } from './recognize.ts';
import { appliesRepository, nameOf } from './version-identity.ts';
import { byStart } from './versions.ts';

/** What Firebreak knows of its own rollback. */
type OwnRollback = Pick<
  Change,
  | 'version'
  | 'reported_version'
  | 'commit'
  | 'deploy_commit'
  | 'artifact'
  | 'started_at'
  | 'finished_at'
  | 'previous_version'
  | 'made_for'
>;

/** Returns the version of the rollback, which its sender calls by this name. */
const identityOf = (
  { version, commit, deploy_commit: applied, artifact }: OwnRollback,
  name: Version,
): Partial<Change> => ({
  version,
  commit,
  ...(artifact !== undefined && { artifact }),
  ...(applied !== undefined && { deploy_commit: applied }),
  ...(version !== name && { reported_version: name }),
});

/**
 * Returns the record that the deploying system has made of Firebreak's own rollback, as that record is to be: both are
 * one change. Undefined: it has not reported the rollback.
 *
 * @param changes newest changes of the same service and environment
 * @param after start of the deploy that was rolled back
 */
export function reportedRollback(
  changes: readonly Change[],
  own: OwnRollback,
  after: Timestamp,
): { before: Change; change: Change } | undefined {
  const later = changes.filter(({ started_at, status }) => started_at > after && status !== 'failed');
  const before = sameRollout(later.toSorted(byStart), own, FIREBREAK);
  if (before === undefined) return undefined;
  const end = own.finished_at ?? before.started_at;
  // The job of a rollback to another name can report the commit of its own run.
  const isOfRun =
    own.previous_version !== null &&
    isOtherNameThan(own.previous_version, nameOf(own)) &&
    !appliesRepository(before.reported_by);
  // The only commit of a record of Argo CD or Flux would count as one of the repository for deployments.
  const hasPlace =
    before.commit === null && (own.deploy_commit !== undefined || !appliesRepository(before.reported_by));
  const change: Change = {
    ...before,
    kind: 'rollback',
    status: 'succeeded',
    finished_at: before.finished_at ?? (end < before.started_at ? before.started_at : end),
    previous_version: before.previous_version ?? own.previous_version,
    has_migration: before.has_migration ?? false,
    made_for: own.made_for,
    ...((hasPlace || isOfRun) && own.commit !== null && identityOf(own, reportedName(before))),
  };
  return { before, change };
}
