import { READING_METHODS } from '../../../schemas/runbooks/parts/http.ts';
import type { StepKind } from '../../../schemas/runbooks/parts/kinds.ts';
import type { SingleStep } from '../../../schemas/runbooks/parts/steps.ts';

/** `scale.restore`: restores the previous number of instances; `reroute.restore`: the previous weights. */
export type RestoreKind = 'scale.restore' | 'reroute.restore';

/** The built-in inverse of a kind of step. */
export type BuiltInInverse = {
  uses: StepKind | RestoreKind;
  /** Requires a person: a flag that was disabled as a mitigation is never enabled again automatically. */
  person: boolean;
};

/** How a kind of step is undone: automatically, as the runbook specifies, or not at all. */
type InverseKind = BuiltInInverse | 'as written' | 'none';

/** Purpose of an argument that text from an alert must not determine: such text must never redirect an action. */
export type ProtectedPurpose = 'url' | 'flag' | 'channel' | 'promql' | 'count' | 'number' | 'destination';

type KindFacts = {
  /** The step changes production, rather than only informing people. */
  mutating: boolean;
  inverse: InverseKind;
  /** Default time-out in seconds. Null: the runbook must set one. */
  timeoutSeconds: number | null;
  protectedArguments: Readonly<Record<string, ProtectedPurpose>>;
};

/** How long calls to vendors are retried. */
const VENDOR_CALLS_SECONDS = 10 * 60;

/** The longest verification window plus a margin. */
const VERIFY_SECONDS = 60 * 60;

const mutatingKind = (inverse: InverseKind, protectedArguments: KindFacts['protectedArguments'] = {}): KindFacts => ({
  mutating: true,
  inverse,
  timeoutSeconds: null,
  protectedArguments,
});

const nonMutatingKind = (
  timeoutSeconds: number | null,
  protectedArguments: KindFacts['protectedArguments'] = {},
): KindFacts => ({
  mutating: false,
  inverse: 'none',
  timeoutSeconds,
  protectedArguments,
});

const FACTS: Readonly<Record<StepKind, KindFacts>> = {
  // A rollback is itself an inverse; the version that it removed is never put live again automatically.
  rollback: mutatingKind('none'),
  'flag.disable': mutatingKind({ uses: 'flag.enable', person: true }, { flag: 'flag' }),
  'flag.enable': mutatingKind({ uses: 'flag.disable', person: false }, { flag: 'flag' }),
  scale: mutatingKind({ uses: 'scale.restore', person: false }, { to: 'count', by: 'count', factor: 'number' }),
  restart: mutatingKind('none'),
  reroute: mutatingKind(
    { uses: 'reroute.restore', person: false },
    { route: 'destination', from: 'destination', to: 'destination', percent: 'number' },
  ),
  http: mutatingKind('as written', { url: 'url' }),
  page: nonMutatingKind(VENDOR_CALLS_SECONDS),
  'slack.post': nonMutatingKind(VENDOR_CALLS_SECONDS, { channel: 'channel' }),
  ticket: nonMutatingKind(VENDOR_CALLS_SECONDS),
  // The step sets its own duration.
  wait: nonMutatingKind(31 * 24 * 60 * 60),
  'wait.until': nonMutatingKind(null, { promql: 'promql', max: 'number', min: 'number' }),
  // Bounded by the service's `approvalTimeoutMinutes`.
  approve: nonMutatingKind(24 * 60 * 60),
  verify: nonMutatingKind(VERIFY_SECONDS),
  note: nonMutatingKind(VENDOR_CALLS_SECONDS),
};

/** Returns the facts about a step's kind. An HTTP request with a reading method changes nothing. */
export function factsOf(step: Pick<SingleStep, 'uses' | 'with'>): KindFacts {
  const facts = FACTS[step.uses];
  const reads = 'method' in step.with && READING_METHODS.has(step.with.method);
  return reads ? { ...facts, mutating: false, inverse: 'none', timeoutSeconds: VENDOR_CALLS_SECONDS } : facts;
}
