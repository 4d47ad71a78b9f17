import type { Deps } from '../../../domain/ports.ts';
import type { ActAnswer, ActRequest } from '../../../domain/targets.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { Effect } from '../../../schemas/incident.ts';
import { entryOf } from '../judge.ts';
import { deployerAt } from '../roll-back.ts';
import type { Context } from './context.ts';
import type { Doing, Performed } from './perform.ts';

/** What is changed at a target of the service. */
export type TargetAct =
  | { kind: 'flag'; flag: string; on: boolean }
  | { kind: 'scale'; from: number; to: number }
  | { kind: 'restart' };

/** An act with everything that is needed to do it: the target, what it locks, and the call. */
type Callable = {
  effect: Pick<Effect, 'kind' | 'target' | 'class' | 'detail'>;
  resource: string;
  output: Json;
  call(request: ActRequest): Promise<ActAnswer>;
  look?(handle: string, request: ActRequest): Promise<ActAnswer>;
};

/** One attempt: the intent and the target's lock first, then the call. With the same key again it is the look. */
export async function attemptAct(
  deps: Deps,
  context: Context,
  act: TargetAct,
  key: string,
  { approved, handle }: Pick<Doing, 'approved' | 'handle'>,
): Promise<Performed> {
  const { incident, place, name } = context;
  const callable = await callableOf(deps, context, act);
  if (typeof callable === 'string') return { kind: 'failed', detail: callable };
  const known = await deps.effects.get(incident.id, key);
  if (known?.state === 'succeeded') return done(callable, known.detail);
  const { effect, resource } = callable;
  const intent = await deps.effects.intendAct(
    incident.id,
    { key, ...effect },
    { place, resource, automatic: false, ours: !approved },
  );
  if (!intent.ok) return { kind: 'again', detail: intent.reason.text, handle: null, afterSeconds: 30 };
  const request: ActRequest = {
    ...place,
    incident: incident.id,
    reason: `${incident.title}: ${name}`.slice(0, 500),
    key,
  };
  const answer = handle !== null && callable.look ? await callable.look(handle, request) : await callable.call(request);
  return read(deps, context, key, callable, answer);
}

async function read(
  deps: Deps,
  { incident, name }: Context,
  key: string,
  callable: Callable,
  answer: ActAnswer,
): Promise<Performed> {
  const conclude = (state: Effect['state'], detail: string) =>
    deps.effects.conclude(incident.id, key, state, `${name}: ${detail}`);
  switch (answer.kind) {
    case 'succeeded':
      await conclude('succeeded', callable.effect.detail);
      return done(callable, callable.effect.detail);
    case 'in_progress':
      return { kind: 'again', detail: 'it is under way', handle: answer.handle, afterSeconds: null };
    case 'busy':
      return { kind: 'again', detail: answer.detail, handle: null, afterSeconds: null };
    case 'later':
      return { kind: 'again', detail: answer.detail, handle: null, afterSeconds: answer.afterSeconds };
    case 'superseded': {
      const detail = `somebody has changed it meanwhile: it is ${answer.current}`;
      await conclude('superseded', detail);
      return { kind: 'ended', end: { status: 'failed', output: null, detail } };
    }
    case 'refused':
    case 'failed':
      await conclude('failed', answer.detail);
      return answer.kind === 'refused'
        ? { kind: 'ended', end: { status: 'failed', output: null, detail: answer.detail } }
        : { kind: 'failed', detail: answer.detail };
  }
}

const done = ({ output }: Callable, detail: string): Performed => ({
  kind: 'ended',
  end: { status: 'succeeded', output, detail },
});

/** Text: why it cannot be done at all. */
async function callableOf(deps: Deps, { place }: Context, act: TargetAct): Promise<Callable | string> {
  if (act.kind === 'flag') {
    const config = entryOf((await deps.config.current()).services, place)?.flags;
    const flags = config && (await deps.flagsFor(config, place));
    if (flags === undefined) return 'no flag service is configured for this service and environment (`flags`)';
    const { flag, on } = act;
    return {
      effect: {
        kind: 'flag',
        target: flags.target,
        class: flags.effectClass,
        detail: `Flag ${flag} is switched ${on ? 'on' : 'off'}`,
      },
      resource: flags.resource(flag),
      output: { flag, on },
      call: (request) => flags.set({ ...request, flag, on }),
    };
  }
  const deployer = await deployerAt(deps, place);
  if (deployer === undefined) return 'no deployer is configured for this service and environment';
  const { target, resource, effectClass, scaling, restart, restartStatus } = deployer;
  if (act.kind === 'scale') {
    const { from, to } = act;
    if (scaling === undefined) return `${target} cannot be scaled`;
    const detail = `Scaled from ${from} to ${to}`;
    return {
      effect: { kind: 'scale', target, class: effectClass, detail },
      resource,
      output: { from, to },
      call: (request) => scaling.set({ ...request, from, to }),
    };
  }
  if (restart === undefined) return `${target} cannot be restarted`;
  return {
    effect: { kind: 'restart', target, class: effectClass, detail: 'Restarted, one instance after the other' },
    resource,
    output: null,
    call: (request) => restart.call(deployer, request),
    ...(restartStatus && {
      look: (handle: string, request: ActRequest) => restartStatus.call(deployer, handle, request),
    }),
  };
}
