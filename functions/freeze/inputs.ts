import { sha256 } from '../../aws/hash.ts';
import { calendarAt, calendarFreezes, type CalendarNow } from '../../domain/freeze/calendar.ts';
import { incidentFreeze } from '../../domain/freeze/causes.ts';
import type { CheckInputs, PinnedCommit } from '../../domain/freeze/check-inputs.ts';
import { earlierAndGood } from '../../domain/freeze/earlier-good.ts';
import { type FreezePolicy, policyFor } from '../../domain/freeze/policy.ts';
import type { CheckedPlace, PlaceState } from '../../domain/freeze/ports.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import { type Config, emptyConfig } from '../../schemas/config.ts';
import type { CheckRequest } from '../../schemas/freeze-check.ts';
import type { ServiceName } from '../../schemas/names.ts';
import type { PinView } from '../../schemas/pin.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { Refusal } from '../api/problem.ts';
import type { KnownPlace } from './known-place.ts';
import { CHANGES_READ, ownRollback } from './rollbacks.ts';

export type CheckDeps = Pick<
  Deps,
  | 'clock'
  | 'config'
  | 'freezeState'
  | 'incidents'
  | 'changes'
  | 'decisions'
  | 'identityTokens'
  | 'freezes'
  | 'freezeDecisions'
  | 'signer'
>;

/** What is asked, and who vouches for it, for kinds that are not taken on the caller's word. */
type Question = {
  /** Of the place as it is known. */
  request: CheckRequest;
  /** What is known of its names. */
  names?: Pick<KnownPlace, 'asked' | 'unknown'>;
  /** Of a CI system. */
  identityToken: string | null;
  /** Who has vouched for it before, where a token of ours says so. */
  voucher?: string;
};

/**
 * Reads all that an answer is made of.
 * @throws Refusal 503 where no configuration is published: what freezes is not known then, so that nothing is allowed
 */
export async function inputsFor(
  deps: CheckDeps,
  { request, names, identityToken, voucher }: Question,
): Promise<CheckInputs> {
  const config = await deps.config.current();
  requirePublished(config);
  const { service, environment } = request;
  const entry = entryOf(config, service);
  const place = checkedPlace(config, request);
  const policy = policyAt(config, place);
  const dependencies =
    policy.dependants === 'off'
      ? []
      : (entry?.dependsOn ?? []).map((name) => checkedPlace(config, { service: name, environment }));
  const objectives = config.slos.filter((slo) => slo.service === service && slo.environment === environment);
  const asked = names?.asked ?? null;
  const [state, underOther, incidents, troubles, rollback, identity] = await Promise.all([
    heldAt(deps, place, dependencies),
    asked === null ? NOTHING_HELD : heldUnder(deps, { ...asked, team: place.team }, place),
    incidentsAt(deps, policy, request),
    Promise.all(dependencies.map((one) => incidentsAt(deps, policyAt(config, one), one))),
    request.change === 'rollback' ? rollbackOf(deps, request, asked) : null,
    identityToken === null ? voucherOf(voucher) : deps.identityTokens.verify(identityToken, policy.identities),
  ]);
  const commits = [...state.pinnedCommits, ...underOther.pinnedCommits];
  // Read last: whatever was read is not newer than the moment that it is judged by.
  const at = deps.clock.now();
  return {
    at,
    request,
    known: entry !== undefined,
    unknownService: config.freeze.unknownService,
    ...(asked !== null && { asked }),
    ...(names?.unknown != null && {
      unknownEnvironment: { policy: unknownEnvironmentIn(config), ...names.unknown },
    }),
    policy,
    place,
    objectives: objectives.length,
    objectiveIds: objectives.map(({ id }) => id),
    own: { ...state.own, freezes: together(state.own.freezes, underOther.freezes) },
    dependencies: dependencies.flatMap((dependency, index) => {
      const found = state.dependencies[index];
      return found === undefined ? [] : [{ place: dependency, state: found, incidents: troubles[index] ?? [] }];
    }),
    calendar: calendarFreezes(calendarNow(config, at), place, sha256),
    incidents,
    pins: [...state.pins, ...underOther.pins],
    ...(commits.length > 0 && { pinnedCommits: commits }),
    rollback,
    identity,
    evaluatedAt: state.evaluatedAt,
  };
}

const unknownEnvironmentIn = ({ freeze }: Config): 'allow' | 'deny' =>
  freeze.unknownEnvironment ?? freeze.unknownService;

/** What freezes a place, and what is pinned there. */
type Held = { freezes: PlaceState['freezes']; pins: PinView[]; pinnedCommits: PinnedCommit[] };

