import type { Deployment, LambdaFunction } from './deployment.ts';
import { IDLE, PRICES } from './prices.ts';

/** A part of the costs of a month, in US dollars. */
export type Cost = { part: string; usd: number };

/** Of an average month. */
const MINUTES = 730 * 60;
const MILLION = 1_000_000;
const GB = 1_000_000_000;

/** Returns what a deployment costs in a month without alerts, changes, and visitors. */
export function idleMonth(deployment: Deployment): Cost[] {
  const { alarms, eventSources, queues, dashboards, schedules, functions } = deployment;
  const isFifo = (arn: string): boolean => queues.some((queue) => queue.arn === arn && queue.fifo);
  const metrics = alarms.reduce((sum, alarm) => sum + alarm.metrics.length, 0);
  const composites = alarms.filter((alarm) => alarm.metrics.length === 0).length;
  const polls = (sources: number, price: number): number => (sources * MINUTES * IDLE.pollsPerMinute * price) / MILLION;
  const fifo = eventSources.filter(({ queue }) => isFifo(queue)).length;
  const jobs = schedules.flatMap(({ functionArn, everyMinutes, input }) => {
    const fn = functions.find(({ arn }) => arn === functionArn);
    return fn === undefined || everyMinutes === null ? [] : [jobCost(fn, MINUTES / everyMinutes, input)];
  });
  const sumOf = (key: keyof JobCost): number => jobs.reduce((sum, job) => sum + job[key], 0);
  const isFree = metrics <= PRICES.freeDashboardMetrics && dashboards <= PRICES.freeDashboards;
  return [
    { part: `${metrics} metrics of alarms`, usd: metrics * PRICES.alarmMetric },
    { part: `${composites} composite alarm`, usd: composites * PRICES.compositeAlarm },
    { part: 'dashboard', usd: isFree ? 0 : dashboards * PRICES.dashboard },
    {
      part: `polling ${eventSources.length} queues`,
      usd: polls(fifo, PRICES.sqsFifo) + polls(eventSources.length - fifo, PRICES.sqsStandard),
    },
    { part: `${jobs.length} schedules`, usd: sumOf('schedule') },
    { part: 'calls of their functions', usd: sumOf('compute') },
    { part: 'traces', usd: sumOf('traces') },
    { part: 'logs', usd: sumOf('logs') },
    { part: 'reads and writes of S3', usd: sumOf('storage') },
    { part: 'reads of the table', usd: sumOf('table') },
  ];
}

type JobCost = { schedule: number; compute: number; traces: number; logs: number; storage: number; table: number };

/** Returns the costs of a function that is called this often. */
function jobCost({ id, memoryMb, isTraced }: LambdaFunction, calls: number, input: string | null): JobCost {
  const isSnapshot = id === 'Snapshot';
  const mode = input?.includes('"onChange":true') ? 'onChange' : 'always';
  const estimate = Object.entries(IDLE.calls).find(([name]) => name === id.toLowerCase())?.[1];
  if (estimate === undefined) throw new Error(`scripts/platform/prices.ts: IDLE.calls has no estimate of ${id}`);
  const ms = estimate.ms + (isSnapshot ? IDLE.snapshotPauseMs[mode] : 0);
  const snapshots = isSnapshot ? MINUTES * IDLE.snapshotsPerMinute[mode] : 0;
  return {
    schedule: (calls * PRICES.scheduler) / MILLION,
    compute:
      (calls * PRICES.lambdaRequests) / MILLION + calls * (ms / 1000) * (memoryMb / 1024) * PRICES.lambdaGbSecond,
    traces: isTraced ? (calls * PRICES.xrayTraces) / MILLION : 0,
    logs: (calls * IDLE.logBytes * PRICES.logs) / GB,
    storage: (calls * estimate.s3Reads * PRICES.s3Reads + snapshots * IDLE.snapshotWrites * PRICES.s3Writes) / MILLION,
    table: (calls * estimate.reads * PRICES.dynamodbReads) / MILLION,
  };
}

export const totalOf = (costs: readonly Cost[]): number => costs.reduce((sum, { usd }) => sum + usd, 0);
