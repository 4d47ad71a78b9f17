import type { Deps } from '../../domain/ports/deps.ts';
import type { ChangeExtra, CodeHistory } from '../../domain/ports/changes.ts';
import { patchOfReport } from '../../domain/changes/rollout.ts';
import { changeReported, CHANGES_SEARCHED, sameRollout } from '../../domain/changes/recognize.ts';
import { putsVersionLive } from '../../domain/changes/versions.ts';
import type { Change, ChangePatch, NewChange } from '../../../schemas/changes/change.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { watchDeploy } from '../judge/watches.ts';
import { addCommits } from './add-commits.ts';
import { endFailures } from './end-failures.ts';
import { notifyIncidents } from './notify-incidents.ts';
import { ownRollbackIn } from './own-rollback-report.ts';
import { pinRolledBack } from './pin-rolled-back.ts';
import { deadlineOf, KINDS_WITHOUT_END } from './overdue-deploys.ts';
import { endOverdueDeploy, reportFailedDeploy } from './report-failed-deploy.ts';

export type RecordDeps = Pick<
  Deps,
  | 'changes'
  | 'config'
  | 'clock'
  | 'timeScale'
  | 'log'
  | 'queue'
  | 'incidents'
  | 'decisions'
  | 'engine'
  | 'drills'
  | 'effects'
  | 'pins'
  | 'watches'
  | 'runs'
> & { code: CodeHistory };

/**
 * Records a change, and notifies everything that depends on it. A repeat (same service, environment, version, kind, and
 * start, or without a start while it is in progress) fills fields that were unknown, and ends a change that was in progress; a
 * known field keeps its value.
 */
export async function recordChange(
  deps: RecordDeps,
  input: NewChange,
  trace: string,
  extra: ChangeExtra = {},
): Promise<{ change: Change; created: boolean }> {
  const isAnnotation = extra.tags !== undefined;
  const isSearched = extra.id === undefined && (putsVersionLive(input) || isAnnotation);
  const recent = isSearched ? await deps.changes.recent(input, CHANGES_SEARCHED) : [];
  const same = reportedAlready(deps, input, recent, isAnnotation);
  const own = same === undefined ? await ownRollbackIn(deps, input, recent) : undefined;
  const recorded =
    same === undefined ? await deps.changes.record(input, { ...extra, ...own }) : { change: same, created: false };
  if (!recorded.created) return extendChange(deps, await withAnnotation(deps, recorded.change, extra), input, trace);
  return { change: await announce(deps, recorded.change, trace), created: true };
}

/** Replaces text and tags of a recorded change by those of an annotation, as Grafana shows them from the last one. */
export async function withAnnotation(
  { changes }: Pick<RecordDeps, 'changes'>,
  change: Change,
  { note = change.note, tags = change.tags }: Pick<ChangeExtra, 'note' | 'tags'>,
): Promise<Change> {
  const isSame = note === change.note && JSON.stringify(tags) === JSON.stringify(change.tags);
  if (isSame) return change;
  const annotated = { ...(note !== undefined && { note }), ...(tags !== undefined && { tags }) };
  return (await changes.revise(change.id, (before) => ({ ...before, ...annotated }))) ?? change;
}

/** Adds what another report says to a recorded change: fields that were unknown, and its end. */
export async function extendChange(
  deps: RecordDeps,
  change: Change,
  report: Omit<NewChange, 'service' | 'environment' | 'kind'>,
  trace: string,
): Promise<{ change: Change; created: false }> {
  const added = patchOfReport(change, report);
  const patched = added && (await updateChange(deps, change, added, trace));
  // `updateChange` has reported the outcome.
  if (patched !== undefined && patched !== 'ended')
    return { change: await addCommitsAndNotify(deps, patched), created: false };
  // Announce it even if nothing is new: an earlier request may have failed here. A repeated report counts once.
  return { change: await announce(deps, change, trace), created: false };
}

/** Reports the outcome of a recorded change, adds its commits, and notifies the incidents that it can concern. */
export async function announce(deps: RecordDeps, change: Change, trace: string): Promise<Change> {
  await reportOutcome(deps, change, trace);
  return addCommitsAndNotify(deps, change);
}

async function addCommitsAndNotify(deps: RecordDeps, change: Change): Promise<Change> {
  const known = await addCommits(deps, change);
  await notifyIncidents(deps, known);
  return known;
}

/** Returns the change that this report is about, or that the deploying system has reported by itself. Undefined: there is none. */
function reportedAlready(
  { clock }: RecordDeps,
  input: NewChange,
  recent: readonly Change[],
  isAnnotation: boolean,
): Change | undefined {
  // The start of a report that is no annotation identifies it.
  const same = isAnnotation || input.started_at == null ? changeReported(recent, input) : undefined;
  if (same !== undefined || !putsVersionLive(input)) return same;
  return sameRollout(recent, { ...input, started_at: input.started_at ?? input.finished_at ?? clock.now() }, undefined);
}

/**
 * Updates a change, and reports its failure, its recovery, or the end of its delay; notifies open incidents of its end.
 *
 * @param before the change as it was read
 * @returns `ended` if the change has ended and the update says that it is in progress; undefined if it does not exist
 */
export async function updateChange(
  deps: RecordDeps,
  before: Change,
  patch: ChangePatch,
  trace: string,
): Promise<Change | 'ended' | undefined> {
  await endDelay(deps, before, patch.status, trace);
  const change = await deps.changes.patch(before.id, patch);
  if (change === undefined || change === 'ended') return change;
  // A corrected end time belongs to the same failure; a repeated failure is reported again, as above.
  const isCorrection = before.status === 'failed' && before.finished_at !== change.finished_at;
  if (!isCorrection) await reportOutcome(deps, change, trace);
  if (before.status !== change.status) await notifyIncidents(deps, change);
  return change;
}

/** Resolves the alert of an overdue change, if `status` ends it. */
export async function endDelay(
  deps: RecordDeps,
  before: Change,
  status: Change['status'] | undefined,
  trace: string,
): Promise<void> {
  if (before.status !== 'started' || (status ?? 'started') === 'started') return;
  const overdueAt = await overdueSince(deps, before);
  if (overdueAt !== null) await endOverdueDeploy(deps, before, overdueAt, trace);
}

/** Enqueues the alert of a failed change, or resolves those that a successful one ends, and watches it. Idempotent. */
async function reportOutcome(deps: RecordDeps, change: Change, trace: string): Promise<void> {
  if (change.status === 'failed') await reportFailedDeploy(deps, change, trace);
  if (change.status !== 'succeeded') return;
  await endFailures(deps, change);
  await pinRolledBack(deps, change);
  await watchDeploy(deps, change);
}

/**
 * Returns when the deployment became overdue, or null. Also computes it if the sweeper has not reported the deployment
 * as overdue yet: the sweeper's report can arrive after the end of the deployment, and would then stay open.
 */
async function overdueSince(deps: RecordDeps, change: Change): Promise<Timestamp | null> {
  const overdueAt = await deps.changes.overdueAt(change.id);
  if (overdueAt !== null) return overdueAt;
  const { services } = await deps.config.current();
  const at = deadlineOf(change, services, deps.timeScale);
  return at <= deps.clock.now() && !KINDS_WITHOUT_END.has(change.kind) ? at : null;
}
