import type { ProjectionTargetName } from '../schemas/incidents/projection.ts';
import { grafanaProjector } from './grafana/grafana.ts';
import { imagesProjector } from './images/images.ts';
import { slackProjector } from './slack/slack.ts';
import { statusProjector } from './status/status.ts';
import { statuspageProjector } from './statuspage/statuspage.ts';
import { subscribersProjector } from './subscribers/subscribers.ts';
import type { Projector } from './sync/sync.ts';
import { ticketsProjector } from './tickets/tickets.ts';
import { tracesProjector } from './traces/traces.ts';
import { webhooksProjector } from './webhooks/webhooks.ts';

/** How to create the projector of a target. */
export type Creation<Deps> = {
  create: (deps: Deps) => Projector;
  /**
   * Maximum number of subjects, such as incidents or changes, that are synchronized at the same time, for a target with
   * many vendors. Absent: one after another.
   */
  parallel?: number;
};

/** The projector of each target. A target in `schemas/incidents/projection.ts` without one does not compile. */
export const PROJECTORS = {
  slack: { create: slackProjector },
  statuspage: { create: statuspageProjector },
  status: { create: statusProjector },
  subscribers: { create: subscribersProjector, parallel: 4 },
  grafana: { create: grafanaProjector },
  traces: { create: tracesProjector },
  images: { create: imagesProjector },
  tickets: { create: ticketsProjector },
  webhooks: { create: webhooksProjector, parallel: 16 },
} satisfies Record<ProjectionTargetName, Creation<never>>;

/** What the projectors need. */
export type ProjectorDeps = (typeof PROJECTORS)[ProjectionTargetName]['create'] extends (deps: infer Deps) => Projector
  ? Deps
  : never;
