import { EnvironmentName } from '../../../schemas/config/names.ts';
import type { DataSourceDocument, OpenSlo, SliDocument, SloDocument } from '../schemas/openslo.ts';
import type { SliSpec } from '../schemas/openslo/indicator.ts';
import { type Objective, targetOf } from '../schemas/openslo/objective.ts';
import { DEFAULT_WINDOW, Query, Slo } from '../../../schemas/slo/slo.ts';
import { didYouMean } from '../../../schemas/parsing/similar-names.ts';
import type { Problem } from '../../../core/domain/lint/problem.ts';
import { type SliQueries, sliQueriesOf, indicatorOf, queriesOf, type SourceTypes } from './indicators.ts';
import { comparedEachMinute } from './measurement/minutes.ts';
import {
  warningAt,
  locatedPart,
  type SourceLocation,
  type Located,
  errorAt,
} from '../../../core/domain/lint/source-locations.ts';

/** An objective with the locations of its parts. */
export type LocatedSlo = {
  slo: Slo;
  name: SourceLocation;
  service: SourceLocation;
  environment: SourceLocation;
  window: SourceLocation;
  target: SourceLocation;
  /** Locations of the indicator's queries, in the order of `queriesOf`. */
  queries: readonly SourceLocation[];
};

/**
 * Result of reading objectives. `problems` are errors: any error keeps the objectives from coming into force. `remarks`
 * are lint warnings.
 */
export type Objectives = { slos: LocatedSlo[]; problems: Problem[]; remarks: Problem[] };

/** Builds the objectives that OpenSLO documents describe, with the SLIs and data sources that they refer to. */
export function objectivesOf(documents: readonly Located<OpenSlo>[]): Objectives {
  const slis = byName(ofKind<SliDocument>(documents, 'SLI'));
  const sources = ofKind<DataSourceDocument>(documents, 'DataSource');
  const types: SourceTypes = new Map(sources.map(({ value }) => [value.metadata.name, value.spec.type]));
  const all = ofKind<SloDocument>(documents, 'SLO').map((document) => slosOf(document, slis.named, types));
  const slos = all.flatMap((result) => result.slos);
  const used = new Set(ofKind<SloDocument>(documents, 'SLO').map(({ value }) => value.spec.indicatorRef));
  const unused = [...slis.named].filter(([name]) => !used.has(name));
  return {
    slos,
    problems: [...slis.problems, ...all.flatMap((result) => result.problems), ...sameIds(slos)],
    remarks: [
      ...all.flatMap((result) => result.remarks),
      ...unused.map(([name, { at }]) => warningAt(at(['metadata', 'name']), `no SLO refers to the SLI "${name}"`)),
    ],
  };
}

const ofKind = <T extends OpenSlo>(documents: readonly Located<OpenSlo>[], kind: T['kind']): Located<T>[] =>
  documents.filter((document): document is Located<T> => document.value.kind === kind);

type Slis = ReadonlyMap<string, Located<SliDocument>>;

function byName(documents: readonly Located<SliDocument>[]): { named: Slis; problems: Problem[] } {
  const named = new Map<string, Located<SliDocument>>();
  const problems: Problem[] = [];
  for (const document of documents) {
    const { name } = document.value.metadata;
    const earlier = named.get(name);
    if (earlier === undefined) named.set(name, document);
    else problems.push(duplicate(`an SLI "${name}"`, document.at(PATHS.name), earlier.at(PATHS.name)));
  }
  return { named, problems };
}

function sameIds(slos: readonly LocatedSlo[]): Problem[] {
  const first = new Map<string, LocatedSlo>();
  return slos.flatMap((source) => {
    const earlier = first.get(source.slo.id);
    if (earlier === undefined) first.set(source.slo.id, source);
    return earlier === undefined ? [] : [duplicate(`an objective "${source.slo.id}"`, source.name, earlier.name)];
  });
}

const duplicate = (what: string, where: SourceLocation, earlier: SourceLocation): Problem =>
  errorAt(where, `${what} is also defined at ${earlier.file}:${earlier.line}`, 'choose another name');

const PATHS = {
  name: ['metadata', 'name'],
  service: ['spec', 'service'],
  window: ['spec', 'timeWindow', 0, 'duration'],
} as const;

function slosOf(document: Located<SloDocument>, slis: Slis, types: SourceTypes): Objectives {
  const { value, at } = document;
  const sli = sliOf(document, slis);
  const sliQueries = 'value' in sli ? sliQueriesOf(sli, types) : [sli];
  const environment = environmentOf(document);
  if (Array.isArray(sliQueries) || Array.isArray(environment)) {
    const problems = [sliQueries, environment].flatMap((found) => (Array.isArray(found) ? found : []));
    return { slos: [], problems, remarks: [] };
  }
  const objectives: Objectives = { slos: [], problems: [], remarks: [] };
  for (const [index, specified] of value.spec.objectives.entries()) {
    const objective = locatedPart(document, ['spec', 'objectives', index], specified);
    const slo = sloOf({ document: value, environment, sliQueries, objective, index });
    objectives.remarks.push(...ineffectiveKeys(objective, value, sliQueries.sli.value));
    if (Array.isArray(slo)) objectives.problems.push(...slo);
    else
      objectives.slos.push({
        slo,
        name: at(PATHS.name),
        service: at(PATHS.service),
        environment: environment.where,
        window: at(PATHS.window),
        target: objective.at([specified.target == null ? 'targetPercent' : 'target']),
        queries: sliQueries.queries.map(({ where }) => where),
      });
  }
  return objectives;
}

