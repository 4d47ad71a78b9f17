import { objectivesFor, serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { withPinnedCommit } from '../../../core/domain/changes/identified-versions.ts';
import { isSameVersion } from '../../../core/domain/changes/version-identity.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { incidentNamer } from '../../../core/actions/incidents/incident-numbers.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { calendarAt, calendarFreezes, type CalendarNow } from '../decisions/calendar.ts';
import { incidentFreeze } from '../decisions/causes.ts';
import type { CheckInputs, PinnedCommit } from '../decisions/check-inputs.ts';
import { refusingPins } from '../decisions/exemptions/pinned.ts';
import { checkRollbackVersion } from '../decisions/exemptions/rollback-version.ts';
import { type FreezePolicy, policyFor } from '../decisions/policy.ts';
import type { CheckedScope, ScopeState } from '../types.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../ports.ts';
import { loaded, readBudgets } from '../../../core/domain/ports/extensions.ts';
import { type Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { Freeze } from '../schemas/freeze.ts';
import type { CheckRequest } from '../schemas/freeze-check.ts';
import type { PinView } from '../../../schemas/changes/pin.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { isDamage } from '../../../core/stores/storage-errors.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import type { KnownScope } from './known-scope.ts';
import { CHANGES_READ, ownRollback } from './rollbacks.ts';

export type CheckDeps = Pick<
  Deps,
  | 'clock'
  | 'config'
  | 'extensions'
  | 'freezeState'
  | 'incidents'
  | 'changes'
  | 'decisions'
  | 'identityTokens'
  | 'freezes'
  | 'freezeDecisions'
  | 'signer'
  | 'log'
  | 'unrecognized'
> & {
  /** Absent: it is unknown whether writes succeed until one is tried. */
  writeProbe?: Deps['writeProbe'];
};

/** How names were resolved. `suggestion`: the service that was probably meant in place of an unknown one. */
export type ResolvedNames = Pick<KnownScope, 'requested' | 'unknown'> & { suggestion: string | null };

/** A request, and the identity that vouches for it. Policy requires an identity for some kinds of change. */
type IdentifiedRequest = {
  /** The request, with resolved names of service and environment. */
  request: CheckRequest;
  /** How the names were resolved. */
  names?: ResolvedNames;
  /** OpenID Connect token of a CI system. */
  identityToken: string | null;
  /** The identity that vouched for the deployment earlier, taken from our own token. */
  voucher?: string;
};

/**
 * Reads all inputs of a decision.
 *
 * @throws Refusal 503 if no configuration is published: the freezes are then unknown, so nothing is allowed
 */
export async function inputsFor(
  deps: CheckDeps,
  { request, names, identityToken, voucher }: IdentifiedRequest,
): Promise<CheckInputs> {
  const config = await deps.config.current();
  requirePublished(config);
  const { service, environment } = request;
  const entry = serviceEntry(config.services, service);
  const scope = checkedScope(config, request);
  const policy = policyAt(config, scope);
  const dependencies =
    policy.dependants === 'off'
      ? []
      : (entry?.dependsOn ?? []).map((name) => checkedScope(config, { service: name, environment }));
  const objectives = objectivesFor(config, request);
  const requested = names?.requested ?? null;
  // Loaded first, so that the next two reads begin at the same moment and share a call to the store. Without any objective,
  // there is nothing to report.
  const unread: string[] = [];
  /** Goes on without what is damaged, and says so in the answer. */
  const orWithout = <T>(what: string, reading: Promise<T>, instead: T): Promise<T> =>
    reading.catch((error: unknown) => {
      if (!isDamage(error)) throw error;
      deps.log.error(`a freeze check continues without ${what}`, { error: String(error) });
      unread.push(`Firebreak cannot read ${what}`);
      return instead;
    });
  const budgetSources = config.slos.length === 0 ? [] : await loaded(deps.extensions.errorBudgets);
  const [state, budgets, underRequestedNames, incidents, dependencyIncidents, rollback, identity] = await Promise.all([
    readFreezesAndPins(deps, scope, dependencies),
    orWithout('the error budgets', readBudgets(budgetSources, [scope, ...dependencies]), NO_BUDGETS),
    requested === null ? NO_FREEZES_OR_PINS : readUnderRequestedNames(deps, { ...requested, team: scope.team }, scope),
    incidentFreezesAt(deps, policy, request),
    Promise.all(dependencies.map((one) => incidentFreezesAt(deps, policyAt(config, one), one))),
    request.change === 'rollback'
      ? orWithout('the recorded deployments', rollbackVersionOf(deps, request, requested), UNREAD_ROLLBACK)
      : null,
    identityToken === null ? identityOf(voucher) : deps.identityTokens.verify(identityToken, policy.identities),
  ]);
  const commits = [...state.pinnedCommits, ...underRequestedNames.pinnedCommits];
  const pinInputs = {
    request,
    scope,
    rollback,
    pins: [...state.pins, ...underRequestedNames.pins],
    ...(commits.length > 0 && { pinnedCommits: commits }),
  };
  const incidentNumbers = await readIncidentNumbers(deps, pinInputs);
  const unwritten = (deps.writeProbe?.problem() ?? null) === null ? [] : [CANNOT_WRITE];
  const storageProblems = [...unwritten, ...unread];
  // Read the clock last, so that no input is newer than the time of the decision.
  const at = deps.clock.now();
  return {
    at,
    ...pinInputs,
    isKnownService: entry !== undefined,
    unknownService: config.freeze.unknownService,
    ...(names?.suggestion != null && { suggestedService: names.suggestion }),
    ...(requested !== null && { requested }),
    ...(names?.unknown != null && {
      unknownEnvironment: { policy: unknownEnvironmentIn(config), ...names.unknown },
    }),
    policy,
    objectives: objectives.length,
    objectiveIds: objectives.map(({ id }) => id),
    own: { freezes: combined(state.own, underRequestedNames.freezes), slos: budgets.statuses[0] ?? [] },
    dependencies: dependencies.flatMap((dependency, index) => {
      const freezes = state.dependencies[index];
      const slos = budgets.statuses[index + 1] ?? [];
      return freezes === undefined
        ? []
        : [{ scope: dependency, state: { freezes, slos }, incidents: dependencyIncidents[index] ?? [] }];
    }),
    calendar: combined(
      calendarFreezes(calendarNow(config, at), scope, sha256),
      requested === null
        ? []
        : calendarFreezes(calendarNow(config, at), { ...requested, team: scope.team }, sha256).map((freeze) =>
            underKnownNames(freeze, requested, scope),
          ),
    ),
    incidents,
    ...(Object.keys(incidentNumbers).length > 0 && { incidentNumbers }),
    identity,
    evaluatedAt: budgets.evaluatedAt,
    ...(storageProblems.length > 0 && { storageProblem: storageProblems.join(', and ') }),
  };
}

/** The reason while storage refuses writes. */
export const CANNOT_WRITE = 'Firebreak cannot write to its storage';

const NO_BUDGETS: Awaited<ReturnType<typeof readBudgets>> = { statuses: [], evaluatedAt: null };

const UNREAD_ROLLBACK: NonNullable<CheckInputs['rollback']> = {
  kind: 'not_known',
  text: 'whether its version is an earlier, known good one could not be read',
};

const unknownEnvironmentIn = ({ freeze }: Config): 'allow' | 'deny' =>
  freeze.unknownEnvironment ?? freeze.unknownService;

/** The freezes and pinned versions of a service and environment. */
type FreezesAndPins = { freezes: ScopeState['freezes']; pins: PinView[]; pinnedCommits: PinnedCommit[] };

const NO_FREEZES_OR_PINS: FreezesAndPins = { freezes: [], pins: [], pinnedCommits: [] };

async function readFreezesAndPins(deps: CheckDeps, scope: CheckedScope, dependencies: readonly CheckedScope[]) {
  const state = await deps.freezeState.read(scope, dependencies);
  return { ...state, ...(await withCommits(deps, scope, state.pins)) };
}

/** Reads the freezes and pins stored under the caller's spelling of the names. They apply in addition. */
async function readUnderRequestedNames(
  deps: CheckDeps,
  other: CheckedScope,
  scope: CheckedScope,
): Promise<FreezesAndPins> {
  const { own, pins, pinnedCommits } = await readFreezesAndPins(deps, other, []);
  const { service, environment } = scope;
  const freezes = own.map((freeze) => underKnownNames(freeze, other, scope));
  return { freezes, pins: pins.map((pin) => ({ ...pin, service, environment })), pinnedCommits };
}

const underKnownNames = <F extends Freeze>(freeze: F, requested: ServiceEnvironment, known: ServiceEnvironment): F => ({
  ...freeze,
  service: freeze.service === requested.service ? known.service : freeze.service,
  environment: freeze.environment === requested.environment ? known.environment : freeze.environment,
});

const combined = <F extends Freeze>(own: F[], others: F[]): F[] =>
  others.length === 0 ? own : [...own, ...others.filter(({ id }) => !own.some((freeze) => freeze.id === id))];

/** Returns the pins with their commits, and all recorded commits of the pinned versions. Reads nothing if there is no pin, which is the common case. */
async function withCommits(
  deps: CheckDeps,
  serviceEnvironment: ServiceEnvironment,
  pins: readonly PinView[],
): Promise<Pick<FreezesAndPins, 'pins' | 'pinnedCommits'>> {
  const isPinned = ({ state }: PinView): boolean => state === 'pinned';
  if (!pins.some(isPinned)) return { pins: [...pins], pinnedCommits: [] };
  const changes = await deps.changes.recent(serviceEnvironment, CHANGES_READ);
  const known = pins.map((pin) => withPinnedCommit(pin, changes));
  const commits = known
    .filter(isPinned)
    .flatMap((pin) =>
      changes.flatMap(({ commit, ...change }) =>
        commit !== null && isSameVersion(pin, { ...change, commit }) ? [{ version: pin.version, commit }] : [],
      ),
    );
  return { pins: known, pinnedCommits: [...new Map(commits.map((one) => [JSON.stringify(one), one])).values()] };
}

const identityOf = (subject: string | undefined): CheckInputs['identity'] =>
  subject === undefined ? null : { ok: true, subject };

const checkedScope = (config: Config, { service, environment }: ServiceEnvironment): CheckedScope => ({
  service,
  environment,
  team: serviceEntry(config.services, service)?.team ?? null,
});

const policyAt = (config: Config, scope: CheckedScope): FreezePolicy =>
  policyFor(config.freeze, { ...scope, tier: serviceEntry(config.services, scope.service)?.tier ?? null });

/**
 * Requires a published configuration. An empty one has no freezes, which does not mean that nothing is frozen.
 *
 * @throws Refusal 503
 */
export function requirePublished({ version }: Pick<Config, 'version'>): void {
  if (version !== emptyConfig.version) return;
  throw new Refusal(
    503,
    'unavailable',
    'no configuration is published, so Firebreak does not know what is frozen; publish one with npm run config:export, as docs/how-to/aws.md says',
  );
}

/** Returns the freeze caused by an open incident. Reads nothing if the policy ignores incidents, as most do. */
async function incidentFreezesAt(
  { incidents }: Pick<Deps, 'incidents'>,
  policy: FreezePolicy,
  serviceEnvironment: ServiceEnvironment,
): Promise<CheckInputs['incidents']> {
  if (policy.incidents === 'off') return [];
  const incident = await incidents.openAt(serviceEnvironment);
  const freeze = incident && incidentFreeze(incident, policy, sha256);
  return freeze ? [freeze] : [];
}

/**
 * Returns what is known of the version as a rollback target. A rollback by Firebreak itself always counts as one.
 */
async function rollbackVersionOf(
  deps: Pick<Deps, 'changes' | 'incidents' | 'decisions' | 'log'>,
  request: CheckRequest,
  other: ServiceEnvironment | null,
): Promise<NonNullable<CheckInputs['rollback']>> {
  const known = checkRollbackVersion(await deps.changes.recent(request, CHANGES_READ), request);
  if (known.kind === 'not_known' && other !== null) {
    const underRequested = checkRollbackVersion(await deps.changes.recent(other, CHANGES_READ), request);
    if (underRequested.kind !== 'not_known') return underRequested;
  }
  if (known.kind !== 'not_known') return known;
  const { version } = request;
  const ours = version === null ? undefined : await ownRollback(deps, request);
  if (version !== null && ours !== undefined && isSameVersion({ version: ours.to }, { ...request, version }))
    return { kind: 'ours', text: `Firebreak is rolling back to ${ours.to} in incident ${incidentName(ours.incident)}` };
  const { rolledBackIn, ...answer } = known;
  if (rolledBackIn === undefined) return answer;
  const named = await readNames(deps, [rolledBackIn]);
  return { ...answer, text: `${answer.text}, in ${incidentName(named(rolledBackIn))}` };
}

/** Reads the names of incidents. Without them, they are named by their IDs: no decision depends on a name. */
const readNames = (
  deps: Pick<Deps, 'incidents' | 'log'>,
  ids: Parameters<typeof incidentNamer>[1],
): ReturnType<typeof incidentNamer> =>
  incidentNamer(deps, ids).catch((error: unknown) => {
    deps.log.error('a freeze check continues without the names of incidents', { error: String(error) });
    return (id) => ({ id });
  });

/** Reads the numbers of the incidents in which the requested version was pinned. */
async function readIncidentNumbers(
  deps: Pick<Deps, 'incidents' | 'log'>,
  inputs: Parameters<typeof refusingPins>[0],
): Promise<Record<string, number>> {
  const ids = refusingPins(inputs).flatMap(({ pin }) => pin.incident_id ?? []);
  const named = await readNames(deps, ids);
  return Object.fromEntries(
    ids.flatMap((id) => {
      const { number } = named(id);
      return number == null ? [] : [[id, number] as const];
    }),
  );
}

/** Evaluated calendars. The result stays valid for hours, until the calendar's next transition. */
const calendars = new WeakMap<Config['freeze'], CalendarNow>();

export function calendarNow({ freeze }: Pick<Config, 'freeze'>, at: Timestamp): CalendarNow {
  const known = calendars.get(freeze);
  if (known !== undefined && known.at <= at && (known.until === null || at < known.until)) return known;
  const now = calendarAt(freeze.calendar, at);
  calendars.set(freeze, now);
  return now;
}
