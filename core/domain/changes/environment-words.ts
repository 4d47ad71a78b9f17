import { environmentNamed, usualEnvironment } from '../catalogue/known-names.ts';

/** Usual environments whose names mean nothing else in longer names, as `test-suite` does. They can have a number there. */
const CLEAR: ReadonlySet<string | undefined> = new Set([
  'production',
  'preproduction',
  'staging',
  'development',
  'qa',
  'uat',
  'nonproduction',
]);
const isClear = (word: string): boolean => CLEAR.has(usualEnvironment(word.replace(/(?<=[a-z])\d{1,6}$/i, '')));

/** Words that make a name with an environment one about people, tools, or tests. */
const NO_ENVIRONMENT = /^(?:team|ops|bot|tests?|suite|report|ready|approved|passed|verified|platform|tools?)$/i;

/** Numbers of words, after which a name is no name, and in an environment without a configured one. */
const WORDS_MAX = 16;
const USUAL_WORDS = 2;

/** An environment in a longer name, and what is before and after it, without separators. */
export type EnvironmentWithin = { environment: string; before: string; after: string };

/**
 * Returns the environments in a name: one of these anywhere, or a usual one, as in `shop-staging`, `eks-stg-1`, and `dev2`. Words that
 * mean something else in longer names, as `test` does, count only as one of these, or at the end. The longest counts:
 * `shop-non-prod` is no production.
 */
export function environmentsWithin(name: string, known: ReadonlySet<string>): EnvironmentWithin[] {
  const parts = name.split(/([-_./]+)/);
  const count = (parts.length + 1) / 2;
  if (count > WORDS_MAX) return [];
  const most = Math.max(USUAL_WORDS, ...[...known].map((one) => one.split(/[-_./]+/).length));
  const all = Array.from({ length: count }, (_, first) =>
    Array.from({ length: Math.min(most, count - first) }, (__, more) => [first, first + more + 1] as const),
  ).flat();
  const taken = new Set<number>();
  return all
    .toSorted(([a, b], [c, d]) => d - c - (b - a))
    .flatMap(([first, end]) => {
      const environment = parts.slice(2 * first, 2 * end - 1).join('');
      const isUsual = isClear(environment) || (end === count && usualEnvironment(environment) !== undefined);
      const isOther = !isUsual && environmentNamed(environment, known) === undefined;
      const words = Array.from({ length: end - first }, (_, n) => first + n);
      if (isOther || NO_ENVIRONMENT.test(parts[2 * end] ?? '') || words.some((word) => taken.has(word))) return [];
      for (const word of words) taken.add(word);
      const [before, after] = [parts.slice(0, Math.max(0, 2 * first - 1)), parts.slice(2 * end)];
      return [{ environment, before: before.join(''), after: after.join('') }];
    });
}

/** Returns the environment that begins or ends a longer name, and the rest of it. Undefined: there is none. */
export function environmentAtEdge(
  name: string,
  known: ReadonlySet<string>,
): { environment: string; rest: string } | undefined {
  const [found] = environmentsWithin(name, known).filter(({ before, after }) => (before === '') !== (after === ''));
  return found && { environment: found.environment, rest: found.before || found.after };
}

/** Returns whether a tag is a usual environment with its region, number, or owner, as `staging-eu`, `qa2`, and `dev-ada`. */
export const hasEnvironment = (tag: string): boolean =>
  !tag.split(/[-_./]/).some((part) => NO_ENVIRONMENT.test(part)) &&
  environmentsWithin(tag, new Set()).some(
    ({ environment, before, after }) => isClear(environment) && (before === '' || after === ''),
  );
