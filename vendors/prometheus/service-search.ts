import * as z from 'zod';
import { ENVIRONMENT_LABELS, SERVICE_LABELS } from '../../core/domain/catalogue/measured-scope.ts';
import { call, NoResponse } from '../shared/http.ts';
import type { Server } from '../shared/server.ts';
import { truncate } from '../shared/text.ts';
import { externalLabels } from './external-labels.ts';
import {
  failureRatio,
  type HealthCandidate,
  isErrorRatio,
  isRatioName,
  limitIn,
  limitedTo,
  requiredValue,
  STATUS_LABELS,
  trafficOf,
} from './health-query.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** A service that monitoring knows in one environment. */
export type FoundService = {
  service: string;
  environment: string;
  /** The label that names the service in its series and alerts. */
  label: string;
  /** Queries that could show its health, the best first. They have not been executed. */
  candidates: HealthCandidate[];
};

/** Why a search failed: what, where, and how to fix it. */
export class SearchFailure extends Error {
  override readonly name = 'SearchFailure';
}

/** An address to search, and the variable or option that contains it. */
export type SearchedServer = {
  server: Server;
  what: 'Prometheus' | 'Alertmanager';
  setting: string;
  /** Time limit of each request. */
  timeoutSeconds: number;
};

const BODY_MAX_BYTES = 32 * 1024 * 1024;

/** Seconds. Series that ended longer ago are ignored. */
const LOOK_BACK_SECONDS = 3600;

/** Metrics and rules that are examined of each kind. */
const EXAMINED_MAX = 60;

/** Environment of services whose series do not name one. */
const DEFAULT_ENVIRONMENT = 'production';

/** Counters of requests that a service has answered. */
const REQUEST_COUNTER = /request|response|_server_handled|_rq_|(?:http|grpc|rpc)_server/;
const COUNTER_SUFFIX = /_(?:total|count|requests)$/;
/** Counters of calls to other services, and metrics of monitoring and of the platform. */
const OTHER_COUNTER =
  /client|upstream_rq_retry|^(?:promhttp|prometheus|alertmanager|apiserver|kubelet|kube|kubernetes|rest|etcd|grafana|thanos|cortex|mimir|loki|tempo|coredns|node|scrape|go|process|net_conntrack|workqueue|controller_runtime|firebreak|ALERTS)_/;

type Labels = Readonly<Record<string, string>>;

const LabelSet = z.record(z.string(), z.string()).default({});
const Names = z.object({ status: z.literal('success'), data: z.array(z.string()) });
const SeriesList = z.object({ status: z.literal('success'), data: z.array(LabelSet) });
const Vector = z.object({
  status: z.literal('success'),
  data: z.object({ resultType: z.literal('vector'), result: z.array(z.object({ metric: LabelSet })) }),
});
const Rules = z.object({
  status: z.literal('success'),
  data: z.object({
    groups: z.array(
      z.object({
        rules: z.array(z.object({ type: z.string(), name: z.string(), query: z.string(), labels: LabelSet })),
      }),
    ),
  }),
});
type Rule = z.infer<typeof Rules>['data']['groups'][number]['rules'][number];
const Alerts = z.array(z.object({ labels: LabelSet }));

/**
 * Finds the services that Prometheus knows, by alerting rules about errors, recorded error ratios, and counters of requests.
 *
 * @param now current time in milliseconds
 * @throws SearchFailure
 */
