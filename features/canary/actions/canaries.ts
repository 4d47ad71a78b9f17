import { inConfiguredSpelling } from '../../../core/domain/catalogue/known-names.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { type ClosedGate, eventOf, isFinal } from '../decisions/progress.ts';
import { type GateDeps, gateOf } from './gate.ts';
import { reportedName } from '../../../core/domain/changes/identified-versions.ts';
import { liveChanges, newestLiveChange, putsVersionLive, sameVersion } from '../../../core/domain/changes/versions.ts';
import type { Deps } from '../ports.ts';
import {
  Canary,
  type CanaryCheck,
  type CanaryCommandKind,
  type CanaryEvent,
  type CanaryId,
  type CanaryRecord,
  type NewCanary,
} from '../canary.ts';
import { type Change, NewChange } from '../../../schemas/changes/change.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import { recordChange, type RecordDeps } from '../../../core/actions/changes/record-change.ts';
import { eachAlone } from '../../../core/actions/each-alone.ts';
import type { Started } from '../../../core/domain/ports/system.ts';
import { hasFailed } from '../../../core/actions/failed-run.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

/** Newest changes among which the versions are searched. */
const SEARCHED_CHANGES = 50;

/** Attempts to store a request while the workflow stores its own progress. */
const TRIES = 20;

/** Failed runs in a row after which a workflow is not replaced. */
const FAILED_RUNS_MAX = 1000;

/** Events and checks that the API shows. */
const SHOWN_MAX = 100;

export type StartDeps = RecordDeps & Pick<Deps, 'canaries' | 'canaryRuns' | 'trafficRouterFor' | 'automation'>;

/** A request to start a canary. The same `id` again is the same request. */
export type CanaryRequest = { id: CanaryId; canary: NewCanary; trace: string };

/**
 * Starts a canary: its version gets traffic step by step from now on.
 *
 * @throws Refusal 403; 409 if a canary is running, or nothing is known about the stable version; 422
 */
export async function startCanary(
  deps: StartDeps,
  caller: Caller,
  { id, canary: requested, trace }: CanaryRequest,
): Promise<Canary> {
  const configuration = await deps.config.current();
  const input = inConfiguredSpelling(configuration, requested);
  const { service, environment, version } = input;
  caller.allow('canaries:write', { service, environment });
  const known = await deps.canaries.get(id);
  if (known !== undefined) return startStored(deps, known);
  const config = environmentEntry(configuration.services, input);
  if (config === undefined)
    throw new Refusal(422, 'unknown-service-environment', `the catalogue has no service ${service} in ${environment}`);
  if (config.canary === undefined)
    throw new Refusal(
      409,
      'canaries-not-configured',
      `set \`canary.traffic\` for ${service} ${environment} in services.yaml`,
    );
  const router = await deps.trafficRouterFor(config.canary.traffic, { service, environment });
  if (router === undefined)
    throw new Refusal(409, 'canaries-not-configured', 'the traffic router has no address: set its `url`');
  const running = await deps.canaries.runningAt({ service, environment });
  if (running !== undefined) throw inProgress(running.id);
  const recent = await deps.changes.recent({ service, environment }, SEARCHED_CHANGES);
  const stable = input.stable_version ?? stableVersionIn(recent, version);
  if (stable === undefined)
    throw new Refusal(
      409,
      'stable-version-unknown',
      'no other version is recorded as succeeded here: send `stable_version`, or record deployments',
    );
  if (sameVersion(stable, version))
    throw new Refusal(422, 'invalid', `json: "version" and "stable_version" are both ${version}`);
  const at = deps.clock.now();
  const { steps, stepMinutes, checkSeconds, stalledMinutes, severity, limits } = config.canary;
  const canary: CanaryRecord = {
    id,
    service,
    environment,
    version,
    stable_version: stable,
    status: 'progressing',
    weight: 0,
    weight_since: at,
    steps,
    step_seconds: stepMinutes * 60,
    hold: null,
    verdict: null,
    reason: 'started',
    target: router.target,
    change_id: reportedDeployment(recent, version) ?? ownDeployment(id),
    asked_by: caller.name,
    started_at: at,
    ended_at: null,
    check_seconds: checkSeconds,
    stalled_seconds: stalledMinutes * 60,
    severity,
    limits,
    resource: router.resource,
    order: null,
    command: null,
    sequence: 0,
    skip: false,
    full: false,
    degraded: false,
    ending: null,
    alerted_at: null,
    confirmed: 0,
    checks: 0,
    events: 0,
    trace,
    run: 1,
    execution: null,
    callback: null,
    rev: 0,
  };
  const text = `Canary of ${version} started beside ${stable}, steps ${steps.join(', ')} %`;
  const begun = await deps.canaries.begin(canary, eventOf(canary, at, 'started', text, caller.name));
  if (!begun.ok) throw inProgress(begun.running);
  return startStored(deps, canary);
}

