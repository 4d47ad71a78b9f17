import { canonicalJson, sha256 } from '../../../core/stores/hash.ts';
import { ulidOf } from '../../../core/stores/ids.ts';
import { type ObservedEntry, type ObservedList, observedLists, observedScope } from '../decisions/observed.ts';
import type { Deps } from '../ports.ts';
import type { ChaosObject } from '../types.ts';
import { type Experiment, ExperimentId, type SeenChaos } from '../experiment.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { eachAlone } from '../../../core/actions/each-alone.ts';
import { beginExperiment, type PlannedExperiment } from './begin.ts';

export type ObserveChaosDeps = Pick<
  Deps,
  'config' | 'experiments' | 'experimentRuns' | 'chaosObjectsOf' | 'clock' | 'timeScale' | 'log'
>;

/** Newest experiments of a service among which one of the same run is searched. */
const EXPERIMENTS_READ = 50;

/** Maximum number of services in a scope, as for recorded experiments. */
const SCOPE_MAX = 10;

/**
 * Lists the chaos objects of the services that have `experiments.chaos.observe`, and observes each run that nobody has
 * recorded, once. What it can't assign to a service is stored with the reason.
 */
export async function observeChaos(deps: ObserveChaosDeps): Promise<void> {
  const { services } = await deps.config.current();
  const lists = observedLists(services);
  if (lists.length === 0) return;
  const known = new Map((await deps.experiments.seen()).map((one) => [one.key, one]));
  await eachAlone(deps.log, 'a list of chaos objects', lists, (list) => observeList(deps, list, known));
}

async function observeList(
  deps: ObserveChaosDeps,
  list: ObservedList,
  known: ReadonlyMap<string, SeenChaos>,
): Promise<void> {
  const { chaos, id } = list;
  const listed = await deps.chaosObjectsOf(chaos);
  const listOutcome = {
    key: sha256(`unread ${id}`),
    list: id,
    object: `${chaos.kind} objects in ${chaos.namespace}`,
    run: 1,
    experiment_id: null,
    over: true,
    why: listed === undefined ? 'KUBERNETES_URL is not set' : listed.kind === 'unread' ? listed.detail : null,
    fix: 'allow the service account to list them, see docs/reference/experiments.md',
    at: deps.clock.now(),
  };
  if (listOutcome.why !== null || (known.get(listOutcome.key)?.why ?? null) !== null)
    await storeIfChanged(deps, known, listOutcome);
  if (listed?.kind !== 'listed') {
    deps.log.warn('chaos objects could not be listed', { chaos: chaos.kind, detail: listOutcome.why });
    return;
  }
  const keys = new Set(listed.objects.map(({ uid }) => keyOf(list, uid)));
  const gone = [...known.values()].filter((one) => one.list === id && !one.over && !keys.has(one.key));
  for (const one of gone) await deps.experiments.see({ ...one, over: true, at: deps.clock.now() });
  const objects = listed.objects.map((object) => ({ ...object, id: object.object }));
  await eachAlone(deps.log, 'a chaos object', objects, (object) => observeObject(deps, list, object, known));
}

const keyOf = ({ id }: ObservedList, uid: string): string => sha256(`${id} ${uid}`);

async function observeObject(
  deps: ObserveChaosDeps,
  list: ObservedList,
  object: ChaosObject,
  known: ReadonlyMap<string, SeenChaos>,
): Promise<void> {
  const key = keyOf(list, object.uid);
  const before = known.get(key);
  if (object.state === 'over' && before !== undefined && !before.over)
    await deps.experiments.see({ ...before, over: true, at: deps.clock.now() });
  if (object.state !== 'running') return;
  const now = deps.clock.now();
  const startedAt = object.startedAt === null || object.startedAt > now ? now : object.startedAt;
  const timesStarted = before === undefined ? 1 : before.over ? before.run + 1 : before.run;
  const isSame = before !== undefined && before.run === timesStarted;
  const id = (isSame ? before.experiment_id : null) ?? idOf(key, timesStarted, startedAt);
  const scope = observedScope(object, list.entries);
  const seen = { key, list: list.id, object: object.object, run: timesStarted, over: false, at: now, fix: '' };
  if (scope.why !== null)
    return storeIfChanged(deps, known, { ...seen, why: scope.why, fix: scope.fix, experiment_id: null });
  // The ID first, so that no repeat begins another experiment for this run.
  if (!isSame || before.experiment_id === null) await deps.experiments.see({ ...seen, experiment_id: id, why: null });
  if ((await deps.experiments.get(id)) !== undefined)
    return storeIfChanged(deps, known, { ...seen, experiment_id: id, why: null });
  const begun = await beginObserved(deps, object, scope.entries.slice(0, SCOPE_MAX), { id, startedAt, now });
  const outcome = { ...seen, experiment_id: begun.id ?? id, why: begun.why ?? null, fix: begun.fix ?? '' };
  if (!isSame || before.experiment_id === null) await deps.experiments.see(outcome);
  else await storeIfChanged(deps, known, outcome);
}

