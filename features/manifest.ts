import type { Command } from 'commander';
import type * as z from 'zod';
import type { Client } from '../cli/client.ts';
import type { CommandContext } from '../cli/command-context.ts';
import type { Finding } from '../domain/catalogue/doctor-findings.ts';
import type { Deps, SystemDeps } from '../domain/ports/deps.ts';
import type { Extensions } from '../domain/ports/extensions.ts';
import type { IncidentRecord } from '../schemas/incidents/incident.ts';
import type { Config } from '../schemas/config/config.ts';
import type { Executions } from '../platforms/executions.ts';
import type { Api } from '../http/endpoint.ts';
import type { Metric } from '../http/routes/metrics/exposition.ts';
import type { ConsoleParts } from '../http/web/pages/page.ts';
import type { AnyVerb, Run as RunVerb } from '../slack/commands/verb.ts';
import type { SendDue } from '../jobs/digest/deps.ts';
import type { SweepDeps } from '../jobs/sweep/deps.ts';
import type { GithubAccess } from '../integrations/github/access.ts';
import type { ProjectDeps } from '../jobs/queues/project-deps.ts';
import type { Projector } from '../projectors/sync/sync.ts';
import type { ProjectionTargetName, SubjectKind } from '../schemas/incidents/projection.ts';
import type { Table } from '../stores/core/table.ts';
import type { Run } from '../workflows/run.ts';

/**
 * What a feature consists of, beside its names: functions that load its code when they are called. Nothing but the lists in
 * `features/index.ts` and `features/names.ts` imports from the folder of a feature.
 */
export type Feature = {
  /** As its `names.ts` has it. */
  name: string;
  /** Paths at which a POST creates something, so that `Idempotency-Key` applies. */
  creates?: readonly RegExp[];

  /** Whether the configuration uses it. If not, its jobs and extensions don't run. */
  isConfigured(config: Config): boolean;
  /** Creates its stores and clients, which its code finds in `deps.features` by its name. */
  ports?(parts: FeatureParts): object;
  extensions?: { [Point in keyof Extensions]?: (deps: Deps) => Promise<PartAt<Point>> };
  workflow?: FeatureWorkflow;
  jobs?: readonly FeatureJob[];
  /** Sends messages that are due, each minute, in a function of its own. */
  sendDue?: SendDue;
  projections?: readonly FeatureProjection[];
  routes?(): Promise<(app: Api, deps: Deps) => void>;
  metrics?(): Promise<FeatureMetrics>;
  console?(): Promise<ConsoleParts>;
  /** Slack verbs by name, and what executes them: apart, because the function that answers Slack loads the verbs only. */
  verbs?(): Promise<Readonly<Record<string, AnyVerb>>>;
  runs?(): Promise<Readonly<Record<string, RunVerb<never>>>>;
  commands?(): Promise<(program: Command, context: CommandContext) => void>;
  /** Commands that are not in the help where those of features begin, each with the one that it comes after. */
  commandsAfter?: Readonly<Record<string, string>>;
  /** Adds commands to `incident`, and after it. */
  incidentCommands?(): Promise<(program: Command, incident: Command, context: CommandContext) => void>;
  /** Adds commands to `firebreak report`. */
  reports?(): Promise<(report: Command, context: CommandContext) => void>;
  /** Findings of `firebreak doctor`. */
  findings?(client: Client): Promise<Finding[]>;
};

type PartAt<Point extends keyof Extensions> = Awaited<ReturnType<Extensions[Point][number]['load']>>;

/** What the stores and clients of a feature are created from. */
export type FeatureParts = {
  system: SystemDeps;
  table: Table;
  executions: Executions;
  github: GithubAccess;
  /** Begins the names of executions. */
  stage: string;
  /** Counts the calls to a vendor under its name. */
  counted: <T extends object>(vendor: string, port: T) => T;
};

/** A durable workflow. Its input has one key of its own. */
export type FeatureWorkflow = {
  input: z.ZodType;
  run(run: Run, input: never, deps: Deps): Promise<unknown>;
};

/** Subjects that a feature shows in a target, such as `postmortem:…`. */
export type FeatureProjection = {
  kind: SubjectKind;
  target: ProjectionTargetName;
  create(deps: ProjectDeps): Promise<Projector>;
};

/** A job of the sweep, each minute. `open`: open incidents. */
export type FeatureJob = {
  name: string;
  run(deps: SweepDeps, open: readonly IncidentRecord[]): Promise<unknown>;
};

/** Metrics for Prometheus. */
export type FeatureMetrics = {
  current?(deps: Deps): Promise<Metric[]>;
  /** Those that change slowly and need many reads: cached for a minute. */
  slow?(deps: Deps): Promise<Metric[]>;
};
