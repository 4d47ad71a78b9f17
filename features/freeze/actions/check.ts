import { randomUUID } from 'node:crypto';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { dayOf } from '../../../core/stores/audit/decision-record.ts';
import { canonicalJson, sha256 } from '../../../core/stores/hash.ts';
import { isDamage } from '../../../core/stores/storage-errors.ts';
import type { CheckInputs } from '../decisions/check-inputs.ts';
import { decide, type Examination, examine, stateOf, type Use, usesOf } from '../decisions/decide.ts';
import type { Scope } from '../../../core/domain/access/access.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { CheckAnswer, CheckRequest, Verdict } from '../schemas/freeze-check.ts';
import { CANNOT_WRITE, type CheckDeps, inputsFor, requirePublished, type ResolvedNames } from './inputs.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { knownScope, suggestedService } from './known-scope.ts';
import { detectRollback } from './rollbacks.ts';
import { deploymentToken, signedState } from './tokens.ts';

/** How often to retry when another deployment takes the last use of an override between the read and the use. */
const TRIES = 3;

export type FreezeCheckCall = {
  /** The request, with service and environment as the caller wrote them. */
  request: CheckRequest;
  /** @throws Refusal 403 if the caller may not access the service and environment that the names refer to */
  allow?: (serviceEnvironment: ServiceEnvironment) => void;
  /** Returns whether the caller may see the service and environment. Absent: no service is suggested for an unknown one. */
  may?: (scope: Scope) => boolean;
  /** The caller's name, for the record. */
  by: string;
  /** Whether the deployment starts now, so that it uses up a required override. */
  consume: boolean;
  identityToken: string | null;
  /** The caller did not give the kind of change, so the recorded deployments decide whether it is a rollback. */
  isKindUnstated?: boolean;
  /** The identity that vouched for the deployment earlier, taken from our own token. */
  voucher?: string;
};

/** A request with resolved names of service and environment. */
type ResolvedCall = FreezeCheckCall & { names: ResolvedNames };

/**
 * Decides a freeze check and records the decision. A repeated request on unchanged state returns the same decision. If the
 * decision cannot be recorded, the answer is `stale`.
 */
export async function check(deps: CheckDeps, original: FreezeCheckCall): Promise<CheckAnswer> {
  const call = await withKnownNames(deps, original);
  const first = await inputsFor(deps, call);
  const examination = examine(first);
  const inputs = isAllowedWithoutOverride(examination) ? first : await readWithExemptions(deps, call, first);
  const decided = decidedOn(inputs, inputs === first ? examination : examine(inputs));
  const { id, verdict } = decided;
  const decision = { id, at: inputs.at, by: call.by, request: inputs.request, verdict, inputs };
  if (!inputs.isKnownService) await isWritten(deps, 'the count', () => countUnknown(deps, call));
  let kept: { id: string } | undefined;
  await isWritten(deps, 'the decision', async () => {
    kept = await deps.freezeDecisions.keep(decision, () => aggregateId(call.by, inputs, verdict));
  });
  return kept === undefined
    ? answerTo(deps, decidedOn({ storageProblem: CANNOT_WRITE, ...inputs }))
    : answerTo(deps, decided, kept.id);
}

/** Counts a check of an unknown service, because the caller may not notice: by default, the policy allows it. */
const countUnknown = ({ unrecognized }: CheckDeps, { by, request }: ResolvedCall): Promise<void> =>
  unrecognized.count('firebreak_freeze_checks_unknown_service_total', by, [request.service]);

/** A decision with what it is based on. */
type Decided = { inputs: CheckInputs; examined: Examination; verdict: Verdict; id: string };

const decidedOn = (inputs: CheckInputs, examined = examine(inputs)): Decided => ({
  inputs,
  examined,
  verdict: decide(inputs, examined),
  id: decisionId(inputs, examined),
});

/** @param kept ID of the decision's record */
async function answerTo(deps: CheckDeps, decided: Decided, kept = decided.id): Promise<CheckAnswer> {
  const { inputs, examined, verdict, id } = decided;
  const hasToken = verdict.allowed && hasCountedUses(inputs, examined);
  return {
    ...verdict,
    evaluated_at: inputs.at,
    decision_id: kept,
    token: hasToken ? await deploymentToken(deps, inputs, { id, kept }) : null,
    signed_state: await unlessDamaged(deps, 'its signed state', signedState(deps, inputs), null),
  };
}

/** Runs a write. Returns whether it has succeeded. */
async function isWritten(
  { log }: Pick<CheckDeps, 'log'>,
  what: string,
  write: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    log.error(`${what} of a freeze check could not be stored`, { error: String(error) });
    return false;
  }
}

async function withKnownNames(deps: CheckDeps, call: FreezeCheckCall): Promise<ResolvedCall> {
  const config = await deps.config.current();
  requirePublished(config);
  const { service, environment, ...names } = await knownScope(deps, config, call.request);
  if (names.requested !== null) call.allow?.({ service, environment });
  const suggestion =
    serviceEntry(config.services, service) !== undefined || call.may === undefined
      ? null
      : await suggestedService(deps, config, { service, environment }, call.may);
  return { ...call, request: { ...call.request, service, environment }, names: { ...names, suggestion } };
}