export async function findServices(prometheus: SearchedServer, now: number): Promise<FoundService[]> {
  const start = String(Math.floor(now / 1000) - LOOK_BACK_SECONDS);
  const names = (await request(prometheus, '/api/v1/label/__name__/values', { start }, Names)).data;
  if (names.length === 0)
    throw new SearchFailure(
      `Prometheus at ${prometheus.server.url} has no series of the last hour: check on its page /targets that it scrapes your services`,
    );
  const external = Object.fromEntries(await externalLabels(prometheus.server));
  const found = new Map<string, FoundService>();
  const add = (labels: Labels, candidate: (scopeLabels: Labels) => HealthCandidate | null): void => {
    const label = SERVICE_LABELS.find((name) => labels[name]);
    const service = label === undefined ? undefined : labels[label];
    if (label === undefined || service === undefined) return;
    const environmentLabel = ENVIRONMENT_LABELS.find((name) => labels[name]);
    const environment = environmentOf(labels) ?? environmentOf(external) ?? DEFAULT_ENVIRONMENT;
    const scopeLabels = {
      [label]: service,
      ...(environmentLabel !== undefined && { [environmentLabel]: environment }),
    };
    const key = JSON.stringify([service, environment]);
    const foundService = found.get(key) ?? { service, environment, label, candidates: [] };
    const health = candidate(scopeLabels);
    if (health !== null) foundService.candidates.push(health);
    found.set(key, foundService);
  };
  for (const rule of await rulesAboutErrors(prometheus)) {
    for (const series of await labelsOf(prometheus, rule.promql)) {
      const { labels, scopeLabels } = ruleLabels(rule, series);
      const promql = limitedTo(rule.promql, scopeLabels);
      add(labels, () => ({ promql, max: rule.max, traffic: trafficOf(promql), from: `alerting rule ${rule.name}` }));
    }
  }
  for (const metric of names.filter(isRatioName).slice(0, EXAMINED_MAX)) {
    const { data } = await request(prometheus, '/api/v1/series', { 'match[]': metric, start }, SeriesList);
    const health = (scopeLabels: Labels) => ({
      promql: limitedTo(metric, scopeLabels),
      max: null,
      traffic: null,
      from: metric,
    });
    for (const labels of unique(data)) add(labels, health);
  }
  for (const counter of names.filter(isRequestCounter).slice(0, EXAMINED_MAX)) {
    const allLabels = [...SERVICE_LABELS, ...ENVIRONMENT_LABELS, ...STATUS_LABELS].join(', ');
    const all = await labelsOf(prometheus, `count by (${allLabels}) (${counter})`);
    for (const [, sameService] of Map.groupBy(all, serviceKey)) {
      const values = new Map(
        STATUS_LABELS.map((label) => [label, new Set(sameService.map((labels) => labels[label] ?? ''))]),
      );
      add(sameService[0] ?? {}, (scopeLabels) => failureRatio(counter, scopeLabels, values));
    }
  }
  const all = [...found.values()].filter(({ candidates }) => candidates.length > 0);
  if (all.length > 0) return all.toSorted((a, b) => (foundKey(a) < foundKey(b) ? -1 : 1));
  throw new SearchFailure(
    `Prometheus at ${prometheus.server.url} has ${names.length} metrics, but none shows the errors of a service: none is a counter ` +
      `of requests with a label such as code or status, a recorded error ratio, or the subject of an alerting rule about errors. ` +
      `Write services.yaml by hand: docs/reference/configuration.md`,
  );
}

/** Returns the labels of the alerts that fire now. @throws SearchFailure */
export async function findAlerts(alertmanager: SearchedServer): Promise<Labels[]> {
  const alerts = await request(alertmanager, '/api/v2/alerts', {}, Alerts);
  return alerts.map(({ labels }) => labels);
}

/** Returns the Kubernetes objects and Argo CD applications that a metric lists. @throws SearchFailure */
export async function findObjects(
  prometheus: SearchedServer,
  metric: string,
  by: readonly string[],
): Promise<Labels[]> {
  return labelsOf(prometheus, `count by (${by.join(', ')}) (${metric})`);
}

const foundKey = ({ service, environment }: FoundService): string => JSON.stringify([service, environment]);

const environmentOf = (labels: Labels): string | undefined =>
  ENVIRONMENT_LABELS.flatMap((name) => labels[name] || [])[0];

const isRequestCounter = (metric: string): boolean =>
  COUNTER_SUFFIX.test(metric) && REQUEST_COUNTER.test(metric) && !OTHER_COUNTER.test(metric);

/** Returns the labels that name a service and its environment. */
const serviceKey = (labels: Labels): string =>
  JSON.stringify([...SERVICE_LABELS, ...ENVIRONMENT_LABELS].map((name) => labels[name] ?? ''));

