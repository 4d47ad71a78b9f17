import { join } from 'node:path';
import { LineCounter } from 'yaml';
import * as z from 'zod';
import { sha256 } from '../../core/stores/hash.ts';
import { inConfiguredNames, type NamingConfig } from '../../core/domain/catalogue/known-names.ts';
import { didYouMean } from '../../schemas/parsing/similar-names.ts';
import { type Config, PagingFile, ServicesFile } from '../../schemas/config/config.ts';
import { PeopleFile, type Role } from '../../schemas/people/people.ts';
import { SlackFile } from '../../schemas/messages/presentation.ts';
import { ResponseFile } from '../../schemas/incidents/response.ts';
import { DeliveryFile } from '../../schemas/changes/delivery-file.ts';
import { LinksFile } from '../../schemas/links/links.ts';
import { type FEATURE_CONFIG, FEATURE_FILES } from '../../features/names.ts';
import { RoutesFile } from '../../schemas/alerts/routes.ts';
import { catalogueFile } from './example.ts';
import { PEOPLE_FILE, RESPONSE_FILE } from './people-files.ts';
import { loadObjectives } from './objective-files.ts';
import { FILE_MAX_CHARS, lineOf, parseYaml, readOptional, valueOf } from '../../core/stores/config/yaml-lines.ts';
import { type JsonSchema, keysAt, kindsAt, valueAt } from '../../core/stores/config/yaml-problems.ts';

/** The configuration in the files on disk, or its errors, each as `file:line: message (suggestion)`. */
export type LoadedFiles = { ok: true; config: Omit<Config, 'runbooks'> } | { ok: false; problems: string[] };

/** Reads and validates all files. A missing file means defaults. @param inPlaceOfExample as `catalogueFile` takes it */
export async function loadConfig(dir: string, inPlaceOfExample?: string): Promise<LoadedFiles> {
  const services = await readYaml(await catalogueFile(dir, inPlaceOfExample), ServicesFile);
  const paging = await readYaml(join(dir, 'paging.yaml'), PagingFile);
  const routes = await readYaml(join(dir, 'routes.yaml'), RoutesFile);
  const slack = await readYaml(join(dir, 'slack.yaml'), SlackFile);
  const people = await readYaml(join(dir, PEOPLE_FILE), PeopleFile);
  const response = await readYaml(join(dir, RESPONSE_FILE), ResponseFile);
  const links = await readYaml(join(dir, 'links.yaml'), LinksFile);
  const delivery = await readYaml(join(dir, 'delivery.yaml'), DeliveryFile);
  const ofFeatures = await readFeatureFiles(dir);
  const slos = await loadObjectives(dir);
  const files = [
    services,
    paging,
    routes,
    slack,
    people,
    response,
    links,
    delivery,
    ...Object.values<Read<unknown>>(ofFeatures),
    slos,
  ];
  if (
    !services.value ||
    !paging.value ||
    !routes.value ||
    !slack.value ||
    !people.value ||
    !response.value ||
    !links.value ||
    !delivery.value ||
    !hasValues(ofFeatures) ||
    !slos.value
  )
    return { ok: false, problems: files.flatMap(({ problems }) => problems) };
  const named = {
    services: services.value.services,
    paging: paging.value,
    routes: routes.value,
    slack: slack.value,
    people: people.value,
    response: response.value,
    links: links.value,
    delivery: delivery.value,
    ...valuesOf(ofFeatures),
    slos: slos.value,
  };
  const roles = Object.entries(people.value.roles).map(([name, role]) => [name, inNamesOf(named, role)] as const);
  const content = { ...named, people: { ...people.value, roles: Object.fromEntries(roles) } };
  return { ok: true, config: { version: sha256(JSON.stringify(content)).slice(0, 16), ...content } };
}

/** Returns a role limited to services and environments by the names that everything is compared with. */
function inNamesOf(config: NamingConfig, { services, environments, ...role }: Role): Role {
  const named = services === 'own' ? undefined : services;
  const limits = inConfiguredNames(config, { services: named ?? null, environments: environments ?? null });
  return {
    ...role,
    ...(services !== undefined && { services: limits.services ?? 'own' }),
    ...(limits.environments !== null && { environments: limits.environments }),
  };
}

type FeatureConfig = Pick<Config, keyof typeof FEATURE_CONFIG>;
type FeatureFiles = { [Key in keyof FeatureConfig]: Read<FeatureConfig[Key]> };

/** Reads the files of features. */
async function readFeatureFiles(dir: string): Promise<FeatureFiles> {
  const read = Object.entries(FEATURE_FILES).map(
    async ([name, { key = name, schema }]) => [key, await readYaml(join(dir, `${name}.yaml`), schema)] as const,
  );
  return Object.fromEntries(await Promise.all(read)) as FeatureFiles;
}

const hasValues = (files: FeatureFiles): boolean => Object.values<Read<unknown>>(files).every(({ value }) => value);

const valuesOf = (files: FeatureFiles): FeatureConfig =>
  Object.fromEntries(Object.entries<Read<unknown>>(files).map(([name, { value }]) => [name, value])) as FeatureConfig;

