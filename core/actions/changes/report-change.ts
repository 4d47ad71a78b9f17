import { environmentEntry, serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { hash } from 'node:crypto';
import { repositoryPathOf } from '../../domain/catalogue/repositories.ts';
import { decidingCommit, deployRepositoryOf, deployedByCommit } from '../../domain/changes/deploy-repository.ts';
import {
  artifactOfImage,
  commitBeginning,
  commitOfTag,
  imageOfService,
  partsOfImage,
  versionOfImages,
} from '../../domain/changes/images.ts';
import { mapSubject } from '../../domain/changes/map-subject.ts';
import {
  changeOfRollout,
  mergedRollout,
  revisedChange,
  type RolloutChange,
  subjectOf,
} from '../../domain/changes/rollout.ts';
import { withReport } from '../../domain/changes/object-history.ts';
import {
  bringsBack,
  CHANGES_SEARCHED,
  observesRollouts,
  runningChange,
  runsAlready,
  sameRollout,
} from '../../domain/changes/recognize.ts';
import { appliesRepository, commitOf } from '../../domain/changes/version-identity.ts';
import { putsVersionLive } from '../../domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { CodeHistory, ImageCommits, Rollouts } from '../../domain/ports/changes.ts';
import { type Change, whyTooFarAhead } from '../../../schemas/changes/change.ts';
import type { ChangeReport, Rollout, RolloutRecord } from '../../../schemas/changes/change-report.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Push } from '../../../schemas/changes/code.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { Refusal } from '../../domain/refusal.ts';
import { incidentOfFlagOff, ownRollbackIn } from './own-rollback-report.ts';
import { announce, endDelay, extendChange, recordChange, type RecordDeps } from './record-change.ts';

export type ReportDeps = RecordDeps & { rollouts: Rollouts; imageCommits: ImageCommits };

/** Attempts to store a report while other events of the same rollout are stored. */
const TRIES = 20;

/**
 * What became of a report. `waiting`: the rollout has not started, or has no version yet. `unmapped`: the catalogue
 * names no service for it; it is stored, and applied when the catalogue does.
 */
export type Reported =
  | { state: 'recorded'; changes: Change[] }
  | { state: 'waiting' }
  | { state: 'unmapped'; why: string; lines: string };

/**
 * Adds an event of another system to what is known of its rollout, and records or updates the changes that the rollout
 * makes. The order of events does not matter. A repeated event changes nothing.
 *
 * @throws Refusal 422 if a time is too far in the future
 */
export async function reportChange(deps: ReportDeps, report: ChangeReport, trace: string): Promise<Reported> {
  const ahead = whyTooFarAhead(
    {
      committed_at: report.committed_at,
      commits: report.commits,
      started_at: report.started_at ?? report.at,
      finished_at: report.finished_at,
    },
    deps.clock.now(),
  );
  if (ahead !== undefined) throw new Refusal(422, 'invalid', `${report.source} ${report.key}: ${ahead}`);
  let reported: Reported | undefined;
  for (const rolloutReport of await splitByRollout(deps, report)) {
    const result = await applyRollout(deps, rolloutReport, trace, (known) => mergedRollout(known, rolloutReport));
    reported ??= result; // the first is this report; the others were reported before
  }
  return reported ?? { state: 'waiting' };
}

/**
 * Returns the report with the key of its rollout, and earlier reports that belong to other rollouts than it seemed
 * before this one arrived.
 */
async function splitByRollout({ rollouts }: ReportDeps, report: ChangeReport): Promise<ChangeReport[]> {
  const { source, object } = report;
  if (object === undefined) return [report];
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const known = await rollouts.history({ source, object });
    const { marks, reports } = withReport(known?.marks ?? [], report);
    const isKnown = JSON.stringify(marks) === JSON.stringify(known?.marks ?? []);
    if (isKnown || (await rollouts.putHistory({ source, object, marks: [...marks], rev: (known?.rev ?? 0) + 1 })))
      return reports;
  }
  throw new Error(`the history of ${object} of ${source} changed during all ${TRIES} attempts; try again`);
}