function sliOf(document: Located<SloDocument>, slis: Slis): Located<SliSpec> | Problem {
  const { indicator, indicatorRef } = document.value.spec;
  if (indicator != null) return locatedPart(document, ['spec', 'indicator', 'spec'], indicator.spec);
  const sli = slis.get(indicatorRef ?? '');
  if (sli !== undefined) return locatedPart(sli, ['spec'], sli.value.spec);
  const where = document.at(['spec', 'indicatorRef']);
  return errorAt(where, `there is no SLI "${indicatorRef ?? ''}"`, didYouMean(indicatorRef ?? '', slis.keys()));
}

const DEFAULT_ENVIRONMENT = EnvironmentName.parse('production');

type Environment = { name: EnvironmentName; where: SourceLocation };

/** Reads the environment from the same labels as for alerts. */
function environmentOf({ value, at }: Located<SloDocument>): Environment | Problem[] {
  const labels = value.metadata.labels ?? {};
  const key = ['environment', 'env'].find((label) => Object.hasOwn(labels, label));
  const where = at(['metadata', 'labels', key ?? '']);
  if (key === undefined) return { name: DEFAULT_ENVIRONMENT, where };
  const [name, ...more] = [labels[key]].flat();
  if (more.length > 0)
    return [errorAt(where, 'an SLO belongs to one environment', 'write one SLO for each environment')];
  const parsed = EnvironmentName.safeParse(name);
  return parsed.success
    ? { name: parsed.data, where }
    : [errorAt(where, `${key}: ${JSON.stringify(name ?? [])} is not a name`)];
}

type SloInput = {
  document: SloDocument;
  environment: Environment;
  sliQueries: SliQueries;
  objective: Located<Objective>;
  index: number;
};

function sloOf({ document, environment, sliQueries, objective, index }: SloInput): Slo | Problem[] {
  const { metadata, spec } = document;
  const indicator = indicatorOf(sliQueries, objective);
  if (Array.isArray(indicator)) return indicator;
  const window = spec.timeWindow?.[0] ?? DEFAULT_WINDOW;
  const budgeting = budgetingOf(document, objective.value);
  if (budgeting.kind === 'timeslices' && window.kind === 'rolling' && budgeting.sliceSeconds >= window.seconds)
    return [errorAt(objective.at(['timeSliceWindow']), 'a slice must be shorter than the time window')];
  const several = spec.objectives.length > 1;
  const title = metadata.displayName ?? metadata.name;
  const slo = Slo.parse({
    id: several ? `${metadata.name}-${index + 1}` : metadata.name,
    displayName: several ? `${title}: ${objective.value.displayName ?? index + 1}` : title,
    description: spec.description ?? '',
    service: spec.service,
    environment: environment.name,
    target: targetOf(objective.value),
    window,
    budgeting,
    indicator,
  });
  if (queriesOf(comparedEachMinute(slo).indicator).every((query) => Query.safeParse(query).success)) return slo;
  return [errorAt(objective.at(['timeSliceWindow']), 'the queries are too long for slices of a minute')];
}

function budgetingOf({ spec }: SloDocument, { timeSliceTarget, timeSliceWindow }: Objective): Slo['budgeting'] {
  if (spec.budgetingMethod !== 'Timeslices' || timeSliceTarget == null || timeSliceWindow == null)
    return { kind: 'occurrences' };
  return { kind: 'timeslices', sliceSeconds: timeSliceWindow, sliceTarget: timeSliceTarget };
}

/** Warns about keys that are accepted because they are common, but have no effect. */
function ineffectiveKeys({ value, at }: Located<Objective>, document: SloDocument, sli: SliSpec): Problem[] {
  const compared = sli.ratioMetric == null ? [] : (['op', 'value'] as const);
  const sliced =
    document.spec.budgetingMethod === 'Timeslices' ? [] : (['timeSliceTarget', 'timeSliceWindow'] as const);
  return [
    ...compared.map((key) => ({ key, of: 'a thresholdMetric' })),
    ...sliced.map((key) => ({ key, of: 'budgetingMethod Timeslices' })),
  ]
    .filter(({ key }) => value[key] != null)
    .map(({ key, of }) => warningAt(at([key]), `"${key}" has no effect without ${of}`, 'remove it'));
}
