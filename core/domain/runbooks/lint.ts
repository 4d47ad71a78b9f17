import type { Config, EnvironmentEntry, ServiceEntry } from '../../../schemas/config/config.ts';
import type { Runbook, RunbookSet } from '../../../schemas/runbooks/runbook.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { checkRunbook } from './check.ts';
import { compile, isConstant } from './cel/cel.ts';
import { factsOf } from './kinds.ts';
import { didYouMean } from '../../../schemas/parsing/similar-names.ts';
import { inFileOrder, type Problem, problem } from '../lint/problem.ts';
import { type Alternative, alternativesOf, canBeMet, escapedForPattern, isCovered } from './reachability.ts';
import { byPriority } from './select.ts';
import type { Declarations, Variables } from './variables.ts';
import { declarationsOf, locatedSteps } from './located-steps.ts';

/**
 * Returns the problems of a set of runbooks, individually and in combination.
 *
 * @param services the catalogue. Absent: names of services and environments are not checked
 */
export function lint(set: Pick<RunbookSet, 'runbooks'>, services?: Config['services']): Problem[] {
  const ordered = byPriority(set.runbooks);
  return inFileOrder([
    ...ordered.flatMap(checkRunbook),
    ...sameNames(ordered),
    ...ordered.flatMap(alone),
    ...unreachable(ordered),
    ...conflicts(ordered),
    ...(services === undefined ? [] : ordered.flatMap((runbook) => unknownNames(runbook, services))),
  ]);
}

/** Returns the problems that can be found in a runbook that is excluded from the set because of other errors. */
export const lintAlone = (runbook: Runbook, services?: Config['services']): Problem[] => [
  ...alone(runbook),
  ...(services === undefined ? [] : unknownNames(runbook, services)),
];

const alone = (runbook: Runbook): Problem[] => [
  ...constantConditions(runbook),
  ...requiredInputWarnings(runbook),
  ...sameTargets(runbook),
];

const unknownNames = (runbook: Runbook, services: Config['services']): Problem[] => [
  ...unknownScopes(runbook, services),
  ...unknownTrafficTargets(runbook, services),
];

/** Reports runbooks with the same name: an incident could not identify its runbook. */
export function sameNames(runbooks: readonly Runbook[]): Problem[] {
  const first = new Map<string, Runbook>();
  const problems: Problem[] = [];
  for (const runbook of runbooks.toSorted((a, b) => (a.file < b.file ? -1 : 1))) {
    const earlier = first.get(runbook.name);
    first.set(runbook.name, earlier ?? runbook);
    if (earlier === undefined) continue;
    problems.push(
      problem(runbook, 'name', `${earlier.file} has the same name, "${runbook.name}"`, 'choose another name'),
    );
  }
  return problems;
}

/** Reports conditions with a constant value. */
function constantConditions(runbook: Runbook): Problem[] {
  const declared = declarationsOf(runbook);
  const conditions = [
    { path: 'when', text: runbook.when, what: 'the runbook' },
    ...runbook.steps.flatMap((step, index) =>
      'parallel' in step ? [{ path: `steps.${index}.when`, text: step.when, what: `step "${step.id}"` }] : [],
    ),
    ...locatedSteps(runbook).map(({ step, path }) => ({
      path: `${path}.when`,
      text: step.when,
      what: `step "${step.id}"`,
    })),
  ];
  return conditions.flatMap(({ path, text, what }) => {
    const value = text === undefined ? undefined : constantValue(text, declared);
    if (value === undefined) return [];
    if (value) return [problem(runbook, path, `"when" is always true`, 'remove it', 'warning')];
    return [problem(runbook, path, `"when" is never true: ${what} never runs`, 'delete it, or correct "when"')];
  });
}

