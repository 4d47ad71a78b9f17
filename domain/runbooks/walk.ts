import type { Runbook } from '../../schemas/runbook.ts';
import type { InputType } from '../../schemas/runbook/inputs.ts';
import type { ParallelStep, SingleStep } from '../../schemas/runbook/steps.ts';
import type { Declarations } from './variables.ts';

/** A step with its place in the front matter. */
export type Placed = {
  step: SingleStep;
  /** `steps.2.parallel.0` */
  path: string;
  /** From 1. Steps of the same one are done side by side. */
  stage: number;
  group: { step: ParallelStep; path: string } | null;
  /** It is done because something has failed. */
  onFailure: boolean;
};

/** All steps, in the order of the file; those of `onFailure` at the end. */
export function placedSteps({ steps, onFailure }: Pick<Runbook, 'steps' | 'onFailure'>): Placed[] {
  const main = steps.flatMap((step, index): Placed[] => {
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

/** What its expressions can name. */
export function declarationsOf(runbook: Pick<Runbook, 'inputs' | 'steps' | 'onFailure'>): Declarations {
  return {
    inputs: Object.fromEntries(
      Object.entries(runbook.inputs).map(([name, { type }]): [string, InputType] => [name, type]),
    ),
    steps: placedSteps(runbook).map(({ step }) => step.id),
  };
}

/** A text in a step, and where it stands below `with`. */
export type PlacedText = { path: string; text: string };

/** All texts in what goes with a step, keys of objects aside. */
export function textsIn(value: unknown, path = ''): PlacedText[] {
  if (typeof value === 'string') return [{ path, text: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, path === '' ? key : `${path}.${key}`));
}
