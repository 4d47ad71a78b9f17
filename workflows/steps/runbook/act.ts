import type { Deps } from '../../../domain/ports/deps.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { ActAnswer, ActRequest, Deployer } from '../../../domain/rollback/targets.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import { planOf } from '../../../domain/runbooks/plan.ts';
import { entryOf } from '../judge.ts';
import { deployerAt } from '../roll-back.ts';
import type { Attempted, StepAttempt, Tried } from './attempt.ts';
import type { Context } from './context.ts';

/** A change of a target of the service. */
export type TargetAct =
  | { kind: 'flag'; flag: string; on: boolean }
  | { kind: 'scale'; from: number; to: number }
  | { kind: 'restart' };

/** An action with its target, the resource that it locks, and the call. */
type Callable = {
  effect: Pick<Effect, 'kind' | 'target' | 'class' | 'detail' | 'stand_in'>;
  resource: string;
  output: Json;
  call(request: ActRequest): Promise<ActAnswer>;
  look?(handle: string, request: ActRequest): Promise<ActAnswer>;
};

/** Makes one attempt: records the intent, locks the target, and calls it. A repeat with the same key checks the result. */
export async function attemptAct(
  deps: Deps,
  context: Context,
  act: TargetAct,
  key: string,
  { handle, sentAs = key }: Pick<StepAttempt, 'handle' | 'sentAs'>,
): Promise<Attempted> {
  const { incident, place, name } = context;
  const callable = await callableOf(deps, context, act);
  if (typeof callable === 'string') return { performed: { kind: 'failed', detail: callable }, effect: null };
  const { effect, resource } = callable;
  const intent = await deps.effects.intendAct(
    incident.id,
    { key, ...effect },
    { place, resource, automatic: false, isProposed: isOurs(context) },
  );
  if (!intent.ok) return { kind: 'again', detail: intent.reason.text, handle: null, afterSeconds: 30 };
  const request: ActRequest = {
    ...place,
    incident: incident.id,
    reason: `${incident.title}: ${name}`.slice(0, 500),
    key: sentAs,
  };
  const answer = handle !== null && callable.look ? await callable.look(handle, request) : await callable.call(request);
  return read(context, callable, answer);
}

function read({ name }: Context, { effect, output }: Callable, answer: ActAnswer): Attempted {
  const recorded = (state: Effect['state'], detail: string) => ({ state, detail: `${name}: ${detail}` });
  switch (answer.kind) {
    case 'succeeded':
      return {
        performed: { kind: 'ended', end: { status: 'succeeded', output, detail: effect.detail } },
        effect: recorded('succeeded', effect.detail),
      };
    case 'in_progress':
      return { kind: 'again', detail: 'in progress', handle: answer.handle, afterSeconds: null };
    case 'busy':
      return { kind: 'again', detail: answer.detail, handle: null, afterSeconds: null };
    case 'later':
      return { kind: 'again', detail: answer.detail, handle: null, afterSeconds: answer.afterSeconds };
    case 'superseded': {
      const detail = `someone else changed it in the meantime: it is now ${answer.current}`;
      return { performed: failedAtOnce(detail), effect: recorded('superseded', detail) };
    }
    case 'refused':
      return { performed: failedAtOnce(answer.detail), effect: recorded('failed', answer.detail) };
    case 'failed':
      return { performed: { kind: 'failed', detail: answer.detail }, effect: recorded('failed', answer.detail) };
  }
}

/** Ends the step without a retry, which would fail for the same reason. */
const failedAtOnce = (detail: string): Tried['performed'] => ({
  kind: 'ended',
  end: { status: 'failed', output: null, detail },
});

/**
 * Returns whether a failed verification counts against the service's automation: once per runbook, however many changes
 * it made, and never for an undo or for a runbook that a person started.
 */
export const isOurs = ({ inverse, followed, variables }: Context): boolean =>
  inverse === null &&
  followed.by === undefined &&
  !planOf(followed.runbook).steps.some(
    ({ id, mutating, uses }) => mutating && uses !== 'rollback' && variables.steps[id]?.status === 'succeeded',
  );

/** Returns the call for an action. Text: why the action is impossible. */
async function callableOf(deps: Deps, { place }: Context, act: TargetAct): Promise<Callable | string> {
  switch (act.kind) {
    case 'flag':
      return flagCall(deps, place, act);
    case 'scale':
    case 'restart': {
      const deployer = await deployerAt(deps, place);
      if (deployer === undefined) return 'no deployer is configured for this service and environment';
      return act.kind === 'scale' ? scaleCall(deployer, act) : restartCall(deployer);
    }
  }
}

async function flagCall(
  deps: Deps,
  place: ServiceEnvironment,
  { flag, on }: Extract<TargetAct, { kind: 'flag' }>,
): Promise<Callable | string> {
  const config = entryOf((await deps.config.current()).services, place)?.flags;
  const flags = config && (await deps.flagsFor(config, place));
  if (flags === undefined)
    return 'no flag service is configured for this service and environment (`flags` in the catalogue)';
  const detail = `Turned ${on ? 'on' : 'off'} feature flag ${flag}`;
  return {
    effect: { kind: 'flag', ...targetOf(flags), class: flags.effectClass, detail },
    resource: flags.resource(flag),
    output: { flag, on },
    call: (request) => flags.set({ ...request, flag, on }),
  };
}

function scaleCall(deployer: Deployer, { from, to }: Extract<TargetAct, { kind: 'scale' }>): Callable | string {
  const { target, resource, effectClass, scaling } = deployer;
  if (scaling === undefined) return `${target} does not support scaling`;
  return {
    effect: { kind: 'scale', ...targetOf(deployer), class: effectClass, detail: `Scaled from ${from} to ${to}` },
    resource,
    output: { from, to },
    call: (request) => scaling.set({ ...request, from, to }),
  };
}

function restartCall(deployer: Deployer): Callable | string {
  const { target, resource, effectClass, restart, restartStatus } = deployer;
  if (restart === undefined) return `${target} does not support restarts`;
  return {
    effect: {
      kind: 'restart',
      ...targetOf(deployer),
      class: effectClass,
      detail: 'Restarted, one instance at a time',
    },
    resource,
    output: null,
    call: (request) => restart.call(deployer, request),
    ...(restartStatus && {
      look: (handle: string, request: ActRequest) => restartStatus.call(deployer, handle, request),
    }),
  };
}

const targetOf = ({ target, standIn }: Pick<Deployer, 'target' | 'standIn'>) => ({
  target,
  ...(standIn && { stand_in: true as const }),
});
