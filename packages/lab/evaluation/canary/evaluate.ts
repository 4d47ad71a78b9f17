import { type Random, random, seedOf } from '../random.ts';
import { type CanaryRule } from './rules.ts';
import { evidenceAt, LOOKS, STEP } from './evidence.ts';
import { SCRAPE } from './scrape.ts';
import { type Regression, scene, type Scene, type Shape } from './world.ts';

export const CANARY_SEED = 18;

export const SHAPES = ['half', 'canary', 'switch'] as const satisfies Shape[];
export const REGRESSIONS = ['none', 'errors', 'latency'] as const satisfies Regression[];

/** Results of one rule for one kind of scene. */
export type CanaryRow = {
  shape: Shape;
  regression: Regression;
  cases: number;
  /** Called degraded at one of the looks. */
  degraded: number;
  /** Called healthy at the last look, and never degraded. */
  healthy: number;
  /** Median seconds until it was called degraded. Null: never. */
  seconds: number | null;
};

/** A rule for one scene. `form`: what it reads of latency. `create`: a rule can count its own looks. */
export type ComparedRule = { form: 'buckets' | 'quantiles'; create: (scene: Scene) => CanaryRule };

/** Lets each rule judge the same scenes at each look, and counts. Without `create`, scenes are generated. */
export function evaluateCanaries<K extends string>(
  rules: Readonly<Record<K, ComparedRule>>,
  {
    cases,
    seed,
    create = scene,
  }: { cases: number; seed: number; create?: (draw: Random, shape: Shape, regression: Regression) => Scene },
): Record<K, CanaryRow[]> {
  const names = Object.keys(rules) as K[];
  const result = Object.fromEntries(names.map((name) => [name, [] as CanaryRow[]])) as Record<K, CanaryRow[]>;
  for (const shape of SHAPES)
    for (const regression of REGRESSIONS) {
      const rows = new Map(names.map((name) => [name, { degraded: [] as number[], healthy: 0 }]));
      for (let number = 0; number < cases; number += 1) {
        const draw = random(seedOf(seed, shape, regression, number));
        const one = create(draw, shape, regression);
        const phases = { old: draw.whole(0, SCRAPE - 1), new: draw.whole(0, SCRAPE - 1) };
        for (const name of names) {
          const outcome = play(one, phases, rules[name]);
          const row = rows.get(name);
          if (outcome.degradedAt !== null) row?.degraded.push(outcome.degradedAt * STEP);
          else if (outcome.last === 'healthy' && row !== undefined) row.healthy += 1;
        }
      }
      for (const name of names) {
        const { degraded, healthy } = rows.get(name) ?? { degraded: [], healthy: 0 };
        const seconds = degraded.toSorted((a, b) => a - b)[Math.floor(degraded.length / 2)] ?? null;
        result[name].push({ shape, regression, cases, degraded: degraded.length, healthy, seconds });
      }
    }
  return result;
}

function play(one: Scene, phases: { old: number; new: number }, { form, create }: ComparedRule) {
  const rule = create(one);
  let last: ReturnType<CanaryRule> = 'inconclusive';
  for (let look = 1; look <= LOOKS; look += 1) {
    last = rule(evidenceAt(one, look, phases, form));
    if (last === 'degraded') return { degradedAt: look, last };
  }
  return { degradedAt: null, last };
}

/** Formats the results as a table in Markdown. */
export function canaryTable(results: Readonly<Record<string, readonly CanaryRow[]>>): string {
  const names = Object.keys(results);
  const lines = (results[names[0] ?? ''] ?? []).map((row, index) =>
    [
      row.shape,
      row.regression,
      String(row.cases),
      ...names.map((name) => {
        const own = results[name]?.[index];
        if (own === undefined) return '';
        const share = row.regression === 'none' ? own.degraded : row.cases - own.degraded;
        const time = own.seconds === null || row.regression === 'none' ? '' : `, ${own.seconds} s`;
        return `${((100 * share) / row.cases).toFixed(1)} %${time}`;
      }),
    ].join(' | '),
  );
  return [
    `| traffic | regression | cases | ${names.join(' | ')} |`,
    `|---|---|---|${names.map(() => '---').join('|')}|`,
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
}
