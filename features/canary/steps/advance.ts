import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import {
  alertStart,
  type CanaryAdvance,
  afterCall,
  afterCheck,
  afterClosedGate,
  callOf,
  isRaise,
  isSetBack,
  type JudgedSamples,
  needsJudgement,
  needsPeople,
  pauseSeconds,
  taskOf,
  withCommand,
} from '../decisions/progress.ts';
import type { TrafficPair, TrafficRouter } from '../decisions/traffic.ts';
import type { CanaryActions } from '../types.ts';
import type { Deps } from '../ports.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import type { CanaryId, CanaryRecord } from '../canary.ts';

type AdvanceDeps = Pick<Deps, 'canaries' | 'canaryRuns' | 'clock' | 'config' | 'timeScale' | 'trafficRouterFor'>;

/** Attempts to store a callback while others store requests. */
const TRIES = 10;

/** Earlier checks whose measurements count, as many as the judge looks back. */
const CHECKS_READ = 120;

/** Whether the canary is over; if not, the seconds until the next step, in the product's time. */
export type CanaryAdvanced = { over: boolean; seconds: number };

const OVER: CanaryAdvanced = { over: true, seconds: 0 };
const AGAIN: CanaryAdvanced = { over: false, seconds: 0 };

/** Puts this run in charge of a canary. `false`: another run is in charge, or the canary is over. */
export async function beginCanary(
  deps: AdvanceDeps,
  id: CanaryId,
  number: number,
  execution: string,
): Promise<boolean> {
  const canary = await deps.canaries.get(id);
  if (canary === undefined || canary.ended_at !== null || canary.run !== number) return false;
  if (canary.execution === execution) return true;
  if (await deps.canaries.put({ ...canary, execution, callback: null })) return true;
  throw new Error(`Canary ${id} changed while its run started; retrying the step`);
}

/** Makes the next step according to the table, and stores the result. */
export async function advanceCanary(deps: AdvanceDeps, actions: CanaryActions, id: CanaryId): Promise<CanaryAdvanced> {
  const stored = await deps.canaries.get(id);
  if (stored === undefined) return OVER;
  const commanded = withCommand(stored, deps.clock.now());
  const canary = commanded.record;
  switch (taskOf(canary)) {
    case 'over':
      return OVER;
    case 'report':
      return report(deps, actions, canary);
    case 'order':
    case 'check':
      break;
  }
  // A request is stored before anything is done about it, so that it cannot be lost.
  if (stored.command !== null) {
    await deps.canaries.put(canary, { events: commanded.events });
    return AGAIN;
  }
  const next = canary.order === null ? await check(deps, actions, canary) : await attemptOrder(deps, actions, canary);
  return next === 'changed' ? AGAIN : storeProgress(deps, actions, canary, next);
}

async function storeProgress(
  deps: AdvanceDeps,
  actions: CanaryActions,
  before: CanaryRecord,
  { record, events, check: found }: CanaryAdvance,
): Promise<CanaryAdvanced> {
  const now = deps.clock.now();
  const scale = deps.timeScale;
  if (record.weight !== before.weight) await actions.weightChanged(record);
  // People are alerted as soon as the traffic is back; that it stays there is confirmed afterwards.
  if (isSetBack(record) && !isSetBack(before) && record.degraded) await actions.ended(record);
  const need = needsPeople(record, now, scale);
  const isAlertNew = need !== null && record.alerted_at === null;
  const isAlertOver = need === null && record.alerted_at !== null;
  if (isAlertNew) await actions.alert(record, need);
  if (isAlertOver) await actions.alert(record, null);
  const next = { ...record, alerted_at: isAlertNew ? alertStart(record) : isAlertOver ? null : record.alerted_at };
  if (!(await deps.canaries.put(next, { events, check: found }))) return AGAIN;
  return { over: false, seconds: pauseSeconds(next, now, scale) };
}

