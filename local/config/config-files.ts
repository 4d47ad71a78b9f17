import { join } from 'node:path';
import { LineCounter } from 'yaml';
import type * as z from 'zod';
import { sha256 } from '../../core/stores/hash.ts';
import { inConfiguredNames, type NamingConfig } from '../../core/domain/catalogue/known-names.ts';
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
import { inputProblems, locationOf, placedText } from '../../schemas/parsing/input-problems.ts';

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

/** Reads a file. An empty one may not be completely written: a full disk must not bring defaults into force. */
async function readYaml<S extends z.ZodType>(file: string, schema: S): Promise<Read<z.infer<S>>> {
  const text = await readOptional(file);
  if (text === '') return { value: undefined, problems: [`${file}:1: the file is empty; write {} for its defaults`] };
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
    problems: inputProblems(parsed.error).map(
      (problem) => `${file}:${lineOf(document.contents, locationOf(problem), lines)}: ${placedText(problem)}`,
    ),
  };
}