const unique = (all: readonly Labels[]): Labels[] => [
  ...new Map(all.map((labels) => [serviceKey(labels), labels])).values(),
];

type ErrorRule = Rule & { promql: string; max: number };

async function rulesAboutErrors(prometheus: SearchedServer): Promise<ErrorRule[]> {
  const { data } = await request(prometheus, '/api/v1/rules', { type: 'alert' }, Rules);
  return data.groups
    .flatMap(({ rules }) => rules)
    .flatMap((rule) => {
      const limit = rule.type === 'alerting' ? limitIn(rule.query) : null;
      return limit !== null && isErrorRatio(limit.promql) ? [{ ...rule, ...limit }] : [];
    })
    .slice(0, EXAMINED_MAX);
}

/**
 * Returns the labels that name the service of one series of a rule, and those by which the rule's query is to be limited.
 * Labels that the rule adds to its alerts, and those that all of its selectors require, are not in the series.
 */
function ruleLabels({ labels: added, promql }: ErrorRule, series: Labels): { labels: Labels; scopeLabels: Labels } {
  const labelNames = [...SERVICE_LABELS, ...ENVIRONMENT_LABELS];
  const scopeLabels = Object.fromEntries(labelNames.flatMap((name) => (series[name] ? [[name, series[name]]] : [])));
  const required = labelNames.flatMap((name): [string, string][] => {
    const value = requiredValue(promql, name);
    return value === null ? [] : [[name, value]];
  });
  const fixed = Object.entries(added).filter(([, value]) => !value.includes('{{'));
  return { labels: { ...Object.fromEntries(required), ...scopeLabels, ...Object.fromEntries(fixed) }, scopeLabels };
}

async function labelsOf(prometheus: SearchedServer, promql: string): Promise<Labels[]> {
  const { data } = await request(prometheus, '/api/v1/query', { query: promql }, Vector);
  return data.result.map(({ metric }) => metric);
}

/** @throws SearchFailure if there is no valid response */
async function request<T>(
  { server, what, setting, timeoutSeconds }: SearchedServer,
  path: string,
  query: Record<string, string>,
  schema: z.ZodType<T>,
): Promise<T> {
  const serverText = `${what} at ${server.url}`;
  const failed = (problem: string, fix: string): SearchFailure => new SearchFailure(`${serverText} ${problem}: ${fix}`);
  const search = new URLSearchParams(query).toString();
  let response;
  try {
    response = await call(`${server.url}${path}${search && `?${search}`}`, {
      method: 'GET',
      headers: server.headers,
      timeoutMs: timeoutSeconds * 1000,
      maxBytes: BODY_MAX_BYTES,
    });
  } catch (error) {
    if (!(error instanceof NoResponse)) throw error;
    if (error.cause instanceof Error && error.cause.name === 'TimeoutError')
      throw failed(
        `did not answer ${path} within ${timeoutSeconds} s`,
        `check that it is ready (/-/ready), or allow more time with --timeout`,
      );
    throw failed(`cannot be reached (${error.message})`, `check that it runs, and that ${setting} is its address`);
  }
  const { status, text } = response;
  if (status === 401 || status === 403)
    throw server.headers['authorization'] === undefined
      ? failed(
          `answered ${status}, so it requires credentials, and Firebreak sends it none`,
          what === 'Prometheus'
            ? 'set PROMETHEUS_TOKEN, or PROMETHEUS_USER and PROMETHEUS_PASSWORD'
            : `set ${setting} to an address that needs none from this machine, such as a local proxy that adds them`,
        )
      : failed(
          `does not accept the credentials (${status})`,
          'check PROMETHEUS_TOKEN, or PROMETHEUS_USER and PROMETHEUS_PASSWORD',
        );
  if (status >= 300 && status < 400)
    throw failed(`answered ${path} with a redirect (${status})`, `set ${setting} to the address to which it redirects`);
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw failed(
    `answered ${path} with ${status}, but not as the API of ${what} (${truncate(text.trim() || 'an empty body', 200)})`,
    `check that ${setting} is its address, with its path prefix if it has one`,
  );
}