function constantValue(text: string, declared: Declarations): boolean | undefined {
  const result = compile(text, declared);
  if (!result.ok || !isConstant(result.compiled.findings)) return undefined;
  const evaluated = result.compiled.evaluate(PLACEHOLDERS);
  return evaluated.ok && typeof evaluated.value === 'boolean' ? evaluated.value : undefined;
}

/** Placeholder values for expressions that read no variables. */
const PLACEHOLDERS: Variables = {
  incident: {
    id: '',
    name: '',
    service: '',
    environment: '',
    severity: 'info',
    title: '',
    status: 'open',
    firing: 0,
    opened_at: timestamp(0),
  },
  labels: new Map(),
  annotations: new Map(),
  inputs: {},
  service: { team: '', tier: 4 },
  steps: {},
  suspect: null,
  decision: null,
};

/** Warns about required inputs: alerts provide no inputs, so only people can start the runbook. */
const requiredInputWarnings = (runbook: Runbook): Problem[] =>
  Object.entries(runbook.inputs)
    .filter(([, input]) => input.required)
    .map(([name]) =>
      problem(
        runbook,
        `inputs.${name}`,
        `input "${name}" is required, but alerts provide no inputs: only a person can start this runbook`,
        'add a default, unless this is intended',
        'warning',
      ),
    );

/**
 * Reports runbooks that no alert can start: their matchers contradict each other, or runbooks before them match
 * everything.
 */
function unreachable(ordered: readonly Runbook[]): Problem[] {
  return ordered.flatMap((runbook, index): Problem[] => {
    const all = alternativesOf(runbook);
    const possible = all.filter((alternative) => canBeMet(alternative) !== 'no');
    if (possible.length === 0)
      return [
        problem(runbook, 'match', 'unreachable: no alert can meet all of its matchers', contradictionHint(runbook)),
      ];
    const dead = all.flatMap((alternative, at) =>
      possible.includes(alternative)
        ? []
        : [
            problem(
              runbook,
              `match.any.${at}`,
              'no alert can meet all of these matchers',
              'other matchers still apply',
              'warning',
            ),
          ],
    );
    // A runbook with a `when` leaves alerts that it rejects to the next one.
    const earlier = ordered.slice(0, index).filter(({ when }) => when === undefined);
    const single = earlier.find((other) => isCovered(possible, alternativesOf(other)));
    if (single !== undefined) return [...dead, shadowed(runbook, [single])];
    return isCovered(possible, earlier.flatMap(alternativesOf)) ? [...dead, shadowed(runbook, earlier)] : dead;
  });
}

function contradictionHint({ match }: Runbook): string {
  const severity = match.any.flat().find(({ name, isRegex, isEqual }) => name === 'severity' && !isRegex && isEqual);
  return severity === undefined
    ? 'check for contradicting matchers of one label'
    : 'severity is always critical, warning, or info here, whatever the label of the alert';
}

function shadowed(runbook: Runbook, by: readonly Runbook[]): Problem {
  const names = by.map(({ name }) => name).join(', ');
  const message =
    by.length === 1
      ? `shadowed: every matching alert goes to ${names}, which comes first`
      : `shadowed: every matching alert goes to an earlier runbook (${names})`;
  return problem(
    runbook,
    'match',
    message,
    'raise its "priority", or make the matchers of the other runbook more specific',
  );
}

/** Reports runbooks with different actions for the same alert if only the file name decides which one is selected. */
function conflicts(ordered: readonly Runbook[]): Problem[] {
  return ordered.flatMap((runbook, index) =>
    ordered
      .slice(0, index)
      .filter((other) => other.priority === runbook.priority && actionsKey(other) !== actionsKey(runbook))
      .filter((other) =>
        alternativesOf(runbook).some((alternative) =>
          alternativesOf(other).some((theirs) => canBeMet([...alternative, ...theirs]) === 'yes'),
        ),
      )
      .map((other) =>
        problem(
          runbook,
          'match',
          `conflicts with ${other.name}: some alerts match both runbooks, which have the same priority and different steps`,
          'give one of them a higher "priority"',
        ),
      ),
  );
}