/** Applies stored rollouts whose services the catalogue names since its last change. */
export async function applyUnmapped(deps: ReportDeps): Promise<void> {
  const unmapped = await deps.rollouts.unmapped();
  if (unmapped.length === 0) return;
  const { version } = await deps.config.current();
  for (const { rollout } of unmapped.filter(({ unmapped_in }) => unmapped_in !== version)) {
    try {
      await applyRollout(deps, rollout, `rollout-${rollout.source}`, (known) => known ?? rollout);
    } catch (error) {
      const { source, key } = rollout;
      deps.log.error('an unmapped rollout could not be applied', { source, key, error: String(error) });
    }
  }
}

async function applyRollout(
  deps: ReportDeps,
  { source, key }: Pick<Rollout, 'source' | 'key'>,
  trace: string,
  next: (known: Rollout | undefined) => Rollout,
): Promise<Reported> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const config = await deps.config.current();
    const known = await deps.rollouts.get({ source, key });
    const rollout = next(known?.rollout);
    const mapping = mapSubject(config, source, subjectOf(rollout));
    const change = changeOfRollout(rollout);
    const serviceEnvironments = serviceEnvironmentsOf(known, mapping.kind === 'mapped' ? mapping.to : []);
    const deployed = await deployedByRepositories(deps, config.services, { known, rollout, serviceEnvironments });
    const named = { rollout, deployed };
    const commits = await commitsOfImages(deps, config.services, { known, named, serviceEnvironments });
    const there = (serviceEnvironment: ServiceEnvironment, own: RolloutChange): RolloutChange =>
      changeAt(config.services, serviceEnvironment, { named, change: own, commits });
    const earlierEnds = earlierEndsOf(known);
    const record: RolloutRecord = {
      rollout,
      ...(earlierEnds.length > 0 && { earlier_ends: earlierEnds }),
      changes:
        change === undefined ? [] : await changesWithIds(deps, known, rollout, { change, there, serviceEnvironments }),
      ...(Object.keys(commits).length > 0 && { image_commits: commits }),
      ...(deployed.length > 0 && { deployed }),
      unmapped_in: serviceEnvironments.length === 0 ? config.version : null,
      received_at: deps.clock.now(),
      rev: (known?.rev ?? 0) + 1,
    };
    const isNew = known === undefined || !isSameRecord(known, record);
    if (isNew && !(await deps.rollouts.put(record))) continue;
    if (serviceEnvironments.length === 0 && mapping.kind === 'unmapped')
      return { state: 'unmapped', why: mapping.why, lines: mapping.lines };
    if (change === undefined) return { state: 'waiting' };
    const changes: Change[] = [];
    for (const { id, ...serviceEnvironment } of record.changes) {
      const changeThere = there(serviceEnvironment, change);
      changes.push(await recordOrRevise(deps, id, serviceEnvironment, changeThere, { rollout, earlierEnds, trace }));
    }
    // Another event may have been stored meanwhile, and its change overwritten by this one.
    const newest = await deps.rollouts.get({ source, key });
    if (newest === undefined || newest.rev <= (isNew ? record.rev : record.rev - 1))
      return { state: 'recorded', changes };
  }
  throw new Error(`the rollout ${key} of ${source} changed during all ${TRIES} attempts; try again`);
}

/** Applies rollouts again whose commits a push has brought. */
export async function applyAwaiting(deps: ReportDeps, { repository, commits }: Push, trace: string): Promise<void> {
  for (const rolloutKey of await deps.rollouts.awaiting(repository, new Set(commits.map(({ sha }) => sha)))) {
    const known = await deps.rollouts.get(rolloutKey);
    if (known !== undefined) await applyRollout(deps, rolloutKey, trace, (now) => now ?? known.rollout);
  }
}

type Deployed = NonNullable<RolloutRecord['deployed']>;

/** What is known of the images of a rollout: from its events, and from the repository for deployments. */
type ImageSources = { rollout: Rollout; deployed: Deployed };

/**
 * Returns what the commits of repositories for deployments say that the rollout deploys, if it names such a commit. A
 * push that arrives later applies the rollout again.
 */