/** Starts the stored canary. A failure is only logged, because the sweeper starts it within a minute. */
async function startStored(deps: StartDeps, canary: CanaryRecord): Promise<Canary> {
  try {
    await startWorkflow(deps, canary);
  } catch (error) {
    const { id } = canary;
    deps.log.warn('a canary could not be started; the sweeper tries again', { canary: id, error: String(error) });
  }
  return Canary.parse(canary);
}

type WorkflowDeps = RecordDeps & Pick<Deps, 'canaryRuns'>;

/** Starts the canary's workflow. Before its first step, the canary's deployment is recorded. Idempotent. */
async function startWorkflow(deps: WorkflowDeps, canary: CanaryRecord): Promise<Started> {
  const { id, run, execution, change_id } = canary;
  if (execution === null && change_id === ownDeployment(id)) await recordDeployment(deps, canary);
  return deps.canaryRuns.start(id, run);
}

const inProgress = (id: CanaryId): Refusal =>
  new Refusal(
    409,
    'canary-in-progress',
    `the canary ${id} of this service and environment is in progress; abort it first`,
  );

/** Returns what the router calls the newest other version. */
const stableVersionIn = (changes: readonly Change[], version: string) => {
  const stable = liveChanges(changes).findLast(
    (change) => change.status === 'succeeded' && !sameVersion(reportedName(change), version),
  );
  return stable && reportedName(stable);
};

/** Returns the deployment that is recorded for the version, if it is the newest one. */
function reportedDeployment(recent: readonly Change[], version: string): ChangeId | undefined {
  const newest = newestLiveChange(recent);
  return newest !== undefined && putsVersionLive(newest) && sameVersion(reportedName(newest), version)
    ? newest.id
    : undefined;
}

/** Returns the ID of the deployment that a canary records itself. */
const ownDeployment = (id: CanaryId): ChangeId => `chg_${sha256(`canary ${id}`).slice(0, 26)}` as ChangeId;

async function recordDeployment(deps: RecordDeps, canary: CanaryRecord): Promise<void> {
  const { id, service, environment, version, stable_version, started_at, asked_by, trace } = canary;
  const change = NewChange.parse({
    service,
    environment,
    version,
    status: 'started',
    started_at,
    previous_version: stable_version,
    author: asked_by,
    canary_weight: 0,
  });
  await recordChange(deps, change, trace, { id: ownDeployment(id), reported_by: 'canary' });
}

export type RequestDeps = GateDeps & Pick<Deps, 'canaries' | 'engine'>;

/**
 * Requests a promotion, a hold, or an abort, and wakes the workflow.
 *
 * @throws Refusal 403, 404; 409 if the canary can't do so any more, or may not get more traffic now
 */
export async function requestCanaryCommand(
  deps: RequestDeps,
  caller: Caller,
  id: CanaryId,
  input: { kind: CanaryCommandKind; reason: string | null; full: boolean },
): Promise<Canary> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const canary = await canaryOf(deps, id);
    caller.allow('canaries:write', canary);
    const refusal = refusalOf(canary, input.kind);
    if (refusal !== null) throw refusal;
    const { kind, reason, full } = input;
    const command = { kind, reason, full: kind === 'promote' && full, by: caller.name, at: deps.clock.now() };
    if (!isRequested(canary, input)) {
      if (kind === 'promote') await requireOpenGate(deps, canary, caller.name);
      if (!(await deps.canaries.request(canary, command))) continue;
    }
    if (canary.callback !== null) await wakeUp(deps, canary.callback);
    return Canary.parse(canary);
  }
  throw new Refusal(503, 'unavailable', `the canary ${id} changed during all ${TRIES} attempts; try again`);
}

