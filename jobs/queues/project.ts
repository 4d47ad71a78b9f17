import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Deps } from '../../domain/ports/deps.ts';
import { grafanaProjector } from '../../projectors/grafana/grafana.ts';
import { sync, type Projector, type SideBySide } from '../../projectors/sync/sync.ts';
import { slackProjector } from '../../projectors/slack/slack.ts';
import { statuspageProjector } from '../../projectors/statuspage/statuspage.ts';
import { ticketsProjector } from '../../projectors/tickets/tickets.ts';
import { webhooksProjector } from '../../projectors/webhooks/webhooks.ts';
import { type Target, Wake } from '../../schemas/incidents/projection.ts';
import { handleBatch, NO_DEADLINE } from './queue-batch.ts';

type ProjectDeps = Omit<
  Deps,
  | 'alerts'
  | 'audit'
  | 'deployerFor'
  | 'fallbackPager'
  | 'flagsFor'
  | 'http'
  | 'metrics'
  | 'secrets'
  | 'signer'
  | 'silences'
  | 'sloMetrics'
>;

const PROJECTORS: Record<Target, (deps: ProjectDeps) => Projector> = {
  slack: slackProjector,
  statuspage: statuspageProjector,
  grafana: grafanaProjector,
  tickets: ticketsProjector,
  webhooks: webhooksProjector,
};

/** Targets that sync several subjects in parallel. Each of the others has one vendor, with sequential requests. */
const SIDE_BY_SIDE: Partial<Record<Target, SideBySide>> = {
  webhooks: { subjects: 16, pause: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }) },
};

/**
 * Syncs the due subjects of a target. Each target has a queue that wakes it. A message only names the target, so lost
 * or repeated messages are harmless.
 */
export function project(deps: ProjectDeps, event: SQSEvent, deadline = NO_DEADLINE): Promise<SQSBatchResponse> {
  const passes = new Map<Target, Promise<void>>();
  return handleBatch(deps, event, deadline, async ({ body }) => {
    const target = targetOf(body);
    if (target === undefined) return true;
    const passing = passes.get(target) ?? sync(target, deps, PROJECTORS[target](deps), SIDE_BY_SIDE[target]);
    passes.set(target, passing);
    await passing;
    return true;
  });
}

function targetOf(body: string): Target | undefined {
  try {
    return Wake.parse(JSON.parse(body)).target;
  } catch {
    return undefined; // only Firebreak writes to this queue, so an invalid message is ignored
  }
}
