import { READING_METHODS } from '../../schemas/runbooks/parts/http.ts';
import type { StepKind } from '../../schemas/runbooks/parts/kinds.ts';
import type { SingleStep } from '../../schemas/runbooks/parts/steps.ts';

/** `scale.restore`: restores the previous number of instances; `reroute.restore`: the previous weights. */
export type Restore = 'scale.restore' | 'reroute.restore';

/** The built-in inverse of a kind of step. */
export type BuiltIn = {
  uses: StepKind | Restore;
  /** Requires a person: a flag that was disabled as a mitigation is never enabled again automatically. */
  person: boolean;
};

/** How a kind of step is undone: automatically, as the runbook specifies, or not at all. */
type InverseKind = BuiltIn | 'as written' | 'none';

/**
 * Purpose of an argument that text from an alert must not determine: such text must never redirect an action or choose
 * its extent.
 */
export type Target = 'url' | 'flag' | 'channel' | 'promql' | 'count' | 'number' | 'place';

type KindFacts = {
  /** The step changes production, rather than only informing people. */
  mutating: boolean;
  inverse: InverseKind;
  /** Default time-out in seconds. Null: the runbook must set one. */
  timeoutSeconds: number | null;
  targets: Readonly<Record<string, Target>>;
};

/** Time during which calls to vendors are retried. */
const TELLING_SECONDS = 10 * 60;

/** The longest verification window plus a margin. */
const VERIFY_SECONDS = 60 * 60;

const actionKind = (inverse: InverseKind, targets: KindFacts['targets'] = {}): KindFacts => ({
  mutating: true,
  inverse: inverse,
  timeoutSeconds: null,
  targets,
});

const notifying = (timeoutSeconds: number | null, targets: KindFacts['targets'] = {}): KindFacts => ({
  mutating: false,
  inverse: 'none',
  timeoutSeconds,
  targets,
});

const FACTS: Readonly<Record<StepKind, KindFacts>> = {
  // A rollback is itself an inverse; the version that it removed is never put live again automatically.
  rollback: actionKind('none'),
  'flag.disable': actionKind({ uses: 'flag.enable', person: true }, { flag: 'flag' }),
  'flag.enable': actionKind({ uses: 'flag.disable', person: false }, { flag: 'flag' }),
  scale: actionKind({ uses: 'scale.restore', person: false }, { to: 'count', by: 'count', factor: 'number' }),
  restart: actionKind('none'),
  reroute: actionKind(
    { uses: 'reroute.restore', person: false },
    { route: 'place', from: 'place', to: 'place', percent: 'number' },
  ),
  http: actionKind('as written', { url: 'url' }),
  page: notifying(TELLING_SECONDS),
  'slack.post': notifying(TELLING_SECONDS, { channel: 'channel' }),
  ticket: notifying(TELLING_SECONDS),
  // The step sets its own duration.
  wait: notifying(31 * 24 * 60 * 60),
  'wait.until': notifying(null, { promql: 'promql', max: 'number', min: 'number' }),
  // Bounded by the service's `approvalTimeoutMinutes`.
  approve: notifying(24 * 60 * 60),
  verify: notifying(VERIFY_SECONDS),
  note: notifying(TELLING_SECONDS),
};

/** Returns the facts about a step's kind. An HTTP request with a reading method changes nothing. */
export function factsOf(step: Pick<SingleStep, 'uses' | 'with'>): KindFacts {
  const facts = FACTS[step.uses];
  const reads = 'method' in step.with && READING_METHODS.has(step.with.method);
  return reads ? { ...facts, mutating: false, inverse: 'none', timeoutSeconds: TELLING_SECONDS } : facts;
}
