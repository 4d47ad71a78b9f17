import * as z from 'zod';
import type { Config } from '../config/config.ts';
import { Timestamp } from '../time/time.ts';

/**
 * What is shown: its kind and id. A component is shown with the incidents that affect it. `pins` are the pinned versions
 * of a service and environment; `freeze-gates` are what a freeze closes in a cluster for one.
 */
const SubjectKind = z.enum([
  'incident',
  'change',
  'freeze',
  'notice',
  'ticket',
  'component',
  'public-incident',
  'maintenance',
  'subscription',
  'pins',
  'pipeline-run',
  'postmortem',
  'freeze-gates',
]);
export type SubjectKind = z.infer<typeof SubjectKind>;
export const Subject = z.templateLiteral([SubjectKind, ':', z.string().min(1)]);
export type Subject = z.infer<typeof Subject>;

/** A system that shows incidents, changes, freezes, and alert notices. */
export type ProjectionTarget = {
  /** The subjects that it shows. */
  shows: readonly SubjectKind[];
  /** The environment variables without which it is off. Empty: the configuration names its credentials. */
  credentials: readonly string[];
  /** Returns whether the configuration gives it anything to show. Absent: always. */
  isUsed?: (config: Config) => boolean;
  /** The feature that has its projector, and knows whether the configuration uses it. Absent: none. */
  feature?: string;
};

/**
 * All projection targets. Each has its own queue and rate limits: queues with their variables, permissions, and alarms
 * follow from this list. The compiler requires a projector for each in `vendors/projectors.ts`, except for those of features.
 */
export const PROJECTION_TARGETS = {
  slack: { shows: ['incident', 'notice'], credentials: ['SLACK_BOT_TOKEN'] },
  statuspage: {
    shows: ['incident', 'maintenance'],
    credentials: ['STATUSPAGE_API_KEY'],
    feature: 'status-page',
  },
  status: { shows: ['incident'], credentials: [], feature: 'status-page' },
  subscribers: {
    shows: ['public-incident', 'maintenance', 'subscription'],
    credentials: [],
    feature: 'status-page',
  },
  grafana: { shows: ['incident', 'change', 'freeze'], credentials: ['GRAFANA_TOKEN', 'GRAFANA_URL'] },
  traces: { shows: ['change', 'pipeline-run'], credentials: ['OTEL_EXPORTER_OTLP_ENDPOINT'] },
  images: {
    shows: ['pins'],
    credentials: [],
    isUsed: ({ services }) =>
      Object.values(services).some(({ environments }) =>
        Object.values(environments).some(
          ({ deployer, imageAutomation }) => deployer?.kind === 'argo-cd' || imageAutomation !== undefined,
        ),
      ),
  },
  gates: { shows: ['freeze', 'incident', 'freeze-gates'], credentials: [], feature: 'freeze' },
  tickets: { shows: ['ticket', 'postmortem'], credentials: [] },
  webhooks: {
    shows: ['incident', 'change', 'postmortem'],
    credentials: [],
    isUsed: ({ response }) => response.webhooks.length > 0 || response.pagerduty.changeEvents,
  },
} as const satisfies Record<string, ProjectionTarget>;

export type ProjectionTargetName = keyof typeof PROJECTION_TARGETS;
/** Those that the core shows things in. */
export type CoreTargetName = {
  [Name in ProjectionTargetName]: (typeof PROJECTION_TARGETS)[Name] extends { feature: string } ? never : Name;
}[ProjectionTargetName];
export const PROJECTION_TARGET_NAMES = Object.keys(PROJECTION_TARGETS) as readonly ProjectionTargetName[];

/** A message in a projector's queue; its reader looks up in the table what is due. */
export const WakeMessage = z.object({ target: z.enum(PROJECTION_TARGET_NAMES) });
export type WakeMessage = z.infer<typeof WakeMessage>;

/** Remaining calls of each method, and blocked times (`at`: their start). Milliseconds since the Unix epoch. */
export const RateLimitState = z.object({
  buckets: z.record(z.string(), z.object({ left: z.number(), at: z.number() })).default({}),
  blocked: z
    .record(z.string(), z.object({ until: z.number(), failures: z.number(), at: z.number().optional() }))
    .default({}),
});
export type RateLimitState = z.infer<typeof RateLimitState>;

/** A message that is, or may be, in a channel. `intended`: may have been sent. `free`: was certainly not sent. */
export const SentMessage = z.object({
  state: z.enum(['intended', 'done', 'free']),
  /** When it was intended. */
  at: Timestamp,
  channel: z.string().nullable(),
  id: z.string().nullable(),
});
export type SentMessage = z.infer<typeof SentMessage>;
