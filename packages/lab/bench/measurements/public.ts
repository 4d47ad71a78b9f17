import { DECIDE_VERSION } from '../../../../core/domain/rollback/guards.ts';
import { lowerBound, upperBound } from '../../evaluation/bounds.ts';
import { type PublishedCase, publishedCases } from '../../evaluation/public/changerca.ts';
import type { Verdict } from '../../evaluation/monitored/report.ts';
import { nearestDeploy, verdictsOf } from './monitored.ts';

/** What the product did about one incident of a published release. `acted`, `asked`: about these changes. */
type IncidentOutcome = {
  service: string;
  isPublished: boolean;
  named: boolean;
  confidence: number;
  kind: Kind;
  /** What the rules for comparison do. */
  rules: Record<Rule, Kind>;
};

type Kind = 'acted' | 'acted_wrongly' | 'asked' | 'asked_wrongly' | 'neither';
/** The rules for comparison, in words. */
export const RULE_NAMES = {
  nearest: 'nearest earlier deploy',
  limit: 'the same above a fixed limit',
} as const;
const RULES = ['nearest', 'limit'] as const;
type Rule = (typeof RULES)[number];

export type PublishedOutcome = { name: string; incidents: IncidentOutcome[] };

/** Judges all incidents of a case as if the product had done nothing about the others. */
async function outcomeOf({ name, cause, incidents }: PublishedCase): Promise<PublishedOutcome> {
  const outcomes: IncidentOutcome[] = [];
  for (const incident of incidents) {
    const { proved, limit } = await verdictsOf(incident);
    outcomes.push({
      service: incident.alert.service,
      isPublished: incident.isPublished,
      named: proved.named === cause,
      confidence: proved.top?.confidence ?? 0,
      kind: kindOf(proved, cause),
      rules: { nearest: kindOf(nearestDeploy(incident), cause), limit: kindOf(limit, cause) },
    });
  }
  return { name, incidents: outcomes };
}

/** A question that offers the right act is right. */
function kindOf({ action, acts }: Verdict, cause: string): Kind {
  const right = acts.filter(({ change }) => change === cause).length;
  if (action === 'roll_back') return right > 0 && right === acts.length ? 'acted' : 'acted_wrongly';
  return action === 'none' ? 'neither' : right > 0 ? 'asked' : 'asked_wrongly';
}

/** Judges the published cases in a folder. */
export async function judgedPublic(dir: string): Promise<PublishedOutcome[]> {
  const all: PublishedOutcome[] = [];
  for (const one of publishedCases(dir)) all.push(await outcomeOf(one));
  return all;
}

/** Counts of the published cases: what is stored of them. */
export type PublishedResults = {
  decide_version: number;
  cases: number;
  incidents: number;
  /** Cases whose cause is named first, by the incident of the published alert, and by an incident. */
  named_by_published: number;
  named: number;
  /** Cases with the right rollback, and those with a question about it instead. */
  acted: number;
  asked: number;
  /** Cases with a wrong rollback. */
  cases_wrong: number;
  /** Rollbacks and questions, and how many of them are wrong. */
  acts: number;
  acts_wrong: number;
  questions: number;
  questions_wrong: number;
  /** The same of the rules for comparison. */
  rules: Record<Rule, Pick<PublishedResults, 'acted' | 'cases_wrong' | 'acts' | 'acts_wrong'>>;
};

export function publishedResults(all: readonly PublishedOutcome[]): PublishedResults {
  const incidents = all.flatMap((one) => one.incidents);
  const casesWith = (holds: (one: IncidentOutcome) => boolean) => all.filter((one) => one.incidents.some(holds)).length;
  const count = (kind: Kind) => incidents.filter((one) => one.kind === kind).length;
  const actsOf = (kindIn: (one: IncidentOutcome) => Kind) => {
    const wrong = incidents.filter((one) => kindIn(one) === 'acted_wrongly').length;
    return {
      acted: casesWith((one) => kindIn(one) === 'acted'),
      cases_wrong: casesWith((one) => kindIn(one) === 'acted_wrongly'),
      acts: incidents.filter((one) => kindIn(one) === 'acted').length + wrong,
      acts_wrong: wrong,
    };
  };
  const acted = ({ kind }: IncidentOutcome) => kind === 'acted';
  return {
    decide_version: DECIDE_VERSION,
    cases: all.length,
    incidents: incidents.length,
    named_by_published: casesWith((one) => one.isPublished && one.named),
    named: casesWith(({ named }) => named),
    ...actsOf(({ kind }) => kind),
    asked: all.filter(({ incidents: own }) => !own.some(acted) && own.some(({ kind }) => kind === 'asked')).length,
    questions: count('asked') + count('asked_wrongly'),
    questions_wrong: count('asked_wrongly'),
    rules: { nearest: actsOf(({ rules }) => rules.nearest), limit: actsOf(({ rules }) => rules.limit) },
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** What is counted, with its target as a number of cases. */
export const PUBLISHED_CRITERIA: readonly {
  name: string;
  bound: 'at most' | 'at least';
  target?: number;
  of: (results: PublishedResults) => { hits: number; of: number };
}[] = [
  {
    name: 'cases with a wrong rollback',
    bound: 'at most',
    target: 0,
    of: (found) => ({ hits: found.cases_wrong, of: found.cases }),
  },
  {
    name: 'wrong ones of all rollbacks',
    bound: 'at most',
    target: 0,
    of: (found) => ({ hits: found.acts_wrong, of: found.acts }),
  },
  {
    name: 'cases whose cause is named first by an incident',
    bound: 'at least',
    target: 35,
    of: (found) => ({ hits: found.named, of: found.cases }),
  },
  {
    name: 'the same, by the incident of the published alert',
    bound: 'at least',
    of: (found) => ({ hits: found.named_by_published, of: found.cases }),
  },
  { name: 'cases acted on', bound: 'at least', target: 23, of: (found) => ({ hits: found.acted, of: found.cases }) },
  {
    name: 'cases not acted on, and asked about',
    bound: 'at least',
    of: (found) => ({ hits: found.asked, of: found.cases }),
  },
  {
    name: 'wrong ones of all questions',
    bound: 'at most',
    of: (found) => ({ hits: found.questions_wrong, of: found.questions }),
  },
];

/** Returns the counts with one-sided Clopper-Pearson bounds at 95 %, and each case in a line. */
export function publicTable(all: readonly PublishedOutcome[]): string {
  const results = publishedResults(all);
  const counts = PUBLISHED_CRITERIA.map(({ name, bound, of }) => {
    const { hits, of: total } = of(results);
    const limit = bound === 'at most' ? upperBound(hits, total) : lowerBound(hits, total);
    return `${name.padEnd(50)} ${String(hits).padStart(4)} of ${String(total).padStart(4)}  (${bound} ${percent(limit)})`;
  });
  const lines = all.map(
    ({ name, incidents }) =>
      `${name}: ${incidents
        .map(({ service, isPublished, named, confidence, kind }) => {
          const what = `${service}${isPublished ? '*' : ''} ${kind.replaceAll('_', ' ')}`;
          return `${what}${named ? ', named' : ''} (${confidence.toFixed(2)})`;
        })
        .join('; ')}`,
  );
  const rules = RULES.map((rule) => {
    const { cases_wrong: wrong, acted } = results.rules[rule];
    return `${RULE_NAMES[rule]}: ${wrong} cases with a wrong rollback, ${acted} acted on`;
  });
  return [...counts, ...rules, '', ...lines, '* the incident of the published alert'].join('\n');
}