/** Reads only the catalogue. Without `services`, it is invalid, and `problems` says why. */
export async function loadServices(dir: string): Promise<{ services?: Config['services']; problems: string[] }> {
  const { value, problems } = await readYaml(join(dir, 'services.yaml'), ServicesFile);
  return value === undefined ? { problems } : { services: value.services, problems };
}

type Read<T> = { value: T | undefined; problems: string[] };

async function readYaml<S extends z.ZodType>(file: string, schema: S): Promise<Read<z.infer<S>>> {
  const text = await readOptional(file);
  const lines = new LineCounter();
  if (text.length > FILE_MAX_CHARS)
    return {
      value: undefined,
      problems: [`${file}:1: the file has ${text.length} characters; the limit is ${FILE_MAX_CHARS}`],
    };
  const document = parseYaml(text, lines);
  if (document.errors.length > 0) {
    return {
      value: undefined,
      problems: document.errors.map((error) => `${file}:${lines.linePos(error.pos[0]).line}: ${error.message}`),
    };
  }
  const read = valueOf(document);
  if (!read.ok) return { value: undefined, problems: [`${file}:1: ${read.problem}`] };
  const value = read.value ?? {};
  const parsed = schema.safeParse(value);
  if (parsed.success) return { value: parsed.data, problems: [] };
  return {
    value: undefined,
    problems: problemsOf(parsed.error.issues).map((problem) => {
      const suggestion = suggestionFor(problem, schema, value);
      const line = lineOf(document.contents, problem.path, lines);
      return `${file}:${line}: ${problem.message}${suggestion === null ? '' : ` (${suggestion})`}`;
    }),
  };
}

/**
 * `kind`: an unknown value of a discriminator. `unknown`: the last part of the path is an unknown key. `words`: the
 * valid values.
 */
type Problem = { path: PropertyKey[]; message: string; unknown?: string; words?: string[]; kind?: true };

function suggestionFor(problem: Problem, schema: z.ZodType, value: unknown): string | null {
  const { path, unknown, words = [], kind } = problem;
  if (unknown !== undefined) return didYouMean(unknown, knownKeys(schema, problem, value));
  const given = valueAt(value, path);
  if (kind) {
    const kinds = kindsOf(schema, path, value);
    return (typeof given === 'string' ? didYouMean(given, kinds) : null) ?? `one of ${kinds.join(', ')}`;
  }
  return typeof given === 'string' ? didYouMean(given, words) : null;
}

/** Returns the known keys beside an unknown one. A transformed schema has them only in its input or its output. */
const knownKeys = (schema: z.ZodType, { path }: Problem, value: unknown): string[] =>
  (['input', 'output'] as const).flatMap((io) =>
    keysAt(z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema, path.slice(0, -1), value),
  );

const kindsOf = (schema: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] => [
  ...new Set(
    (['input', 'output'] as const).flatMap((io) =>
      kindsAt(z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema, path, value).map(String),
    ),
  ),
];

/** Returns each unknown key as a separate problem; for a union, returns the problems of the closest branch. */
function problemsOf(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[] = []): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...prefix, ...issue.path];
    const where = path.join('.') || 'the file';
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key "${key}" in ${where}`,
        unknown: key,
      }));
    if (issue.code === 'invalid_key')
      return issue.issues.map(({ message }) => ({ path, message: `${where}: ${message}` }));
    if (issue.code === 'invalid_union' && issue.errors.length === 0 && 'discriminator' in issue)
      return [{ path, message: `${where}: unknown kind`, kind: true }];
    if (issue.code === 'invalid_union') {
      const closest = closestBranch(issue.errors);
      if (closest !== undefined) return problemsOf(closest, path);
      const expected = [...new Set(issue.errors.flat().flatMap(expectedBy))];
      const words = issue.errors.flat().flatMap(wordsOf);
      if (expected.length > 0) return [{ path, message: `${where}: expected ${expected.join(' or ')}`, words }];
    }
    return [{ path, message: `${where}: ${issue.message}`, words: wordsOf(issue) }];
  });
}

const wordsOf = (issue: z.core.$ZodIssue): string[] =>
  issue.code === 'invalid_value' ? issue.values.filter((word) => typeof word === 'string') : [];

/** Returns the branch with the fewest problems, or undefined if the value matches none of the branches' types. */
function closestBranch(branches: readonly z.core.$ZodIssue[][]): readonly z.core.$ZodIssue[] | undefined {
  const plausible = branches.filter(
    (issues) => issues.length > 0 && issues.every((issue) => expectedBy(issue).length === 0),
  );
  return plausible.toSorted((a, b) => a.length - b.length)[0];
}

/**
 * Returns the types that a branch expects for the whole value. Empty: the type matches, and the problems are inside.
 */
function expectedBy(issue: z.core.$ZodIssue): string[] {
  if (issue.path.length > 0) return [];
  if (issue.code === 'invalid_type') return [issue.expected];
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value));
  if (issue.code !== 'invalid_union' || closestBranch(issue.errors) !== undefined) return [];
  return issue.errors.flat().flatMap(expectedBy);
}
