import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256 } from '../../aws/hash.ts';
import type { CheckInputs } from '../../domain/freeze/check-inputs.ts';
import { decide, type Examined, examine, stateOf, type Use, usesOf } from '../../domain/freeze/decide.ts';
import type { Place } from '../../domain/ports.ts';
import type { CheckAnswer, CheckRequest } from '../../schemas/freeze-check.ts';
import { type CheckDeps, inputsFor, requirePublished } from './inputs.ts';
import { type KnownPlace, knownPlace } from './known-place.ts';
import { asWhatItIs } from './rollbacks.ts';
import { deploymentToken, signedState } from './tokens.ts';

/** Others may take the last use of an override between the look and the use. */
const TRIES = 3;

export type Asked = {
  /** Under whatever names. */
  request: CheckRequest;
  /** Throws where whoever asks has nothing to do with the place that is meant by them. */
  allow?: (place: Place) => void;
  /** Who asks, as the record names them. */
  by: string;
  /** Whether this is the deployment itself, so that it takes its use of an override. */
  consume: boolean;
  identityToken: string | null;
  /** Nobody has said what kind of change it is: what is deployed says whether it is a rollback. */
  untold?: boolean;
  /** Who has vouched for it before, where a token of ours says so. */
  voucher?: string;
};

/** What is asked, of the place as it is known. */
type Named = Asked & { names: Pick<KnownPlace, 'asked' | 'unknown'> };

/** One answer of the check: decided, on record, and told apart from a repeat of it by nothing. */
export async function check(deps: CheckDeps, question: Asked): Promise<CheckAnswer> {
  const asked = await underKnownNames(deps, question);
  const first = await inputsFor(deps, asked);
  const seen = examine(first);
  const inputs = isFree(seen) ? first : await letThrough(deps, asked, first);
  const examined = inputs === first ? seen : examine(inputs);
  const verdict = decide(inputs, examined);
  const id = decisionId(inputs, examined);
  await deps.freezeDecisions.keep({ id, at: inputs.at, by: asked.by, request: inputs.request, verdict, inputs });
  return {
    ...verdict,
    evaluated_at: inputs.at,
    decision_id: id,
    token: verdict.allowed && isPaid(inputs, examined) ? await deploymentToken(deps, inputs, id) : null,
    signed_state: await signedState(deps, inputs),
  };
}

async function underKnownNames(deps: CheckDeps, asked: Asked): Promise<Named> {
  const config = await deps.config.current();
  requirePublished(config);
  const { service, environment, ...names } = await knownPlace(deps, config, asked.request);
  if (names.asked !== null) asked.allow?.({ service, environment });
  return { ...asked, request: { ...asked.request, service, environment }, names };
}

/** Nothing holds it, or what does lets it through without using anything up. Most are such. */
const isFree = ({ found }: Examined): boolean =>
  found.every(({ effect, pass }) => effect !== 'refuse' && pass?.by !== 'override');

/** What is known once it is asked as what it is, and has what it needs of overrides. It may be refused all the same. */
async function letThrough(deps: CheckDeps, asked: Named, first: CheckInputs): Promise<CheckInputs> {
  const request = asked.untold ? await asWhatItIs(deps, asked.request, asked.names.asked) : asked.request;
  const meant = { ...asked, request };
  const inputs = request.change === asked.request.change ? first : await inputsFor(deps, meant);
  return asked.consume ? consuming(deps, meant, inputs) : inputs;
}

/** The same question about the same state is the same decision, whenever it is asked. */
export const decisionId = (inputs: CheckInputs, examined: Examined): string =>
  `frd_${sha256(canonicalJson({ request: inputs.request, state: stateOf(inputs, examined) })).slice(0, 32)}`;

/** What it is let through by has been counted for this deployment. */
const isPaid = (inputs: CheckInputs, examined: Examined): boolean =>
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

/** Counts what the deployment needs, and gives what is known afterwards: it may be refused by then. */
async function consuming(deps: CheckDeps, asked: Named, first: CheckInputs): Promise<CheckInputs> {
  // One that has no name is another deployment each time it asks, and this time it is this one.
  const name = isNamed(asked) ? {} : { countedAs: `unnamed-${randomUUID()}` };
  let inputs = { ...first, ...name };
  for (let attempt = 0; attempt <= TRIES; attempt += 1) {
    const wanted = usesOf(inputs).filter((use) => !isCounted(inputs, use));
    if (wanted.length === 0) return inputs;
    await Promise.all(wanted.map((use) => takeUse(deps, asked, use)));
    inputs = { ...(await inputsFor(deps, asked)), ...name };
  }
  throw new Error(`the uses of an override by ${asked.request.deployment_id ?? 'a deployment'} could not be counted`);
}

const isNamed = ({ request: { deployment_id, version, commit } }: Asked): boolean =>
  deployment_id !== null || version !== null || commit !== null;

const takeUse = async ({ freezes }: CheckDeps, { by, request }: Asked, { freeze, override, deployment }: Use) =>
  deployment === null ? 'spent' : freezes.useOverride(freeze, override, deployment, by, request.version);