/** Stores an object unless nothing has changed. */
async function storeIfChanged(
  { experiments }: Pick<Deps, 'experiments'>,
  known: ReadonlyMap<string, SeenChaos>,
  object: SeenChaos,
): Promise<void> {
  const before = known.get(object.key);
  const facts = ({ at: _at, ...rest }: SeenChaos): string => canonicalJson(rest);
  if (before === undefined || facts(before) !== facts(object)) await experiments.see(object);
}

const idOf = (key: string, timesStarted: number, startedAt: Timestamp): ExperimentId =>
  ExperimentId.parse(ulidOf(startedAt, `${key} ${timesStarted}`));

/** Begins the experiment of a run. Returns why its alerts are real instead, or the experiment that was recorded for it. */
async function beginObserved(
  deps: ObserveChaosDeps,
  object: ChaosObject,
  entries: readonly ObservedEntry[],
  { id, startedAt, now }: { id: ExperimentId; startedAt: Timestamp; now: Timestamp },
): Promise<{ id?: ExperimentId; why?: string; fix?: string }> {
  const [first] = entries;
  if (first === undefined) return { why: 'it has no scope' };
  const graceSeconds = Math.min(...entries.map(({ settings }) => settings.graceMinutes)) * 60;
  const longestSeconds = Math.min(...entries.map(({ settings }) => settings.maxMinutes)) * 60;
  // What an action that is done once has caused shows after it.
  const durationSeconds = object.isOneShot ? Math.max(30, Math.min(graceSeconds, longestSeconds)) : longestSeconds;
  if (plusSeconds(startedAt, durationSeconds / deps.timeScale) <= now)
    return object.isOneShot
      ? {}
      : { why: `it has been running since ${startedAt}, longer than maxMinutes`, fix: 'stop it, or raise maxMinutes' };
  const recorded = await recordedFor(deps, object, entries, startedAt);
  if (recorded !== undefined) return { id: recorded.id };
  const system = object.run.kind === 'litmus' ? 'LitmusChaos' : 'Chaos Mesh';
  const scope = entries.map(({ serviceEnvironment }) => serviceEnvironment);
  const planned: PlannedExperiment = {
    id,
    name: object.name.slice(0, 200),
    scope,
    hypothesis: `Not stated: ${system} started ${object.object}, and Firebreak observes it`,
    checks: [],
    duration_seconds: durationSeconds,
    interval_seconds: 30,
    steady_state_seconds: 60,
    missing_limit: 4,
    grace_seconds: graceSeconds,
    expected_alerts: [],
    abort_alerts: [],
    run: object.run,
    observed: true,
    reason: 'checking for open incidents',
    created_at: now,
    created_by: system,
    started_at: startedAt,
    chaos_config: first.chaos,
    trace: `observed-${id}`,
  };
  const text = `Found ${object.object}, which has been running since ${startedAt}`;
  const begun = await beginExperiment(deps, planned, { at: now, kind: 'created', by: null, text });
  return begun.ok
    ? {}
    : {
        why: `the experiment ${begun.running} covers a part of its scope and is not over`,
        fix: 'it is observed when that one is over',
      };
}

/** Returns the experiment that was recorded for this run. What it has decided about its alerts holds. */
async function recordedFor(
  { experiments }: Pick<Deps, 'experiments'>,
  { run: chaosRun }: ChaosObject,
  entries: readonly ObservedEntry[],
  startedAt: Timestamp,
): Promise<Experiment | undefined> {
  const chaosName = (one: Experiment['run']): string =>
    one === null || one.kind === 'http' ? '' : one.kind === 'litmus' ? one.engine : `${one.resource}/${one.name}`;
  for (const { serviceEnvironment } of entries) {
    const { items } = await experiments.list({ ...serviceEnvironment, limit: EXPERIMENTS_READ });
    const found = items.find(
      (one) =>
        !one.observed &&
        one.run?.kind === chaosRun.kind &&
        chaosName(one.run) === chaosName(chaosRun) &&
        (one.ended_at === null || one.ended_at > startedAt),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An object whose alerts are real although it runs, and what to change. */
export type UnobservedChaos = { object: string; why: string; fix: string; at: Timestamp };

/** Lists what could not be observed in the last 30 days, newest first. */
export const unobservedChaos = async ({ experiments }: Pick<Deps, 'experiments'>): Promise<UnobservedChaos[]> =>
  (await experiments.seen())
    .flatMap(({ object, why, fix, at }) => (why === null ? [] : [{ object, why, fix, at }]))
    .toSorted((a, b) => (a.at > b.at ? -1 : 1));
