import * as z from 'zod';
import { isOfInstances } from '../../core/domain/catalogue/version-labels.ts';
import type { VersionLabels, VersionProposal } from '../../core/domain/ports/metrics.ts';
import { call, NoResponse } from '../shared/http.ts';
import type { Server } from '../shared/server.ts';
import { metricsIn, withoutRecordings } from './recorded-series.ts';
import {
  byVersionQuery,
  JOINS,
  selectorsIn,
  trafficByVersionQuery,
  VERSION_LABELS,
  type VersionSource,
} from './version-query.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** Milliseconds. */
const ATTEMPT_TIMEOUT_MS = 4_000;

/** Series read for each selector, and how long ago they may have ended, in seconds. */
const SERIES_MAX = 500;
const LOOK_BACK_SECONDS = 3600;

/** Recording rules of recording rules that are looked behind. */
const RECORDED_LEVELS = 5;

const BODY_MAX_BYTES = 4 * 1024 * 1024;

const Labels = z.record(z.string(), z.string());
const Series = z.object({ status: z.literal('success'), data: z.array(Labels) });
const Instant = z.object({
  status: z.literal('success'),
  data: z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: Labels })) }),
});
const Rules = z.object({
  status: z.literal('success'),
  data: z.object({
    groups: z.array(
      z.object({ rules: z.array(z.object({ name: z.string(), query: z.string(), labels: Labels.default({}) })) }),
    ),
  }),
});

type Health = Parameters<VersionLabels['propose']>[0];
type IsRecorded = Parameters<VersionLabels['propose']>[1];

/** Versions have numbers. A label such as `release` can also name something else, such as a Helm release. */
const hasNumbers = ({ values }: VersionProposal): boolean => values.some((value) => /\d/.test(value));

/**
 * Creates the search for the label that carries the version, through Prometheus's HTTP API. Every proposed query was
 * executed and returned versions.
 *
 * @param now current time in milliseconds
 */
export function versionLabels(serverOf: () => Promise<Server | undefined>, now: () => number): VersionLabels {
  const get = async <T>(path: string, query: Record<string, string>, schema: z.ZodType<T>): Promise<T | null> => {
    const server = await serverOf();
    if (server === undefined) return null;
    try {
      const { text } = await call(`${server.url}${path}?${new URLSearchParams(query).toString()}`, {
        method: 'GET',
        headers: server.headers,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
        maxBytes: BODY_MAX_BYTES,
      });
      return schema.safeParse(parseJson(text)).data ?? null;
    } catch (error) {
      if (error instanceof NoResponse) return null;
      throw error;
    }
  };
  const seriesOf = async (selector: string): Promise<Record<string, string>[] | null> => {
    const start = String(now() / 1000 - LOOK_BACK_SECONDS);
    const found = await get('/api/v1/series', { 'match[]': selector, start, limit: String(SERIES_MAX) }, Series);
    return found && found.data;
  };
  /** Returns the values of the label `version`, under which each query by version returns them. */
  const valuesOf = async (promql: string): Promise<string[]> => {
    const found = await get('/api/v1/query', { query: promql }, Instant);
    const values = (found?.data.result ?? []).flatMap(({ metric: { version = '' } }) =>
      version === '' ? [] : [version],
    );
    return [...new Set(values)].toSorted();
  };
  /** Returns the query without recorded series. Null: it has none, or what records them is not known. */
  const expanded = async (promql: string): Promise<string | null> => {
    const found = await Promise.all(
      metricsIn(promql).map((name) => get('/api/v1/rules', { type: 'record', 'rule_name[]': name }, Rules)),
    );
    // Old versions ignore the name filter and return all rules.
    const rules = new Map(
      found
        .flatMap((one) => one?.data.groups ?? [])
        .flatMap((group) => group.rules.map((rule) => [JSON.stringify(rule), rule])),
    );
    return withoutRecordings(promql, [...rules.values()]);
  };
  const proposalFrom = async ({ promql, traffic }: Health, source: VersionSource): Promise<VersionProposal | null> => {
    const byVersion = byVersionQuery(promql, source);
    const values = await valuesOf(byVersion);
    if (values.length === 0) return null;
    const byTraffic = trafficByVersionQuery(promql, traffic, source);
    const trafficByVersion = byTraffic !== null && (await valuesOf(byTraffic)).length > 0 ? byTraffic : null;
    const { label, join } = source;
    return { label, joined: join?.metric ?? null, values, byVersion, trafficByVersion };
  };
  /** Null: no query returned versions. Undefined: no response, so it is unknown. */
  const proposeFor = async (
    health: Health,
    isRecorded: IsRecorded,
    levels = RECORDED_LEVELS,
  ): Promise<VersionProposal | null | undefined> => {
    const seriesLists = await Promise.all(selectorsIn(health.promql).map(seriesOf));
    if (seriesLists.some((series) => series === null)) return undefined;
    // A selector without series, such as one of errors that have not happened yet, says nothing about labels.
    const labelNames = seriesLists
      .filter((series) => series !== null && series.length > 0)
      .map((series) => new Set((series ?? []).flatMap((labels) => Object.keys(labels))));
    const isOnAllSeries = (name: string): boolean =>
      labelNames.length > 0 && labelNames.every((names) => names.has(name));
    const directSources = VERSION_LABELS.filter(isOnAllSeries).map((label): VersionSource => ({ label, join: null }));
    const joinedSources = JOINS.filter(({ on }) => on.every(isOnAllSeries)).flatMap(({ labels, ...join }) =>
      labels.map((label): VersionSource => ({ label, join })),
    );
    const sources = [...directSources, ...joinedSources];
    // Labels that do not name the version, but only tell instances apart, such as a hash, are the last choice.
    const [naming, distinguishing] = [false, true].map((is) =>
      sources.filter(({ label }) => isOfInstances(label) === is),
    );
    let best: VersionProposal | null = null;
    for (const source of [...(naming ?? []), ...(distinguishing ?? [])]) {
      const found = await proposalFrom(health, source);
      if (found === null) continue;
      if (found.values.some(isRecorded)) return found;
      if (best === null || (!hasNumbers(best) && hasNumbers(found))) best = found;
    }
    if (best !== null || levels === 0) return best;
    const promql = await expanded(health.promql);
    return promql === null ? null : proposeFor({ ...health, promql }, isRecorded, levels - 1);
  };
  return {
    propose: (health, isRecorded) => proposeFor(health, isRecorded),
    async series(promql) {
      const found = await Promise.all(
        selectorsIn(promql).map(async (selector) => ({ selector, series: await seriesOf(selector) })),
      );
      return found.every((one): one is { selector: string; series: Record<string, string>[] } => one.series !== null)
        ? found
        : null;
    },
  };
}
