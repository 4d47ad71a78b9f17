import { sha256 } from '../../aws/hash.ts';
import { calendarAt, calendarFreezes, type CalendarNow } from '../../domain/freeze/calendar.ts';
import { incidentFreeze } from '../../domain/freeze/causes.ts';
import type { CheckInputs } from '../../domain/freeze/check-inputs.ts';
import { earlierAndGood } from '../../domain/freeze/earlier-good.ts';
import { type FreezePolicy, policyFor } from '../../domain/freeze/policy.ts';
import type { CheckedPlace } from '../../domain/freeze/ports.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import type { Config } from '../../schemas/config.ts';
import type { CheckRequest } from '../../schemas/freeze-check.ts';
import type { ServiceName } from '../../schemas/names.ts';
import type { Timestamp } from '../../schemas/time.ts';

/** Deployments of a place that are looked through for the version that a rollback goes to. */
const CHANGES_READ = 100;

export type CheckDeps = Pick<
  Deps,
  | 'clock'
  | 'config'
  | 'freezeState'
  | 'incidents'
  | 'changes'
  | 'identityTokens'
  | 'freezes'
  | 'freezeDecisions'
  | 'signer'
>;

/** What is asked, and who vouches for it, for kinds that are not taken on the caller's word. */
type Question = {
  request: CheckRequest;
  /** Of a CI system. */
  identityToken: string | null;
  /** Who has vouched for it before, where a token of ours says so. */
  voucher?: string;
};

/** Reads all that an answer is made of. */
export async function inputsFor(deps: CheckDeps, { request, identityToken, voucher }: Question): Promise<CheckInputs> {
  const config = await deps.config.current();
  const { service, environment } = request;
  const entry = entryOf(config, service);
  const place = checkedPlace(config, request);
  const policy = policyFor(config.freeze, { ...place, tier: entry?.tier ?? null });
  const dependencies =
    policy.dependants === 'off'
      ? []
      : (entry?.dependsOn ?? []).map((name) => checkedPlace(config, { service: name, environment }));
  const [state, incidents, rollback, identity] = await Promise.all([
    deps.freezeState.read(place, dependencies),
    incidentsAt(deps, policy, request),
    request.change === 'rollback' ? rollbackOf(deps, request) : null,
    identityToken === null ? voucherOf(voucher) : deps.identityTokens.verify(identityToken, policy.identities),
  ]);
  // Read last: whatever was read is not newer than the moment that it is judged by.
  const at = deps.clock.now();
  return {
    at,
    request,
    known: entry !== undefined,
    unknownService: config.freeze.unknownService,
    policy,
    place,
    objectives: config.slos.filter((slo) => slo.service === service && slo.environment === environment).length,
    own: state.own,
    dependencies: dependencies.flatMap((dependency, index) => {
      const found = state.dependencies[index];
      return found === undefined ? [] : [{ place: dependency, state: found }];
    }),
    calendar: calendarFreezes(calendarNow(config, at), place, sha256),
    incidents,
    pins: state.pins,
    rollback,
    identity,
    evaluatedAt: state.evaluatedAt,
  };
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

const rollbackOf = async ({ changes }: Pick<Deps, 'changes'>, request: CheckRequest) =>
  earlierAndGood(await changes.recent(request, CHANGES_READ), request);

/** The calendar says the same for hours: it is worked out once for each of these. */
const calendars = new WeakMap<Config['freeze'], CalendarNow>();

function calendarNow({ freeze }: Config, at: Timestamp): CalendarNow {
  const known = calendars.get(freeze);
  if (known !== undefined && known.at <= at && (known.until === null || at < known.until)) return known;
  const now = calendarAt(freeze.calendar, at);
  calendars.set(freeze, now);
  return now;
}
