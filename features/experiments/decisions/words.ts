import type { Conclusion, Experiment } from '../experiment.ts';

type ConclusionReason = Extract<Conclusion, { because: string }>['because'];

/** Why an experiment failed or showed nothing. */
export const CONCLUSION_REASONS: Readonly<Record<ConclusionReason, string>> = {
  outside_limits: 'a check was outside its limits',
  aborted: 'an abort condition was met',
  chaos_verdict: 'the chaos system reports a failure',
  not_recovered: 'the service did not recover',
  not_started: 'it did not start',
  not_steady: 'the steady state did not hold',
  stopped_early: 'it was stopped early',
  not_measured: 'too few measurements',
};

const STOP_STATES: Readonly<Record<Experiment['stop']['state'], string>> = {
  not_asked: 'not requested',
  asking: 'requested, not confirmed yet',
  confirmed: 'confirmed',
  unconfirmed: 'not confirmed: stop it by hand',
};

/** Says whether the chaos system has confirmed the stop. */
export const stopText = ({ state, detail }: Experiment['stop']): string =>
  detail === '' ? STOP_STATES[state] : state === 'not_asked' ? detail : `${STOP_STATES[state]}: ${detail}`;
