import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deps as productionDeps } from '../aws/deps.ts';
import type { Deps } from '../domain/ports.ts';
import { grafanaProjector } from '../projectors/grafana.ts';
import { pass, type Projector, type SideBySide } from '../projectors/pass.ts';
import { slackProjector } from '../projectors/slack.ts';
import { statuspageProjector } from '../projectors/statuspage.ts';
import { ticketsProjector } from '../projectors/tickets.ts';
import { webhooksProjector } from '../projectors/webhooks.ts';
import { type Target, Wake } from '../schemas/projection.ts';
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

/** The others have one vendor each, which is told one thing after the other. */
const SIDE_BY_SIDE: Partial<Record<Target, SideBySide>> = {
  webhooks: { subjects: 16, pause: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }) },
};

/**
 * Woken by a queue for each target, shows what is due there. Messages carry nothing but the wish: what is lost or comes
 * twice changes nothing.
 */
export function project(deps: ProjectDeps, event: SQSEvent, deadline = NO_DEADLINE): Promise<SQSBatchResponse> {
  const passes = new Map<Target, Promise<void>>();
  return handleBatch(deps, event, deadline, async ({ body }) => {
    const target = targetOf(body);
    if (target === undefined) return true;
    const passing = passes.get(target) ?? pass(target, deps, PROJECTORS[target](deps), SIDE_BY_SIDE[target]);
    passes.set(target, passing);
    await passing;
    return true;
  });
}

function targetOf(body: string): Target | undefined {
  try {
    return Wake.parse(JSON.parse(body)).target;
  } catch {
    return undefined; // nobody but us writes here; one that cannot be read wakes nobody
  }
}

export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  project(productionDeps(), event, context);
