import { READING_METHODS } from '../../schemas/runbook/http.ts';
import type { StepKind } from '../../schemas/runbook/kinds.ts';
import type { SingleStep } from '../../schemas/runbook/steps.ts';

/** How a kind of step gets back to where it was: by what it is, by what the runbook says, or not at all. */
type WayBack = 'built-in' | 'as written' | 'none';

/** What a text is for, where an alert has no say: its words may never lead an act elsewhere, or say how much. */
export type Target = 'url' | 'flag' | 'channel' | 'promql' | 'count' | 'number';

type KindFacts = {
  /** It changes production, and not only what people are told. */
  mutating: boolean;
  wayBack: WayBack;
  /** How long it may take where the runbook does not say. Null: the runbook has to. */
  timeoutSeconds: number | null;
  targets: Readonly<Record<string, Target>>;
};

/** Calls to vendors are tried again for so long. */
const TELLING_SECONDS = 10 * 60;

/** The longest verification window, and some more. */
const VERIFY_SECONDS = 60 * 60;

const acting = (wayBack: WayBack, targets: KindFacts['targets'] = {}): KindFacts => ({
  mutating: true,
  wayBack,
  timeoutSeconds: null,
  targets,
});

const telling = (timeoutSeconds: number | null, targets: KindFacts['targets'] = {}): KindFacts => ({
  mutating: false,
  wayBack: 'none',
  timeoutSeconds,
  targets,
});

const FACTS: Readonly<Record<StepKind, KindFacts>> = {
  // A rollback is the way back itself; what it undid is not put live again by a machine.
  rollback: acting('none'),
  'flag.disable': acting('built-in', { flag: 'flag' }),
  'flag.enable': acting('built-in', { flag: 'flag' }),
  scale: acting('built-in', { to: 'count', by: 'count', factor: 'number' }),
  restart: acting('none'),
  http: acting('as written', { url: 'url' }),
  page: telling(TELLING_SECONDS),
  'slack.post': telling(TELLING_SECONDS, { channel: 'channel' }),
  ticket: telling(TELLING_SECONDS),
  // As long as it says itself.
  wait: telling(31 * 24 * 60 * 60),
  'wait.until': telling(null, { promql: 'promql', max: 'number', min: 'number' }),
  // As long as the service's `approvalTimeoutMinutes` at most.
  approve: telling(24 * 60 * 60),
  verify: telling(VERIFY_SECONDS),
  note: telling(TELLING_SECONDS),
};

/** What is known of a step by its kind. Reading over HTTP changes nothing. */
export function factsOf(step: Pick<SingleStep, 'uses' | 'with'>): KindFacts {
  const facts = FACTS[step.uses];
  const reads = 'method' in step.with && READING_METHODS.has(step.with.method);
  return reads ? { ...facts, mutating: false, wayBack: 'none', timeoutSeconds: TELLING_SECONDS } : facts;
}
