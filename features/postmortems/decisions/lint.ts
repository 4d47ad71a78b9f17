import type { Finding } from '../schemas/postmortem.ts';
import { actionItemsOf } from './action-items.ts';
import { linesOf } from './markdown.ts';

/** Marks a question of the draft that people have to answer. */
export const QUESTION = '**Question:**';

/** Phrases that judge people instead of describing the system, and what to write instead. */
const BLAME: readonly [pattern: RegExp, advice: string][] = [
  [/\b(?:human|operator|user|pilot) errors?\b/iu, 'describe what made the action look right at that time'],
  [/\bshould(?: not|n['’]t)? have\b/iu, 'describe what happened, and what would have prevented it'],
  [/\b(?:could|might) have (?:easily|simply)\b/iu, 'describe what was known at that time'],
  [
    /\b(?:forgot|neglected|failed|refused|didn['’]t bother|did not bother) to\b/iu,
    'describe which safeguard was missing',
  ],
  [
    /\b(?:careless|negligen|reckless|sloppy|lazy|incompeten|stupid|dumb|idiot|clueless|unprofessional)\p{L}*/iu,
    'describe the situation, not the person',
  ],
  [
    /\b(?:is|was|were|are)(?: entirely| clearly)? to blame\b|\bblam(?:e|ed|es|ing)\b/iu,
    'describe the contributing factors',
  ],
  [
    /\b(?:his|her|their|my|your|\p{Lu}\p{L}+['’]s) (?:own )?(?:fault|mistake|error|failure)\b/u,
    'describe what the system allowed',
  ],
  [/\bat fault\b|\bculprits?\b|\bguilty\b/iu, 'name the change or the condition, not a person'],
  [/\b(?:obviously|of course|any competent)\b/iu, 'leave it out: hindsight makes everything obvious'],
  [
    /\b(?:lack of|insufficient|poor) (?:attention|care|diligence|discipline)\b/iu,
    'describe what the work asked for at that time',
  ],
  [/\bbad judg(?:e)?ment\b/iu, 'describe the information on which the decision was based'],
];

/**
 * Finds what a reviewer should look at: phrases that blame, names of people, open questions, action items without owner
 * or date, and references to no entry. Code is not read.
 *
 * @param names names of people; empty: names are permitted
 * @param refs known references; null: not checked
 */
export function lint(markdown: string, names: readonly string[], refs: ReadonlySet<string> | null): Finding[] {
  const findings: Finding[] = [];
  for (const [at, { line, inCode }] of linesOf(markdown).entries()) {
    if (inCode) continue;
    const text = line.replaceAll(/`+[^`]*`+/g, '');
    const add = (code: Finding['code'], words: string): void => void findings.push({ line: at + 1, code, text: words });
    for (const [pattern, advice] of BLAME) {
      const [phrase] = pattern.exec(text) ?? [];
      if (phrase !== undefined) add('blame', `“${phrase}” can be read as blame: ${advice}`);
    }
    for (const name of names.filter((hidden) => text.search(wholeWordPattern(hidden)) !== -1))
      add('name', `“${name}” names a person: write the role, such as “the incident commander”`);
    if (text.includes(QUESTION)) add('open_question', 'a question of the draft is not answered');
    if (refs !== null)
      for (const [, list = ''] of text.matchAll(/\[(E\d+(?:, E\d+)*)\]/g))
        for (const ref of list.split(', ').filter((cited) => !refs.has(cited)))
          add('unknown_citation', `${ref} refers to no entry of this post-mortem`);
  }
  for (const { item, at } of actionItemsOf(markdown).filter(({ item: { done } }) => !done)) {
    if (item.owner === null)
      findings.push({ line: at + 1, code: 'no_owner', text: 'the action item has no owner: add (owner: NAME)' });
    const [, written] = /\([^()]*\bdue: ([^,()]+)[^()]*\)$/.exec(item.title) ?? [];
    const noDate = written === undefined ? 'the action item has no date: add' : `“${written}” is no date: write`;
    if (item.due === null) findings.push({ line: at + 1, code: 'no_due_date', text: `${noDate} (due: 2026-12-04)` });
  }
  return findings.toSorted((a, b) => a.line - b.line);
}

/** Matches a name as a whole word, in any alphabet. */
export const wholeWordPattern = (name: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}_])${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}_])`, 'gu');
