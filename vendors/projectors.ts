import type { CoreTargetName } from '../schemas/incidents/projection.ts';
import { grafanaProjector } from './grafana/projector/grafana.ts';
import { imagesProjector } from './kubernetes/images/images.ts';
import { slackProjector } from './slack/projector/slack.ts';
import type { Projector } from '../core/projectors/sync.ts';
import { ticketsProjector } from '../core/projectors/tickets.ts';
import { tracesProjector } from './opentelemetry/projector/traces.ts';
import { webhooksProjector } from './webhook/projector/webhooks.ts';

/** How to create the projector of a target. */
export type Creation<Deps> = {
  create: (deps: Deps) => Projector;
  /**
   * Maximum number of subjects, such as incidents or changes, that are synchronized at the same time, for a target with
   * many vendors. Absent: one after another.
   */
  parallel?: number;
};

/** The projector of each target of the core. One in `schemas/incidents/projection.ts` without a projector does not compile. */
export const PROJECTORS = {
  slack: { create: slackProjector },
  grafana: { create: grafanaProjector },
  traces: { create: tracesProjector },
  images: { create: imagesProjector },
  tickets: { create: ticketsProjector },
  webhooks: { create: webhooksProjector, parallel: 16 },
} satisfies Record<CoreTargetName, Creation<never>>;

/** What the projectors need. */
export type ProjectorDeps = (typeof PROJECTORS)[CoreTargetName]['create'] extends (deps: infer Deps) => Projector
  ? Deps
  : never;
