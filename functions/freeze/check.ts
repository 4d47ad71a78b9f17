import { randomUUID } from 'node:crypto';
import { canonicalJson, sha256 } from '../../aws/hash.ts';
import type { CheckInputs } from '../../domain/freeze/check-inputs.ts';
import { decide, type Examined, examine, stateOf, type Use, usesOf } from '../../domain/freeze/decide.ts';
import type { CheckAnswer, CheckRequest } from '../../schemas/freeze-check.ts';
import { type CheckDeps, inputsFor } from './inputs.ts';
import { deploymentToken, signedState } from './tokens.ts';

/** Others may take the last use of an override between the look and the use. */
const TRIES = 3;

export type Asked = {
  request: CheckRequest;
  /** Who asks, as the record names them. */
  by: string;
  /** Whether this is the deployment itself, so that it takes its use of an override. */
  consume: boolean;
  identityToken: string | null;
  /** Who has vouched for it before, where a token of ours says so. */
  voucher?: string;
};

/** One answer of the check: decided, on record, and told apart from a repeat of it by nothing. */
export async function check(deps: CheckDeps, asked: Asked): Promise<CheckAnswer> {
  const inputs = asked.consume ? await consuming(deps, asked) : await inputsFor(deps, asked);
  const examined = examine(inputs);
  const verdict = decide(inputs, examined);
  const id = decisionId(inputs, examined);
  await deps.freezeDecisions.keep({ id, at: inputs.at, by: asked.by, request: asked.request, verdict, inputs });
  return {
    ...verdict,
    evaluated_at: inputs.at,
    decision_id: id,
    token: verdict.allowed && isPaid(inputs, examined) ? await deploymentToken(deps, inputs, id) : null,
    signed_state: await signedState(deps, inputs),
  };
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
async function consuming(deps: CheckDeps, asked: Asked): Promise<CheckInputs> {
  let inputs = await inputsFor(deps, asked);
  for (let attempt = 0; attempt <= TRIES; attempt += 1) {
    const wanted = usesOf(inputs).filter((use) => !isCounted(inputs, use));
    if (wanted.length === 0) return inputs;
    const used = await Promise.all(wanted.map((use) => takeUse(deps, asked, use)));
    // One that has no name is counted each time; there is nothing to find afterwards.
    if (wanted.every(({ deployment }) => deployment === null) && used.every((how) => how !== 'spent')) return inputs;
    inputs = await inputsFor(deps, asked);
  }
  throw new Error(`the uses of an override by ${asked.request.deployment_id ?? 'a deployment'} could not be counted`);
}

const takeUse = ({ freezes }: CheckDeps, { by, request }: Asked, { freeze, override, deployment }: Use) =>
  freezes.useOverride(freeze, override, deployment ?? `unnamed-${randomUUID()}`, by, request.version);