const NOTHING_HELD: Held = { freezes: [], pins: [], pinnedCommits: [] };

async function heldAt(deps: CheckDeps, place: CheckedPlace, dependencies: readonly CheckedPlace[]) {
  const state = await deps.freezeState.read(place, dependencies);
  return { ...state, pinnedCommits: await commitsOf(deps, place, state.pins) };
}

/** What was frozen or pinned under the other names under which somebody asks holds for whoever uses them. */
async function heldUnder(deps: CheckDeps, other: CheckedPlace, place: CheckedPlace): Promise<Held> {
  const { own, pins, pinnedCommits } = await heldAt(deps, other, []);
  const { service, environment } = place;
  const freezes = own.freezes.map((freeze) => ({
    ...freeze,
    service: freeze.service === other.service ? service : freeze.service,
    environment: freeze.environment === other.environment ? environment : freeze.environment,
  }));
  return { freezes, pins: pins.map((pin) => ({ ...pin, service, environment })), pinnedCommits };
}

const together = (own: PlaceState['freezes'], others: PlaceState['freezes']): PlaceState['freezes'] =>
  others.length === 0 ? own : [...own, ...others.filter(({ id }) => !own.some((freeze) => freeze.id === id))];

/** By which commits the pinned versions are known. Most places have no pin, and then nothing is read. */
async function commitsOf(deps: CheckDeps, place: Place, pins: readonly PinView[]): Promise<PinnedCommit[]> {
  const pinned = new Set(pins.filter(({ state }) => state === 'pinned').map(({ version }) => version));
  if (pinned.size === 0) return [];
  const commits = (await deps.changes.recent(place, CHANGES_READ)).flatMap(({ version, commit }) =>
    commit !== null && pinned.has(version) ? [{ version, commit }] : [],
  );
  return [...new Map(commits.map((one) => [JSON.stringify(one), one])).values()];
}

const voucherOf = (subject: string | undefined): CheckInputs['identity'] =>
  subject === undefined ? null : { ok: true, subject };

/** A service may be called `constructor`. */
const entryOf = ({ services }: Config, service: ServiceName) =>
  Object.hasOwn(services, service) ? services[service] : undefined;

const checkedPlace = (config: Config, { service, environment }: Place): CheckedPlace => ({
  service,
  environment,
  team: entryOf(config, service)?.team ?? null,
});

const policyAt = (config: Config, place: CheckedPlace): FreezePolicy =>
  policyFor(config.freeze, { ...place, tier: entryOf(config, place.service)?.tier ?? null });

/** Without a configuration nothing is configured to freeze, which is not the same as that nothing is frozen. */
export function requirePublished({ version }: Pick<Config, 'version'>): void {
  if (version !== emptyConfig.version) return;
  throw new Refusal(
    503,
    'unavailable',
    'no configuration is published, so it is not known what is frozen; publish it, or look at what has taken it away',
  );
}

/** Most policies do not ask for it, and then it is not read. */
async function incidentsAt(
  { incidents }: Pick<Deps, 'incidents'>,
  policy: FreezePolicy,
  place: Place,
): Promise<CheckInputs['incidents']> {
  if (policy.incidents === 'off') return [];
  const incident = await incidents.openAt(place);
  const freeze = incident && incidentFreeze(incident, policy, sha256);
  return freeze ? [freeze] : [];
}

/** What Firebreak brings back itself at this moment passes, too, whatever is known of it. */
async function rollbackOf(
  deps: Pick<Deps, 'changes' | 'incidents' | 'decisions'>,
  request: CheckRequest,
  other: Place | null,
): Promise<NonNullable<CheckInputs['rollback']>> {
  const known = earlierAndGood(await deps.changes.recent(request, CHANGES_READ), request);
  if (known.kind === 'not_known' && other !== null) {
    const there = earlierAndGood(await deps.changes.recent(other, CHANGES_READ), request);
    if (there.kind !== 'not_known') return there;
  }
  if (known.kind !== 'not_known' || request.version === null) return known;
  const ours = await ownRollback(deps, request);
  return ours?.to === request.version
    ? { kind: 'ours', text: `Firebreak itself rolls back to ${ours.to}, in incident ${ours.incident}` }
    : known;
}

/** The calendar says the same for hours: it is worked out once for each of these. */
const calendars = new WeakMap<Config['freeze'], CalendarNow>();

export function calendarNow({ freeze }: Pick<Config, 'freeze'>, at: Timestamp): CalendarNow {
  const known = calendars.get(freeze);
  if (known !== undefined && known.at <= at && (known.until === null || at < known.until)) return known;
  const now = calendarAt(freeze.calendar, at);
  calendars.set(freeze, now);
  return now;
}