/** Returns whether the same is already requested, as when the sender got no response and repeats it. */
function isRequested(
  { command, full: isFull, hold }: CanaryRecord,
  { kind, full }: { kind: CanaryCommandKind; full: boolean },
): boolean {
  const isPromotion = kind === 'promote' && full;
  return (command?.kind === kind && command.full === isPromotion) || (isPromotion && isFull && hold === null);
}

/** Without the wake-up, the workflow reads the request at its next check. */
async function wakeUp({ engine, log }: RequestDeps, callback: string): Promise<void> {
  try {
    await engine.completeCallback(callback);
  } catch (error) {
    log.warn('the workflow of a canary could not be woken; it continues at its next check', { error: String(error) });
  }
}

function refusalOf(canary: CanaryRecord, kind: CanaryCommandKind): Refusal | null {
  const { id, status, degraded, command } = canary;
  if (isFinal(canary) || canary.ended_at !== null)
    return new Refusal(409, 'canary-ended', `the canary ${id} has ended: ${status}`);
  if (status === 'aborting' || command?.kind === 'abort')
    return new Refusal(409, 'canary-aborting', `the canary ${id} is being aborted`);
  if (degraded && kind === 'promote')
    return new Refusal(
      409,
      'canary-degraded',
      `the version ${canary.version} was found worse than ${canary.stable_version}; abort it, or start a new canary`,
    );
  return null;
}

const GATE_FIXES: Readonly<Record<ClosedGate['code'], string>> = {
  automation_paused: 'Resume automation, then promote again',
  incident: 'Promote again when it is resolved',
  frozen: 'Promote again when it is over, or override the freeze',
  freeze_unknown: 'Promote again when they can be checked',
};

/** @throws Refusal 409 */
async function requireOpenGate(deps: GateDeps, canary: CanaryRecord, by: string): Promise<void> {
  const gate = await gateOf(deps, canary, { by, consume: false });
  if (gate.open) return;
  const text = `the canary ${canary.id} gets no more traffic now: ${gate.reason.replace(/\.$/, '')}`;
  throw new Refusal(409, 'canary-held', `${text}. ${GATE_FIXES[gate.code]}`);
}

/** @throws Refusal 404 */
export async function canaryOf({ canaries }: Pick<Deps, 'canaries'>, id: CanaryId): Promise<CanaryRecord> {
  const canary = await canaries.get(id);
  if (canary === undefined) throw new Refusal(404, 'unknown-canary', `no canary has the ID ${id}`);
  return canary;
}

/** A canary with its events and checks, newest first. */
export type CanaryDetails = Canary & { events: CanaryEvent[]; checks: CanaryCheck[] };

/** @throws Refusal 403, 404 */
export async function viewCanary(
  deps: Pick<Deps, 'canaries'>,
  { allow }: Pick<Caller, 'allow'>,
  id: CanaryId,
): Promise<CanaryDetails> {
  const canary = await canaryOf(deps, id);
  allow('canaries:read', canary);
  const [events, checks] = await Promise.all([
    deps.canaries.events(id, SHOWN_MAX),
    deps.canaries.checks(id, SHOWN_MAX),
  ]);
  return { ...Canary.parse(canary), events, checks };
}

/** Starts canaries whose workflow is not started yet, and replaces failed runs, each minute. */
export async function startOrphanedCanaries(deps: WorkflowDeps & Pick<Deps, 'canaries'>): Promise<void> {
  await eachAlone(deps.log, 'a canary', await deps.canaries.running(), async (canary) => {
    const { id, run, execution, failed_runs: failed = 0 } = canary;
    const isLast = failed >= FAILED_RUNS_MAX;
    if (isLast && execution !== null) return;
    if (!(await hasFailed(deps, execution, () => startWorkflow(deps, canary))) || isLast) return;
    deps.log.error('the workflow of a canary has failed', { canary: id, run });
    if (await deps.canaries.put({ ...canary, run: run + 1, failed_runs: failed + 1, execution: null, callback: null }))
      await deps.canaryRuns.start(id, run + 1);
  });
}
