import {
  type Count,
  COUNTERS,
  type CounterName,
  DELAY_SUM,
  ROUTING_DELAY_BUCKETS,
  zerosOf,
} from '../../../../core/domain/incidents/metrics.ts';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { ApiDeps } from '../../deps.ts';
import type { QueueOperations } from '../../../../core/domain/ports/system.ts';
import type { Projections } from '../../../../core/domain/incidents/projections.ts';
import { counter, fromZero, gauge, histogram, labelled, type Metric, type Sample, timeSampleOf } from './exposition.ts';

type OperationsDeps = Pick<ApiDeps, 'backlog' | 'config' | 'counters'>;

/**
 * Returns the queue metrics. If the queues do not answer, only their samples are missing, and an alert rule can detect the absence.
 */
export async function queueMetrics({
  queues: operations,
  projections,
  log,
}: Pick<Deps, 'log'> & { queues: QueueOperations; projections: Projections }): Promise<Metric[]> {
  const [queues, due] = await Promise.all([
    operations.read().catch((error: unknown) => {
      log.warn('the message counts of the queues could not be read', { error: String(error) });
      return [];
    }),
    projections.dueAnywhere(),
  ]);
  return [
    gauge(
      'firebreak_queue_messages',
      'Approximate number of messages in a queue: waiting, in flight (received but not deleted), delayed, or dead (failed too often; on one machine only)',
      queues.flatMap(({ queue, visible, inFlight, delayed, dead }): Sample[] => [
        [{ queue, state: 'waiting' }, visible],
        [{ queue, state: 'in_flight' }, inFlight],
        [{ queue, state: 'delayed' }, delayed],
        ...(dead === undefined ? [] : [[{ queue, state: 'dead' }, dead] as Sample]),
      ]),
    ),
    gauge(
      'firebreak_queue_oldest_message_seconds',
      'Age of the oldest message in a queue that is not dead; 0 if there is none. On one machine only: on AWS, see ApproximateAgeOfOldestMessage',
      queues.flatMap(({ queue, oldestSeconds }): Sample[] =>
        oldestSeconds === undefined ? [] : [[{ queue }, oldestSeconds]],
      ),
    ),
    gauge(
      'firebreak_projections_due',
      'Incidents and notices with changes that are not yet sent to a target',
      [...due].map(([target, all]) => [{ target }, all.length]),
    ),
    gauge(
      'firebreak_projections_due_oldest_timestamp_seconds',
      'Since when the oldest due projection waits, in seconds since the epoch; absent if none is due',
      [...due].flatMap(([target, all]) =>
        timeSampleOf({ target }, all.map(({ since }) => since).toSorted()[0] ?? null),
      ),
    ),
  ];
}

/** Returns the metrics of effects that have no outcome yet. */
export async function effectMetrics({ backlog }: OperationsDeps): Promise<Metric[]> {
  const effects = await backlog.effects();
  return [
    gauge(
      'firebreak_effects_unfinished',
      'Effects (calls that change something outside) that started in the last 24 hours and have no outcome yet, by kind',
      effects.map(({ kind, waiting }) => [{ kind }, waiting.count]),
    ),
    gauge(
      'firebreak_effects_unfinished_oldest_timestamp_seconds',
      'When the oldest unfinished effect started, in seconds since the epoch; absent if there is none',
      effects.flatMap(({ kind, waiting }) => timeSampleOf({ kind }, waiting.oldest)),
    ),
  ];
}

/** Returns the stored counters, and the pages among the counted effects. */
export async function counterMetrics({ counters, config }: OperationsDeps): Promise<Metric[]> {
  const [all, { services }] = await Promise.all([counters.read(), config.current()]);
  const names = Object.keys(services);
  const countsOf = (name: CounterName): Count[] => all.filter((count) => count.name === name);
  const pages = countsOf('firebreak_effects_total').filter(({ labels: [kind = ''] }) => kind in PAGE_ROUTES);
  return [
    ...Object.entries(COUNTERS).map(([name, { help, labels }]) => {
      const counts = countsOf(name as CounterName);
      if (name === 'firebreak_alerts_routing_delay_seconds') return delays(name, help, counts);
      return counter(name, help, samplesOf(zerosOf(name as CounterName, names), counts, labels));
    }),
    counter(
      'firebreak_pages_total',
      'Finished pages, by route and outcome',
      samplesOf(PAGE_ZEROS, pages, ['kind', 'outcome']).map(([{ kind = '', outcome = '' }, by]) => [
        { route: PAGE_ROUTES[kind] ?? kind, outcome },
        by,
      ]),
    ),
  ];
}

/** Routes of pages, by the kind of effect. */
const PAGE_ROUTES: Partial<Record<string, string>> = { page: 'pager', 'page-fallback': 'second' };
const PAGE_ZEROS = Object.keys(PAGE_ROUTES).flatMap((kind) =>
  ['succeeded', 'failed'].map((outcome): Count => ({
    name: 'firebreak_effects_total',
    labels: [kind, outcome],
    by: 0,
  })),
);

/** Returns the samples of counts, and zeros for those that are not counted yet. */
const samplesOf = (zeros: readonly Count[], counts: readonly Count[], names: readonly string[]): Sample[] =>
  fromZero(zeros, counts, ({ labels }) => labels).map(({ labels, by }) => [labelled(names, labels), by]);

/** Returns the cumulative histogram of stored counts, which are separate for each bucket. */
function delays(name: string, help: string, counts: readonly Count[]): Metric {
  const by = (le: string): number => counts.find(({ labels }) => labels[0] === le)?.by ?? 0;
  return { name, help, type: 'histogram', samples: histogram({}, ROUTING_DELAY_BUCKETS, by, by(DELAY_SUM)) };
}
