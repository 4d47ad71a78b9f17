import { environmentEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { TargetResponse, TargetRequest, Deployer } from '../../../core/domain/rollback/targets.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';

import { deployerAt } from '../roll-back.ts';
import { weightsInWords } from '../../../core/domain/rollback/reroute.ts';
import { routeNamed, type TrafficShift } from './reroute.ts';
import type { MadeAttempt, AttemptInput, CompletedAttempt } from './attempt.ts';
import { flagDoneAround } from './act-gate.ts';
import type { StepContext } from './context.ts';
import { intendedBy } from './intended.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

type TargetActionDeps = Pick<Deps, 'config' | 'decisions' | 'effects' | 'incidentGroups' | 'incidents' | 'targets'>;

/** A change of a target of the service. */
export type TargetAction =
  | { kind: 'flag'; flag: string; on: boolean }
  | { kind: 'scale'; from: number; to: number }
  | { kind: 'restart' }
  | ({ kind: 'reroute' } & TrafficShift);

/** An action with its target, the resource that it locks, and the call. */
type TargetCall = {
  effect: Pick<Effect, 'kind' | 'target' | 'class' | 'detail' | 'stand_in' | 'flag'>;
  resource: string;
  output: Json;
  call(request: TargetRequest): Promise<TargetResponse>;
  checkStatus?(handle: string, request: TargetRequest): Promise<TargetResponse>;
};

/** Makes one attempt: records the intent, locks the target, and calls it. A repeat with the same key checks the result. */
export async function attemptTargetAction(
  deps: TargetActionDeps,
  context: StepContext,
  action: TargetAction,
  key: string,
  { approved, handle, sentAs = key }: Pick<AttemptInput, 'approved' | 'handle' | 'sentAs'>,
): Promise<MadeAttempt> {
  const { incident, serviceEnvironment, name } = context;
  const targetCall = await targetCallOf(deps, context, action);
  if (typeof targetCall === 'string') return { performed: { kind: 'failed', detail: targetCall }, effect: null };
  const { effect, resource } = targetCall;
  const wasTried = (await deps.effects.get(incident.id, key)) !== undefined;
  const intent = await deps.effects.intendAction(
    incident.id,
    { key, ...effect },
    { resource, ...(await intendedBy(deps, context, approved)) },
  );
  if (!intent.ok) return { kind: 'again', detail: intent.reason.text, handle: null, afterSeconds: 30 };
  // Another action that held the lock until now may have done it.
  const doneText = wasTried ? null : await doneMeanwhile(deps, context, action, key);
  if (doneText !== null) return doneBefore(context, doneText);
  const request: TargetRequest = {
    ...serviceEnvironment,
    incident: incident.id,
    reason: truncated(`${incident.title}: ${name}`, 500),
    key: sentAs,
  };
  const answer =
    handle !== null && targetCall.checkStatus
      ? await targetCall.checkStatus(handle, request)
      : await targetCall.call(request);
  return attemptOf(context, targetCall, answer);
}

/** Returns that another action has set the flag, in words. Null: none has, or it is no flag; a person repeats an act on purpose. */
const doneMeanwhile = async (
  deps: TargetActionDeps,
  { incident, serviceEnvironment: at, selected, inverse }: StepContext,
  action: TargetAction,
  key: string,
): Promise<string | null> =>
  action.kind !== 'flag' || selected.by !== undefined || inverse !== null
    ? null
    : flagDoneAround(deps, incident, { ...action, at }, key);

const doneBefore = ({ name }: StepContext, because: string): CompletedAttempt => ({
  performed: { kind: 'ended', end: { status: 'skipped', output: null, detail: `already done: ${because}` } },
  effect: { state: 'withheld', detail: `${name}: already done: ${because}` },
});

function attemptOf({ name }: StepContext, { effect, output }: TargetCall, answer: TargetResponse): MadeAttempt {
  const recorded = (state: Effect['state'], detail: string) => ({ state, detail: `${name}: ${detail}` });
  switch (answer.kind) {
    case 'succeeded':
      return {
        performed: { kind: 'ended', end: { status: 'succeeded', output, detail: effect.detail } },
        effect: recorded('succeeded', effect.detail),
      };
    case 'in_progress':
      return { kind: 'again', detail: 'in progress', handle: answer.handle, afterSeconds: answer.afterSeconds ?? null };
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
const failedAtOnce = (detail: string): CompletedAttempt['performed'] => ({
  kind: 'ended',
  end: { status: 'failed', output: null, detail },
});

/** Returns the call for an action. Text: why the action is impossible. */
async function targetCallOf(
  deps: TargetActionDeps,
  { serviceEnvironment }: StepContext,
  action: TargetAction,
): Promise<TargetCall | string> {
  switch (action.kind) {
    case 'flag':
      return flagCall(deps, serviceEnvironment, action);
    case 'reroute':
      return rerouteCall(deps, serviceEnvironment, action);
    case 'scale':
    case 'restart': {
      const deployer = await deployerAt(deps, serviceEnvironment);
      if (deployer === undefined) return 'no deployer is configured for this service and environment';
      return action.kind === 'scale' ? scaleCall(deployer, action) : restartCall(deployer);
    }
  }
}

async function flagCall(
  deps: TargetActionDeps,
  serviceEnvironment: ServiceEnvironment,
  { flag, on }: Extract<TargetAction, { kind: 'flag' }>,
): Promise<TargetCall | string> {
  const config = environmentEntry((await deps.config.current()).services, serviceEnvironment)?.flags;
  const flags = config && (await deps.targets.flagsFor(config, serviceEnvironment));
  if (flags === undefined)
    return 'no flag service is configured for this service and environment (`flags` in the catalogue)';
  const detail = `Turned ${on ? 'on' : 'off'} feature flag ${flag}`;
  return {
    effect: { kind: 'flag', ...targetOf(flags), class: flags.effectClass, detail, flag: { name: flag, on } },
    resource: flags.resource(flag),
    output: { flag, on },
    call: (request) => flags.set({ ...request, flag, on }),
  };
}

function scaleCall(deployer: Deployer, { from, to }: Extract<TargetAction, { kind: 'scale' }>): TargetCall | string {
  const { target, resource, effectClass, scaling } = deployer;
  if (scaling === undefined) return `${target} does not support scaling`;
  return {
    effect: { kind: 'scale', ...targetOf(deployer), class: effectClass, detail: `Scaled from ${from} to ${to}` },
    resource,
    output: { from, to },
    call: (request) => scaling.set({ ...request, from, to }),
  };
}

function restartCall(deployer: Deployer): TargetCall | string {
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
      checkStatus: (handle: string, request: TargetRequest) => restartStatus.call(deployer, handle, request),
    }),
  };
}

async function rerouteCall(
  deps: TargetActionDeps,
  serviceEnvironment: ServiceEnvironment,
  { route: name, from, to, words }: Extract<TargetAction, { kind: 'reroute' }>,
): Promise<TargetCall | string> {
  const found = await routeNamed(deps, serviceEnvironment, name);
  if (typeof found === 'string') return found;
  const { route } = found;
  const { status } = route;
  const detail = `${words.slice(0, 1).toUpperCase()}${words.slice(1)}: the weights are ${weightsInWords(to)} instead of ${weightsInWords(from)}`;
  return {
    effect: { kind: 'reroute', ...targetOf(route), class: route.effectClass, detail },
    resource: route.resource,
    output: { route: name, from, to },
    call: (request) => route.set({ ...request, from, to }),
    ...(status && {
      checkStatus: (handle: string, request: TargetRequest) => status(handle, { ...request, from, to }),
    }),
  };
}

const targetOf = ({ target, standIn }: Pick<Deployer, 'target' | 'standIn'>) => ({
  target,
  ...(standIn && { stand_in: true as const }),
});