async function deployedByRepositories(
  { rollouts, code }: { rollouts: Rollouts; code: CodeHistory },
  services: Config['services'],
  {
    known,
    rollout,
    serviceEnvironments,
  }: { known: RolloutRecord | undefined; rollout: Rollout; serviceEnvironments: ServiceEnvironment[] },
): Promise<Deployed> {
  const deployed = [...(known?.deployed ?? [])];
  const revision = rollout.values.commit?.value;
  if (revision === undefined) return deployed;
  for (const serviceEnvironment of serviceEnvironments) {
    const entry = environmentEntry(services, serviceEnvironment);
    const from = entry && deployRepositoryOf(entry);
    const isKnown = deployed.some(({ service, environment }) =>
      isSameServiceEnvironment(serviceEnvironment, { service, environment }),
    );
    if (entry === undefined || from === undefined || isKnown) continue;
    // Noted before the pushes are read, so that a push at the same time sees it.
    await rollouts.await(rollout, { repository: from.repository, commit: revision });
    const commit = decidingCommit(await code.pushes(from.repository), revision, from.path);
    if (commit === undefined) continue;
    const { repository } = serviceEntry(services, serviceEnvironment.service) ?? {};
    const named = deployedByCommit(commit, { images: entry.sources?.image ?? [], repository });
    const full = named.commit === null ? null : await fullCommit(code, repository, named.commit);
    deployed.push({ ...serviceEnvironment, image: named.image, commit: full });
  }
  return deployed;
}

const isSameServiceEnvironment = (one: ServiceEnvironment, other: ServiceEnvironment): boolean =>
  one.service === other.service && one.environment === other.environment;

const FULL_COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Returns an abbreviated commit in full. Null: no push to the repository has it, or several have such commits. */
async function fullCommit(code: CodeHistory, repository: string | undefined, commit: string): Promise<string | null> {
  if (FULL_COMMIT.test(commit)) return commit;
  return commitBeginning(commit, await commitsOf(code, repository)) ?? null;
}

async function commitsOf(code: CodeHistory, repository: string | undefined): Promise<string[]> {
  const pushes = repository === undefined ? [] : await code.pushes(repositoryPathOf(repository));
  return pushes.flatMap((push) => push.commits.map(({ sha }) => sha));
}

/**
 * Returns the commits of the services' images that the rollout has: by their labels, or by tags that name a commit of
 * the service's repository. The commit that the sender names can be one of a repository for deployments.
 */
async function commitsOfImages(
  { imageCommits, code }: { imageCommits: ImageCommits; code: CodeHistory },
  services: Config['services'],
  {
    known,
    named,
    serviceEnvironments,
  }: { known: RolloutRecord | undefined; named: ImageSources; serviceEnvironments: ServiceEnvironment[] },
): Promise<Record<string, string>> {
  const commits = { ...known?.image_commits };
  for (const serviceEnvironment of serviceEnvironments) {
    const image = imageAt(services, serviceEnvironment, named);
    if (image === undefined || commits[image] !== undefined) continue;
    const shas = await commitsOf(code, serviceEntry(services, serviceEnvironment.service)?.repository);
    const commit = (await imageCommits.commitOf(image)) ?? commitOfTag(image, shas);
    if (commit !== undefined) commits[image] = commit;
  }
  return commits;
}

const imageAt = (
  services: Config['services'],
  serviceEnvironment: ServiceEnvironment,
  { rollout: { values }, deployed }: ImageSources,
): string | undefined =>
  imageOfService(values.images?.value ?? [], environmentEntry(services, serviceEnvironment)?.sources?.image ?? []) ??
  deployed.find((one) => isSameServiceEnvironment(one, serviceEnvironment))?.image ??
  undefined;

/**
 * Returns the change with the tag and the commit of the image that the environment lists, if the rollout has it, or with
 * the commit that the repository for deployments names.
 */
