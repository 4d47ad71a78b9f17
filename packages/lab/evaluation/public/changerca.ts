/**
 * Reads the published cases of ChangeRCA (Yu et al., FSE 2024) from a clone of their repository, as monitoring and a CD system
 * would show them. docs/explanation/evaluation.md#published-releases has what the conversion assumes.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { type Alert, firingsOf } from '../monitored/alerting.ts';
import type { Observed } from '../monitored/ports.ts';
import type { Recorded } from '../monitored/records.ts';
import type { Service } from '../monitored/services.ts';
import { REQUESTS, ruleExpression } from '../monitored/telemetry/queries.ts';
import { NAME, type Series, type Source, sourceOf } from '../monitored/telemetry/series.ts';
import { seedOf } from '../random.ts';

/** A file `DAY/CASE/CASE.json`, as far as it is needed. Times in Unix seconds. */
const CaseFile = z.object({
  plan: z.record(
    z.string(),
    z.object({
      release_time: z.number(),
      process: z.record(
        z.string(),
        z.object({
          v1: z.number(),
          v2: z.number(),
          release_pod: z.array(z.string()),
          delete_pod: z.array(z.string()),
          release_complete_timestamp: z.number(),
        }),
      ),
    }),
  ),
  fault_release_service: z.string(),
  detect_timestamp: z.number(),
  /** The service that alerts, by the anomaly detection of the data set's authors. */
  GIED_result: z.string(),
});
type CaseFile = z.infer<typeof CaseFile>;

/** A published bad release with its alerts, of which each is judged as the first one of an incident. `cause`: the change that is bad. `published`: which incident has the published alert. */
export type PublishedCase = {
  name: string;
  cause: string;
  incidents: readonly (Observed & { isPublished: boolean })[];
};

/** Assumptions that the data set leaves open: times in seconds, shares of requests. */
const SCRAPE_SECONDS = 15;
const MINUTE = 60;
const LIMIT = 0.05;
const FOR_SECONDS = 60;
/** Time of an alert on its way. */
const DELIVERY_SECONDS = 10;
/** Alerts this long after the published one belong to the case: later, the bad version is rolled out further. */
const AFTER_SECONDS = 600;
/** Start of the old versions before the published alert. */
const OLD_SECONDS = 86_400;
/** Requests per minute of an edge that never failed in any case, so that nothing shows their number. */
const USUAL_REQUESTS = 20;

/** Largest number of requests per minute and edge that fractions are taken for. */
const REQUESTS_MAX = 2000;

/** Returns the cases of a clone, or of a folder with the same layout. @throws Error if there is none */
export function* publishedCases(dir: string): Generator<PublishedCase> {
  const folders = caseFolders(dir);
  if (folders.length === 0) throw new Error(`${dir} has no cases: clone the repository, and name its folder`);
  const requests = requestsPerMinute(folders);
  for (const folder of folders) yield publishedCase(folder, requests);
}

/** Returns the folders `data/DAY/CASE` that have a file `CASE.json`. */
function caseFolders(dir: string): string[] {
  const data = join(dir, 'data');
  if (!existsSync(data)) return [];
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(entry.parentPath, entry.name, `${entry.name}.json`)))
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

type Row = Readonly<Record<string, string>>;

function rowsOf(file: string): Row[] {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
  });
}

/** Returns the share of a cell in per cent. Null: no requests. */
function shareOf(cell: string | undefined): number | null {
  const share = cell === undefined || cell === '' ? NaN : Number(cell) / 100;
  return Number.isNaN(share) ? null : share;
}

/** Returns the smallest number of requests of which a share is exact. Null: none up to the largest number. */
function denominatorOf(share: number): number | null {
  for (let count = 1; count <= REQUESTS_MAX; count += 1)
    if (Math.abs(Math.round(share * count) / count - share) < 1e-9) return count;
  return null;
}