/** Returns the changes to production as a string that is equal for equal actions. */
const actionsKey = (runbook: Runbook): string =>
  JSON.stringify(
    locatedSteps(runbook)
      .filter(({ step }) => factsOf(step).mutating)
      .map(({ step }) => [step.uses, step.with]),
  );

function unknownScopes(runbook: Runbook, services: Config['services']): Problem[] {
  const entries = Object.values(services);
  const environments = new Set(entries.flatMap((entry) => Object.keys(entry.environments)));
  const entryOf = (name: string): ServiceEntry | undefined => serviceEntry(services, name);
  return [
    ...requiredNames(runbook, 'services', 'service').flatMap(({ name, path }) =>
      entryOf(name) === undefined
        ? [problem(runbook, path, `the catalogue has no service "${name}"`, didYouMean(name, Object.keys(services)))]
        : [],
    ),
    // A service without listed environments accepts any environment.
    ...requiredNames(runbook, 'environments', 'environment').flatMap(({ name, path }) =>
      environments.has(name) || entries.some((entry) => Object.keys(entry.environments).length === 0)
        ? []
        : [
            problem(
              runbook,
              path,
              `no service in the catalogue has an environment "${name}"`,
              didYouMean(name, environments),
            ),
          ],
    ),
  ];
}

/**
 * Warns about steps that shift traffic between targets that no traffic route has both of, for each service and environment that the
 * runbook may be for. An environment without routes counts only if no other has any, and the runbook names services.
 */
function unknownTrafficTargets(runbook: Runbook, services: Config['services']): Problem[] {
  const steps = locatedSteps(runbook);
  const alternatives = alternativesOf(runbook);
  const namesServices = alternatives.every((all) => all.some(({ name, isEqual }) => name === 'service' && isEqual));
  return Object.entries(services).flatMap(([service, entry]) => {
    const listed: [string | undefined, Partial<EnvironmentEntry>][] = Object.entries(entry.environments);
    // A service without listed environments accepts any, and has no route in it.
    const anywhere: typeof listed = [[undefined, {}]];
    const environments = (listed.length > 0 ? listed : anywhere).filter(([environment]) =>
      alternatives.some((all) => canBeMet([...all, ...labelsOf(service, environment, entry)]) !== 'no'),
    );
    const routed = environments.flatMap(([environment, { reroute }]) => {
      const routes = Object.entries(reroute ?? {});
      return routes.length === 0 ? [] : [{ environment, routes }];
    });
    if (environments.length === 0 || (routed.length === 0 && !namesServices)) return [];
    return steps.flatMap(({ step, path }) => {
      if (step.uses !== 'reroute') return [];
      if (routed.length === 0) return [withoutRoute(runbook, service, path)];
      return routed.flatMap(({ environment, routes }) =>
        unknownTargets(
          runbook,
          { owner: routed.length === 1 ? service : `${service} in ${environment}`, routes },
          { with: step.with, path },
        ),
      );
    });
  });
}

/** Warns about steps that shift traffic from a target to itself. */
const sameTargets = (runbook: Runbook): Problem[] =>
  locatedSteps(runbook).flatMap(({ step, path }) => {
    if (step.uses !== 'reroute') return [];
    const [from, to] = [constantText(runbook, step.with.from), constantText(runbook, step.with.to)];
    if (from === undefined || from !== to) return [];
    const message = `from and to are the same target, "${from}", so the step fails`;
    return [problem(runbook, `${path}.with.to`, message, 'write the target that gets the traffic', 'warning')];
  });