function changeAt(
  services: Config['services'],
  serviceEnvironment: ServiceEnvironment,
  { named, change, commits }: { named: ImageSources; change: RolloutChange; commits: Record<string, string> },
): RolloutChange {
  const image = imageAt(services, serviceEnvironment, named);
  const version = image === undefined ? undefined : versionOfImages([image], [partsOfImage(image).image]);
  const ofImage = image === undefined ? undefined : commits[image];
  const commit =
    ofImage ?? named.deployed.find((one) => isSameServiceEnvironment(one, serviceEnvironment))?.commit ?? undefined;
  return {
    ...change,
    // The sender calls the previous version by its revision, too.
    ...(version !== undefined && {
      version,
      previous_version: undefined,
      artifact: commit === undefined ? artifactOfImage(named.rollout.source, image) : undefined,
    }),
    ...(commit !== undefined &&
      commit !== change.commit && {
        commit,
        committed_at: undefined,
        commits: undefined,
        ...(change.commit != null && { deploy_commit: change.commit }),
      }),
  };
}

/** A rollout stays where it was recorded, also after the catalogue has changed. */
function serviceEnvironmentsOf(
  known: RolloutRecord | undefined,
  mapped: readonly ServiceEnvironment[],
): ServiceEnvironment[] {
  const before = (known?.changes ?? []).map(({ service, environment }) => ({ service, environment }));
  return before.length > 0 ? before : [...mapped];
}

/**
 * Returns the changes of a rollout with their IDs. A rollout that another system, or Firebreak itself, has recorded
 * already adds to that record, whether it is known by the version of the environment or by that of the sender.
 */
async function changesWithIds(
  { changes }: Pick<Deps, 'changes'>,
  known: RolloutRecord | undefined,
  rollout: Rollout,
  {
    change,
    there,
    serviceEnvironments,
  }: {
    change: RolloutChange;
    there: (serviceEnvironment: ServiceEnvironment, change: RolloutChange) => RolloutChange;
    serviceEnvironments: readonly ServiceEnvironment[];
  },
): Promise<RolloutRecord['changes']> {
  if (known !== undefined && known.changes.length > 0) return known.changes;
  return Promise.all(
    serviceEnvironments.map(async (serviceEnvironment) => {
      const ownId = idOf(rollout, serviceEnvironment);
      const recent = isLive(change) ? await changes.recent(serviceEnvironment, CHANGES_SEARCHED) : [];
      const isRecorded = recent.some(({ id }) => id === ownId);
      const other = [there(serviceEnvironment, change), change]
        .map(
          (one) =>
            sameRollout(recent, one, rollout.source) ??
            createdAs(recent, one, rollout) ??
            runningChange(recent, one, rollout),
        )
        .find(Boolean);
      return { ...serviceEnvironment, id: (isRecorded ? undefined : other?.id) ?? ownId };
    }),
  );
}

/** Returns the change by which another system has recorded a rollout when it was created, if its first events are missing. */
const createdAs = (recent: readonly Change[], change: RolloutChange, rollout: Rollout): Change | undefined =>
  rollout.started_at === null && rollout.created_at !== undefined
    ? sameRollout(
        recent,
        { ...change, started_at: rollout.created_at, finished_at: rollout.created_at },
        rollout.source,
      )
    : undefined;

const isLive = ({ kind = 'deploy' }: RolloutChange): boolean => putsVersionLive({ kind });

const idOf = ({ source, key }: Rollout, { service, environment }: ServiceEnvironment): ChangeId =>
  `chg_${hash('sha256', JSON.stringify([source, key, service, environment])).slice(0, 26)}` as ChangeId;

/** Maximum number of earlier ends stored per rollout. */
const EARLIER_ENDS_MAX = 20;

function earlierEndsOf(known: RolloutRecord | undefined): Timestamp[] {
  const end = known && changeOfRollout(known.rollout)?.finished_at;
  return [...new Set([...(known?.earlier_ends ?? []), ...(end == null ? [] : [end])])].slice(-EARLIER_ENDS_MAX);
}

const isSameRecord = (known: RolloutRecord, record: RolloutRecord): boolean =>
  JSON.stringify([known.rollout, known.changes, known.unmapped_in, known.image_commits, known.deployed]) ===
  JSON.stringify([record.rollout, record.changes, record.unmapped_in, record.image_commits, record.deployed]);