/** Returns the requests per minute of each edge, by the fractions of its success rates in all cases: counts are not published. */
function requestsPerMinute(folders: readonly string[]): (edge: string) => number {
  const found = new Map<string, number[]>();
  for (const folder of folders)
    for (const { time: _, timestamp: __, ...edges } of rowsOf(join(folder, TOTALS)))
      for (const [edge, cell] of Object.entries(edges)) {
        const share = shareOf(cell);
        const count = share === null || share <= 0 || share >= 1 ? null : denominatorOf(share);
        if (count !== null) found.set(edge, [...(found.get(edge) ?? []), count]);
      }
  return (edge) => {
    const counts = (found.get(edge) ?? []).toSorted((a, b) => a - b);
    return counts[Math.floor(counts.length / 2)] ?? USUAL_REQUESTS;
  };
}

/** The success rates of an instance on one edge, by minute. */
type Measured = {
  service: string;
  pod: string;
  version: string;
  edge: string;
  points: { at: number; share: number | null }[];
};

const PUBLISHED = 'Published';
/** Success rates of each edge over all instances, as its receivers see them. */
const TOTALS = 'destination_success.csv';
const POD = /^(([a-z]+)-v\d+-[^_]+)_([a-z]+)_([a-z]+)\.csv$/;

/**
 * Reads the success rates of all instances. A service is measured by the requests that it receives; one that no other service
 * calls, by those that it sends.
 */
function measuredIn(folder: string, { plan }: CaseFile, called: ReadonlySet<string>): Measured[] {
  const all = readdirSync(folder).flatMap((file): Measured[] => {
    const [, pod, service, source, target] = POD.exec(file) ?? [];
    if (pod === undefined || service === undefined) return [];
    if (service !== (called.has(service) ? target : source)) return [];
    const points = rowsOf(join(folder, file)).map((row) => ({
      at: Number(row['Timestamp']),
      share: shareOf(row['SuccessRate']),
    }));
    return [{ service, version: versionOf(pod), pod, edge: `${source}_${target}`, points }];
  });
  return withFailing(withReplacements(all, plan), plan, rowsOf(join(folder, TOTALS)));
}

/**
 * Adds new instances without a file on an edge. The published ratio has no value for an instance without any success, so such
 * an instance failed all requests of a minute if the errors of all instances are more than those that the files have; otherwise,
 * it had none.
 */
function withFailing(measured: readonly Measured[], plan: CaseFile['plan'], totals: readonly Row[]): Measured[] {
  const edges = Object.keys(totals[0] ?? {}).filter((name) => name.includes('_'));
  const missing = edges.flatMap((edge) => {
    const service = edge.slice(edge.indexOf('_') + 1);
    const known = measured.filter((one) => one.edge === edge && one.service === service);
    const pods = Object.values(plan[service]?.process ?? {}).flatMap((step) =>
      step.release_pod.map((pod) => ({ pod, from: step.release_complete_timestamp })),
    );
    const without = pods.filter(({ pod }) => known.every((one) => one.pod !== pod));
    const points = totals.flatMap((row) => {
      const [at, total] = [Number(row['timestamp']), shareOf(row[edge])];
      const started = without.filter(({ from }) => from <= at);
      if (total === null || started.length === 0) return [];
      const shares = known.flatMap(
        (one) => one.points.find((point) => minuteOf(point.at) === minuteOf(at))?.share ?? [],
      );
      const failed = shares.reduce((sum, share) => sum + 1 - share, 0);
      // Of equal parts of the requests, one for each instance.
      const unexplained = ((1 - total) * (shares.length + started.length) - failed) / started.length;
      return unexplained > 0.5 ? started.map(({ pod }) => ({ pod, at, share: 0 })) : [];
    });
    return without.map(({ pod }) => ({
      service,
      version: versionOf(pod),
      pod,
      edge,
      points: points.filter((point) => point.pod === pod),
    }));
  });
  return [...measured, ...missing.filter(({ points }) => points.length > 0)];
}

const minuteOf = (at: number): number => Math.round(at / MINUTE);

/**
 * The file of a deleted instance goes on with the points of the one that has replaced it, which may have no file of its own.
 * Gives them to that one.
 */