/** Returns whether the deployment is allowed without an override. This is the common case. */
const isAllowedWithoutOverride = ({ findings: found }: Examination): boolean =>
  found.every(({ effect, pass }) => effect !== 'refuse' && pass?.by !== 'override');

/**
 * Reads the inputs again with the actual kind of change, and uses up required overrides. The deployment may still be
 * refused.
 */
async function readWithExemptions(deps: CheckDeps, call: ResolvedCall, first: CheckInputs): Promise<CheckInputs> {
  const request = call.isKindUnstated ? await withDetectedKind(deps, call) : call.request;
  const corrected = { ...call, request };
  const inputs = request.change === call.request.change ? first : await inputsFor(deps, corrected);
  return call.consume ? useOverrides(deps, corrected, inputs) : inputs;
}

/** If the recorded deployments are damaged, the change stays a deploy, which no freeze exempts. */
const withDetectedKind = (deps: CheckDeps, { request, names }: ResolvedCall): Promise<CheckRequest> =>
  unlessDamaged(deps, 'whether the change is a rollback', detectRollback(deps, request, names.requested), request);

/** Goes on without what is damaged. */
const unlessDamaged = <T>({ log }: Pick<CheckDeps, 'log'>, what: string, reading: Promise<T>, instead: T): Promise<T> =>
  reading.catch((error: unknown) => {
    if (!isDamage(error)) throw error;
    log.error(`a freeze check continues without ${what}`, { error: String(error) });
    return instead;
  });

/** Returns the decision's ID. The same request on the same state has the same ID at any time. */
export const decisionId = (inputs: CheckInputs, examined: Examination): string =>
  `frd_${sha256(canonicalJson({ request: inputs.request, state: stateOf(inputs, examined) })).slice(0, 32)}`;

/**
 * Returns the ID of the record in which decisions of a caller are counted that differ only in version, commit,
 * deployment, and wording. It has few values on a day: names that nobody knows share one.
 */
const aggregateId = (by: string, inputs: CheckInputs, { verdict, reasons }: Verdict): string => {
  const { request, scope, isKnownService, unknownEnvironment } = inputs;
  const named = {
    service: isKnownService ? scope.service : null,
    environment: unknownEnvironment === undefined || unknownEnvironment.recorded ? scope.environment : null,
    change: request.change,
    verdict,
    reasons: [...new Set(reasons.map(({ code }) => code))].toSorted(),
    day: dayOf(inputs.at),
    ...(request.look && { look: true }),
  };
  return `frd_${sha256(canonicalJson({ by, ...named })).slice(0, 32)}`;
};

/** Returns whether all required uses of overrides are counted for this deployment. */
const hasCountedUses = (inputs: CheckInputs, examined: Examination): boolean =>
  usesOf(inputs, examined).every((use) => isCounted(inputs, use));

const isCounted = (
  { own, dependencies, calendar, incidents }: CheckInputs,
  { freeze, override, deployment }: Use,
): boolean =>
  deployment !== null &&
  [...own.freezes, ...dependencies.flatMap(({ state }) => state.freezes), ...calendar, ...incidents].some(
    ({ id, overrides }) =>
      id === freeze &&
      overrides.some((one) => one.id === override && one.used_by.some((use) => use.deployment === deployment)),
  );

/**
 * Counts the required uses of overrides, and returns the inputs read afterwards. The deployment may be refused by then.
 */
async function useOverrides(deps: CheckDeps, call: ResolvedCall, first: CheckInputs): Promise<CheckInputs> {
  // A deployment without a version, commit, or ID counts as a new deployment with each request.
  const distinct = isNamed(call) ? {} : { countedAs: `unnamed-${randomUUID()}` };
  let inputs: CheckInputs = { ...first, ...distinct };
  const usedNow: Use[] = [];
  for (let attempt = 0; attempt <= TRIES; attempt += 1) {
    const uncounted = usesOf(inputs).filter((use) => !isCounted(inputs, use));
    const counted = usedNow.filter((use) => isCounted(inputs, use)).map(({ override }) => override);
    if (uncounted.length === 0) return { ...inputs, ...(counted.length > 0 && { usedNow: counted }) };
    const isCountedNow = await isWritten(deps, 'the use of an override', () => takeUses(deps, call, uncounted));
    usedNow.push(...uncounted);
    inputs = {
      ...(isCountedNow ? {} : { storageProblem: CANNOT_WRITE }),
      ...(await inputsFor(deps, call)),
      ...distinct,
    };
  }
  throw new Error(`the uses of an override by ${call.request.deployment_id ?? 'a deployment'} could not be counted`);
}

const isNamed = ({ request: { deployment_id, version, commit } }: FreezeCheckCall): boolean =>
  deployment_id !== null || version !== null || commit !== null;

/** Counts all of them or none, because another deployment may take the last use of one. */
async function takeUses({ freezes }: CheckDeps, { by, request }: FreezeCheckCall, uses: readonly Use[]): Promise<void> {
  const named = uses.flatMap(({ deployment, ...use }) => (deployment === null ? [] : [{ ...use, deployment }]));
  if (named.length === uses.length) await freezes.useOverrides(named, by, request.version);
}
