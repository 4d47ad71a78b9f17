import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { isTemplate, parseTemplate } from '../../../schemas/runbooks/parts/template.ts';
import { compile } from './cel/cel.ts';
import type { Declarations } from './variables.ts';
import { declarationsOf, type LocatedStep, locatedSteps, textsIn } from './located-steps.ts';

/**
 * Returns the IDs of the steps that are based on the suspect: their arguments or conditions read the suspect, or read a
 * step that is based on it. A step that asks a person is never based on the suspect: the decision to continue is the
 * person's.
 */
export function stepsBasedOnSuspect(runbook: Pick<Runbook, 'inputs' | 'steps' | 'onFailure'>): ReadonlySet<string> {
  const declared = declarationsOf(runbook);
  const basedOnSuspect = new Set<string>();
  for (const located of locatedSteps(runbook))
    if (
      located.step.uses !== 'approve' &&
      expressionsOf(located).some((text) => readsSuspect(text, declared, basedOnSuspect))
    )
      basedOnSuspect.add(located.step.id);
  return basedOnSuspect;
}

function expressionsOf({ step, group }: LocatedStep): string[] {
  const conditions = [group?.step.when, step.when].filter((when) => when !== undefined);
  return [
    ...conditions,
    ...textsIn(step.with).flatMap(({ path, text }) => {
      if (step.uses === 'wait.until' && path === 'cel') return [text];
      if (!isTemplate(text)) return [];
      return parseTemplate(text).flatMap((part) => (part.kind === 'text' ? [] : [part.expression]));
    }),
  ];
}

function readsSuspect(text: string, declared: Declarations, basedOnSuspect: ReadonlySet<string>): boolean {
  const result = compile(text, declared);
  // A step with an invalid expression never runs.
  if (!result.ok) return false;
  return result.compiled.findings.references.some(
    ({ path: [root, step] }) =>
      root === 'suspect' ||
      (root === 'steps' && (step === undefined ? basedOnSuspect.size > 0 : basedOnSuspect.has(step))),
  );
}