function withReplacements(all: readonly Measured[], plan: CaseFile['plan']): Measured[] {
  const steps = Object.values(plan).flatMap(({ process }) => Object.values(process));
  return steps.reduce(
    (measured, { release_pod: started, delete_pod: deleted, release_complete_timestamp: ended }) => {
      const first = measured
        .filter(({ pod }) => started.includes(pod))
        .flatMap(({ points }) => points.map(({ at }) => at));
      const end = Math.min(ended, ...first);
      return measured.flatMap((one) => {
        const by = deleted.includes(one.pod) ? started[deleted.indexOf(one.pod)] : undefined;
        if (by === undefined) return [one];
        const before = { ...one, points: one.points.filter(({ at }) => at < end) };
        if (measured.some(({ pod, edge }) => pod === by && edge === one.edge)) return [before];
        const points = one.points.filter(({ at }) => at >= end);
        return points.length === 0 ? [before] : [before, { ...one, pod: by, version: versionOf(by), points }];
      });
    },
    [...all],
  );
}

const versionOf = (pod: string): string => pod.split('-')[1] ?? '';

/** Returns the counters of all instances, relative to a start. Requests of an edge are the same for each instance that has some. */
function seriesOf(all: readonly Measured[], requests: (edge: string) => number, start: number): Series[] {
  const served = new Map<string, number>();
  const keyOf = ({ service, edge }: Measured, at: number) => `${service} ${edge} ${minuteOf(at)}`;
  for (const one of all)
    for (const { at, share } of one.points)
      if (share !== null) served.set(keyOf(one, at), (served.get(keyOf(one, at)) ?? 0) + 1);
  return all.flatMap((one) => {
    const { service, version, pod, edge, points } = one;
    const labels = { service, environment: 'production', version, pod, edge };
    const counters = { 200: 0, 500: 0 };
    const samples = { times: [] as number[], 200: [] as number[], 500: [] as number[] };
    const sample = (at: number, part: number, added: { 200: number; 500: number }) => {
      samples.times.push(at - start);
      for (const code of [200, 500] as const) samples[code].push(counters[code] + part * added[code]);
    };
    for (const [index, { at, share }] of points.entries()) {
      const count = share === null ? 0 : countOf(share, requests(edge) / (served.get(keyOf(one, at)) ?? 1));
      const added = { 200: Math.round(count * (share ?? 0)), 500: count - Math.round(count * (share ?? 0)) };
      if (index === 0) sample(at - MINUTE, 0, added);
      for (let part = SCRAPE_SECONDS; part <= MINUTE; part += SCRAPE_SECONDS)
        sample(at - MINUTE + part, part / MINUTE, added);
      for (const code of [200, 500] as const) counters[code] += added[code];
    }
    return ([200, 500] as const).map((code) => ({
      labels: { ...labels, [NAME]: REQUESTS, code: String(code) },
      times: samples.times,
      values: samples[code],
      stale: null,
      delay: 0,
    }));
  });
}

/** Returns the number of requests near the expected one of which the share is exact. */
function countOf(share: number, expected: number): number {
  const exact = denominatorOf(share) ?? 1;
  return exact * Math.max(1, Math.round(expected / exact));
}

function publishedCase(folder: string, requests: (edge: string) => number): PublishedCase {
  const name = basename(folder);
  const file = CaseFile.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')));
  const calls = rowsOf(join(folder, 'dependency.csv')).flatMap(({ Source: from = '', Target: to = '' }) =>
    /^[a-z]+$/.test(to) ? [{ from, to }] : [],
  );
  const names = [...new Set([...calls.flatMap(({ from, to }) => [from, to]), ...Object.keys(file.plan)])];
  const measured = measuredIn(folder, file, new Set(calls.map(({ to }) => to)));
  const start = Math.min(...measured.flatMap(({ points }) => points.map(({ at }) => at))) - MINUTE;
  const services = names.map((service) => serviceOf(service, calls));
  const telemetry = sourceOf(seriesOf(measured, requests, start));
  const recorded = names.flatMap((service, index) => recordedOf(service, index, { file, start }));
  const alerts = alertsOf(file, services, { telemetry, start });
  const observed = alerts.map((alert): PublishedCase['incidents'][number] => ({
    id: `${name}-${alert.service}-${alert.at}`,
    world: { seed: seedOf(0, name), epoch: start },
    stage: {
      services,
      recorded,
      delivery: { reports: 'both', skew: 0, delay: 1 },
      recovered: null,
      earlier: null,
      unknownMigration: 'approve',
    },
    telemetry,
    alert,
    others: alerts.filter((one) => one.service !== alert.service),
    at: alert.at + 1,
    isPublished: alert.alertname === PUBLISHED,
  }));
  return { name, cause: changeId(names.indexOf(file.fault_release_service), 2), incidents: observed };
}

