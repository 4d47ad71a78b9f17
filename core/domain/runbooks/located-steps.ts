import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { InputType } from '../../../schemas/runbooks/parts/inputs.ts';
import type { ParallelStep, SingleStep } from '../../../schemas/runbooks/parts/steps.ts';
import type { Declarations } from './variables.ts';

/** A step with its location in the front matter. */
export type LocatedStep = {
  step: SingleStep;
  /** For example `steps.2.parallel.0`. */
  path: string;
  /** From 1. Steps of the same stage run in parallel. */
  stage: number;
  group: { step: ParallelStep; path: string } | null;
  /** The step runs after a failure. */
  onFailure: boolean;
};

/** Returns all steps in file order, with those of `onFailure` at the end. */
export function locatedSteps({ steps, onFailure }: Pick<Runbook, 'steps' | 'onFailure'>): LocatedStep[] {
  const main = steps.flatMap((step, index): LocatedStep[] => {
    const path = `steps.${index}`;
    const stage = index + 1;
    if (!('parallel' in step)) return [{ step, path, stage, group: null, onFailure: false }];
    return step.parallel.map((inner, at) => ({
      step: inner,
      path: `${path}.parallel.${at}`,
      stage,
      group: { step, path },
      onFailure: false,
    }));
  });
  const failing = onFailure.steps.map((step, index) => ({
    step,
    path: `onFailure.steps.${index}`,
    stage: steps.length + index + 1,
    group: null,
    onFailure: true,
  }));
  return [...main, ...failing];
}

/** Returns the inputs and steps that a runbook's expressions can refer to. */
export function declarationsOf(runbook: Pick<Runbook, 'inputs' | 'steps' | 'onFailure'>): Declarations {
  return {
    inputs: Object.fromEntries(
      Object.entries(runbook.inputs).map(([name, { type }]): [string, InputType] => [name, type]),
    ),
    steps: locatedSteps(runbook).map(({ step }) => step.id),
  };
}

/** A string in a step, with its path below `with`. */
export type PlacedText = { path: string; text: string };

/** Returns all strings in a step's arguments, except object keys. */
export function textsIn(value: unknown, path = ''): PlacedText[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, path === '' ? key : `${path}.${key}`));
}