/** Reads the traffic, and judges the version. */
async function check(deps: AdvanceDeps, actions: CanaryActions, canary: CanaryRecord): Promise<CanaryAdvance> {
  const router = await routerAt(deps, canary);
  const [traffic, judged, isPaused] = await Promise.all([
    router?.read(pairOf(canary)) ?? ({ kind: 'unknown', detail: NO_ROUTER } as const),
    needsJudgement(canary) ? judge(deps, actions, canary) : null,
    actions.isPaused(),
  ]);
  const at = { now: deps.clock.now(), scale: deps.timeScale };
  return afterCheck(canary, { traffic, isPaused, judged }, at);
}

/** Judges by what is measured now, and by the measurements over HTTP of earlier checks. */
async function judge(deps: AdvanceDeps, actions: CanaryActions, canary: CanaryRecord): Promise<JudgedSamples> {
  const earlier = await deps.canaries.checks(canary.id, CHECKS_READ);
  return actions.judge(
    canary,
    earlier.toReversed().flatMap(({ samples }) => samples),
  );
}

/** Makes one attempt at the order. More traffic requires open gates, checked right before the first call. */
async function attemptOrder(
  deps: AdvanceDeps,
  actions: CanaryActions,
  canary: CanaryRecord,
): Promise<CanaryAdvance | 'changed'> {
  if (isRaise(canary)) {
    const gate = await actions.gate(canary);
    if (!gate.open) return afterClosedGate(canary, gate, deps.clock.now());
  }
  const router = await routerAt(deps, canary);
  const claimed = await deps.canaries.claim(canary);
  if (claimed === 'changed') return 'changed';
  const [record, response] = claimed === 'locked' ? [canary, LOCKED] : [claimed, await responseOf(router, claimed)];
  return afterCall(record, response, deps.clock.now());
}

async function responseOf(router: TrafficRouter | undefined, canary: CanaryRecord): Promise<TargetResponse> {
  if (router === undefined) return { kind: 'refused', detail: NO_ROUTER };
  if (canary.order === null) throw new Error(`Canary ${canary.id} has no order`);
  return router.apply(callOf(canary, canary.order));
}

/** Reports the outcome to the rest of the product, and ends the canary. */
async function report(deps: AdvanceDeps, actions: CanaryActions, canary: CanaryRecord): Promise<CanaryAdvanced> {
  await actions.ended(canary);
  const need = needsPeople(canary, deps.clock.now(), deps.timeScale);
  if (need !== null || canary.alerted_at !== null) await actions.alert(canary, need);
  const ended = { ...canary, ended_at: deps.clock.now(), callback: null };
  return (await deps.canaries.put(ended, { release: true })) ? OVER : AGAIN;
}

/**
 * Stores the callback that a person's request completes. `false`: a request has arrived, so the run must not wait.
 */
export async function storeCanaryCallback(deps: AdvanceDeps, id: CanaryId, callback: string): Promise<boolean> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const canary = await deps.canaries.get(id);
    if (canary === undefined || canary.command !== null) return false;
    if (canary.callback === callback || (await deps.canaries.put({ ...canary, callback }))) return true;
  }
  throw new Error(`Canary ${id} changed during all ${TRIES} attempts; retrying the step`);
}

/** Starts the next run, which continues from the table. */
export async function handOverCanary(deps: AdvanceDeps, id: CanaryId, number: number): Promise<void> {
  const canary = await deps.canaries.get(id);
  if (canary === undefined || canary.ended_at !== null || canary.run > number + 1) return;
  if (
    canary.run === number &&
    !(await deps.canaries.put({ ...canary, run: number + 1, failed_runs: 0, execution: null, callback: null }))
  )
    throw new Error(`Canary ${id} changed while its run was handed over; retrying the step`);
  await deps.canaryRuns.start(id, number + 1);
}

async function routerAt(deps: AdvanceDeps, canary: CanaryRecord): Promise<TrafficRouter | undefined> {
  const config = environmentEntry((await deps.config.current()).services, canary)?.canary;
  return config && deps.trafficRouterFor(config.traffic, canary);
}

const pairOf = ({ service, environment, version, stable_version }: CanaryRecord): TrafficPair => ({
  service,
  environment,
  canary: version,
  stable: stable_version,
});

const NO_ROUTER =
  'the catalogue has no `canary.traffic` for this service and environment, or the router has no address';
const LOCKED: TargetResponse = { kind: 'busy', detail: 'an incident or a drill is changing this target now' };