async function recordOrRevise(
  deps: ReportDeps,
  id: ChangeId,
  serviceEnvironment: ServiceEnvironment,
  report: RolloutChange,
  { rollout, earlierEnds, trace }: { rollout: Rollout; earlierEnds: readonly Timestamp[]; trace: string },
): Promise<Change> {
  const before = await deps.changes.get(id);
  const isOfOtherSource = id !== idOf(rollout, serviceEnvironment);
  if (before !== undefined && isOfOtherSource)
    return addToOtherSource(deps, before, report, { by: rollout.source, trace });
  const recent = await deps.changes.recent(serviceEnvironment, CHANGES_SEARCHED);
  const others = recent.filter((change) => change.id !== id);
  const sent = { ...report, reported_by: rollout.source };
  const kind = report.kind ?? (bringsBack(others, sent) ? 'rollback' : (before?.kind ?? 'deploy'));
  // Argo Rollouts reports no end of a rollout to the version that is stable anyway, after it has aborted the next one.
  const hasEnded =
    rollout.source === 'argo-rollouts' && report.status === 'started' && runsAlready(others, sent)
      ? { status: 'succeeded' as const, finished_at: report.started_at }
      : {};
  const reported = { ...report, kind, ...hasEnded };
  if (before === undefined) {
    const { deploy_commit, artifact, action: _, ...input } = reported;
    const incident = await incidentOfFlagOff(deps, reported, serviceEnvironment, recent);
    const own = await ownRollbackIn(deps, { ...serviceEnvironment, ...sent, kind }, recent);
    const extra = {
      id,
      reported_by: rollout.source,
      ...(deploy_commit !== undefined && { deploy_commit }),
      ...(artifact !== undefined && { artifact }),
      ...(incident !== undefined && { made_for: incident }),
      ...own,
    };
    return (await recordChange(deps, { ...serviceEnvironment, ...input }, trace, extra)).change;
  }
  const at = deps.clock.now();
  const revised = (change: Change) => revisedChange(change, reported, at, earlierEnds);
  const isChanged = JSON.stringify(revised(before)) !== JSON.stringify(before);
  if (isChanged) await endDelay(deps, before, report.status, trace);
  const change = isChanged ? await deps.changes.revise(id, revised) : before;
  if (change === undefined) throw new Error(`the change ${id} of ${serviceEnvironment.service} disappeared`);
  return announce(deps, change, trace);
}

/** Returns the commit that a report adds, if it is one of the repository for deployments that its sender applies. */
const deployCommitFrom = (by: string, change: Change, { commit }: RolloutChange): string | undefined =>
  appliesRepository(by) && change.commit === null ? (commit ?? undefined) : undefined;

/** Adds a report to the change that another system has recorded for the same rollout. */
async function addToOtherSource(
  deps: ReportDeps,
  change: Change,
  report: RolloutChange,
  { by, trace }: { by: string; trace: string },
): Promise<Change> {
  const { deploy_commit = deployCommitFrom(by, change, report), artifact, action: _, ...plain } = report;
  const { status, finished_at, ...others } = plain;
  const observed = observesRollouts(by);
  // An applied manifest is a success for who applied it, also if its canary fails.
  const isFailed = observed && status === 'failed' && change.status === 'succeeded';
  if (isFailed && !observesRollouts(change.reported_by)) {
    const failed = await deps.changes.revise(change.id, (now) => ({
      ...now,
      status,
      finished_at: finished_at ?? now.finished_at,
      ended_by: by,
    }));
    if (failed !== undefined) return announce(deps, failed, trace);
  }
  const isPremature = !observed && status === 'succeeded' && observesRollouts(change.reported_by);
  const added = isPremature ? { ...others, status: 'started' as const } : plain;
  const extended = (await extendChange(deps, change, added, trace)).change;
  const unknown = {
    ...(deploy_commit !== undefined && extended.deploy_commit === undefined && { deploy_commit }),
    ...(artifact !== undefined && extended.artifact === undefined && commitOf(extended) === null && { artifact }),
  };
  if (Object.keys(unknown).length === 0) return extended;
  return (await deps.changes.revise(change.id, (now) => ({ ...now, ...unknown }))) ?? extended;
}