/** Returns matchers of the labels that an alert of a service has, as far as the catalogue knows them. */
function labelsOf(
  service: string,
  environment: string | undefined,
  { team, tier, match = {} }: ServiceEntry,
): Alternative {
  const known = Object.entries({ service, environment, team, tier }).filter(([, value]) => value !== undefined);
  return [
    ...known.map(([name, value]) => ({ name, value: String(value), isRegex: false, isEqual: true })),
    // An alert that names the service need not have the other labels.
    ...Object.entries(match)
      .filter(([name]) => name !== 'service')
      .map(([name, value]) => ({ name, value: `${escapedForPattern(value)}|`, isRegex: true, isEqual: true })),
  ];
}

type Routes = [name: string, { targets: Readonly<Record<string, unknown>> }][];

function withoutRoute(runbook: Runbook, service: string, path: string): Problem {
  const where = runbook.environments === undefined ? '' : ` in ${runbook.environments.join(', ')}`;
  const suggestion = `write "reroute" of ${service} in services.yaml, or limit the runbook by "services"`;
  return problem(runbook, `${path}.with`, `${service} has no traffic route${where}`, suggestion, 'warning');
}

/** Returns what is wrong with a step for the routes of a service in one environment. `owner`: names both, or only the service. */
function unknownTargets(
  runbook: Runbook,
  { owner, routes }: { owner: string; routes: Routes },
  { with: given, path }: { with: { route?: string | undefined; from: string; to: string }; path: string },
): Problem[] {
  const warning = (at: string, message: string, suggestion: string): Problem =>
    problem(runbook, at, message, suggestion, 'warning');
  if (given.route === undefined && routes.length > 1) {
    const known = routes.map(([name]) => name).join(' or ');
    return [warning(`${path}.with`, `${owner} has several traffic routes`, `write "route": ${known}`)];
  }
  const route = given.route === undefined ? undefined : constantText(runbook, given.route);
  const possible = routes.filter(([name]) => route === undefined || route === name);
  const names = [...new Set(possible.flatMap(([, { targets }]) => Object.keys(targets)))];
  const used = (['from', 'to'] as const).map((key) => ({ key, name: constantText(runbook, given[key]) }));
  const has = ([, { targets }]: Routes[number]) =>
    used.every(({ name }) => name === undefined || Object.hasOwn(targets, name));
  if (possible.some(has)) return [];
  const unknown = used.filter(({ name }) => name !== undefined && !names.includes(name));
  if (possible.length === 0) {
    const known = routes.map(([name]) => name);
    const suggestion = didYouMean(route ?? '', known) ?? `its routes are ${known.join(', ')}`;
    return [warning(`${path}.with.route`, `${owner} has no traffic route "${route}"`, suggestion)];
  }
  if (unknown.length === 0)
    return [warning(`${path}.with`, `${owner} has no traffic route with both targets`, ROUTES_HINT)];
  return unknown.map(({ key, name = '' }) =>
    warning(
      `${path}.with.${key}`,
      `no traffic route of ${owner} has the target "${name}"`,
      didYouMean(name, names) ?? `its targets are ${names.join(', ')}`,
    ),
  );
}

const ROUTES_HINT = 'write a target of "reroute" in services.yaml, or the default of the input';

/** Returns a text without templates, or the default of the input that is its template. Undefined: known only in a run. */
function constantText(runbook: Runbook, text: string): string | undefined {
  if (!text.includes('${{')) return text;
  const input = /^\$\{\{ ?inputs\.(\w+) ?\}\}$/.exec(text)?.[1];
  const value = input === undefined ? undefined : runbook.inputs[input]?.default;
  return typeof value === 'string' ? value : undefined;
}

/** Returns the names that a runbook requires by its own key or by a matcher. */
function requiredNames(
  runbook: Runbook,
  key: 'services' | 'environments',
  label: string,
): { name: string; path: string }[] {
  const listed: readonly string[] = runbook[key] ?? [];
  return [
    ...listed.map((name, index) => ({ name, path: `${key}.${index}` })),
    ...runbook.match.any
      .flat()
      .filter(({ name, isRegex, isEqual }) => name === label && !isRegex && isEqual)
      .map(({ value }) => ({ name: value, path: 'match' })),
  ];
}