const changeId = (service: number, version: number): string =>
  `chg_${version.toString(16).padStart(2, '0')}${service.toString(16).padStart(24, '0')}`;

/** Returns the old version of a service, and the new one that is rolled out. */
function recordedOf(service: string, index: number, { file, start }: { file: CaseFile; start: number }): Recorded[] {
  const deploy = (number: number, at: number): Recorded => ({
    id: changeId(index, number),
    service,
    environment: 'production',
    version: `v${number}`,
    previous: number === 1 ? null : `v${number - 1}`,
    kind: 'deploy',
    start: at - start,
    finish: at - start + MINUTE,
    hasMigration: false,
    canarySteps: [],
    rolledBackBy: null,
    madeFor: null,
  });
  const old = deploy(1, file.detect_timestamp - OLD_SECONDS);
  const release = file.plan[service];
  if (release === undefined) return [old];
  const steps = Object.values(release.process).toSorted((a, b) => a.v2 - b.v2);
  const [first] = steps;
  const deployed = deploy(2, release.release_time);
  const canarySteps = first === undefined ? [] : [{ at: deployed.start, share: first.v2 / (first.v1 + first.v2) }];
  return [old, { ...deployed, finish: Infinity, canarySteps }];
}

function serviceOf(name: string, calls: readonly { from: string; to: string }[]): Service {
  return {
    name,
    layer: 1,
    rate: 1,
    daily: { amplitude: 0, peakHour: 12 },
    noise: 0,
    instances: 3,
    identity: 'pods',
    baseErrors: 0,
    latency: 0.1,
    calls: calls.filter(({ from }) => from === name).map(({ to }) => ({ to, coupling: 1, isDeclared: true, lag: 0 })),
    monitoring: { scrapeInterval: SCRAPE_SECONDS, missed: 0, delay: 0, isVersioned: true, hasLazyErrors: false },
    health: { form: 'ratio_or_zero', window: '1m', max: LIMIT, hasTraffic: true, hasByVersion: true },
    rule: {
      form: 'health',
      alertname: `${name}Errors`,
      level: 1,
      forSeconds: FOR_SECONDS,
      intervalSeconds: SCRAPE_SECONDS,
      isReadable: true,
    },
  };
}

/** Returns the published alert, which nothing resolves, and those of an alerting rule of each service. */
function alertsOf(
  { GIED_result: service, detect_timestamp: detected }: CaseFile,
  services: readonly Service[],
  { telemetry, start }: { telemetry: Source; start: number },
): (Alert & { at: number })[] {
  const firedAt = detected - start;
  const published = { labels: {}, activeAt: firedAt, firedAt, resolvedAt: Infinity, service, alertname: PUBLISHED };
  const ruled = services.flatMap((one) => {
    const rule = { ...one.rule, expression: ruleExpression(one, one.rule) };
    return firingsOf(rule, telemetry, { from: 0, until: firedAt + AFTER_SECONDS }).map((firing) => ({
      ...firing,
      service: one.name,
      alertname: one.rule.alertname,
    }));
  });
  return [published, ...ruled]
    .map((alert) => ({ ...alert, at: alert.firedAt + DELIVERY_SECONDS }))
    .toSorted((a, b) => a.at - b.at);
}
