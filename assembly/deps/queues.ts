import type { QueueDeps } from '../../domain/ports/deps.ts';
import { inboundQueue } from '../../stores/queues/inbound.ts';
import { signalQueue } from '../../stores/queues/signals.ts';
import { queueStats } from '../../stores/queues/stats.ts';
import { enginesOf } from '../engines.ts';
import type { Shared } from './shared.ts';

/** Creates the queues, and the engines of all workflows, which share one function. */
export const queueDeps = ({ system: { blobs }, queues, platform, settings }: Shared): QueueDeps => ({
  queue: signalQueue(queues, blobs),
  inbound: inboundQueue(queues),
  queueStats: queueStats(queues),
  ...enginesOf(platform.executions, settings.stage),
});
