/**
 * Short names of an incident's questions. Judgements are numbered from 1; questions of runbooks have numbers from a
 * million on, which encode the runbook, the step, and whether the step is undone.
 */
const RUNBOOKS_FROM = 1_000_000;
const PER_RUNBOOK = 1000;

/** The number of a decision within its incident, as effects that follow from it have it at the end of their keys. */
export const numberOf = (decisionId: string): string => decisionId.slice(decisionId.lastIndexOf('-') + 1);

/** `2` of a judgement; `r1.2` of step 2 of the first runbook, `r1.2u` where that step is undone. */
export function questionName(decisionId: string): string {
  const number = Number(numberOf(decisionId));
  if (number < RUNBOOKS_FROM) return String(number);
  const rest = number - RUNBOOKS_FROM;
  const step = Math.floor((rest % PER_RUNBOOK) / 2);
  return `r${Math.floor(rest / PER_RUNBOOK)}.${step}${rest % 2 === 1 ? 'u' : ''}`;
}

/** Whether somebody means this decision: by its short name, its number, its id, or its digest. */
export const isNamed = (written: string, { id, digest }: { id: string; digest: string }): boolean => {
  const name = written.replace(/^#/, '').toLowerCase();
  return [questionName(id), numberOf(id), id.toLowerCase(), digest].includes(name);
};
