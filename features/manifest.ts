import type { Command } from 'commander';
import type * as z from 'zod';
import type { Client } from '../entrances/cli/client.ts';
import type { CommandContext } from '../entrances/cli/command-context.ts';
import type { Finding } from '../core/domain/catalogue/doctor-findings.ts';
import type { UserCache } from '../core/domain/ports/messages.ts';
import type { Deps } from '../core/domain/ports/deps.ts';
import type { AuditLog } from '../core/domain/ports/audit.ts';
import type { ReportKind, Reports } from '../core/domain/ports/reports.ts';
import type { Scope } from '../core/domain/access/access.ts';
import type { EvidencePacks } from '../core/domain/ports/evidence.ts';
import type { HealthSamples } from '../core/domain/ports/health-samples.ts';
import type { Projections } from '../core/domain/incidents/projections.ts';
import type { Silences } from '../core/domain/ports/silences.ts';
import type { RollbackGates } from '../core/domain/ports/rollback.ts';
import type { Blobs, Counters, Secrets } from '../core/domain/ports/system.ts';
import type { ReportDeps } from '../core/actions/changes/report-change.ts';
import type { Problem } from '../core/domain/lint/problem.ts';
import type { Extensions, PortsOfFeatures } from '../core/domain/ports/extensions.ts';
import type { Action } from '../schemas/access/access.ts';
import type { Config } from '../schemas/config/config.ts';
import type { PublicFiles } from '../platforms/blobs.ts';
import type { Slo } from '../schemas/slo/slo.ts';
import type { Executions } from '../platforms/executions.ts';
import type { LintedFile } from '../core/domain/lint/source-locations.ts';
import type { Api } from '../entrances/http/endpoint.ts';
import type { Metric } from '../entrances/http/routes/metrics/exposition.ts';
import type { ConsoleParts } from '../entrances/console/pages/page.ts';
import type { RunVerb } from '../entrances/slack/commands/verb.ts';
import type { SendDue } from '../core/jobs/digest/deps.ts';
import type { SweepJob } from '../core/jobs/sweep/job.ts';
import type { GithubAccess } from '../vendors/github/access.ts';
import type { ProjectDeps } from '../core/jobs/queues/project-deps.ts';
import type { Projector } from '../core/projectors/sync.ts';
import type { ProjectionTargetName, Subject, SubjectKind } from '../schemas/incidents/projection.ts';
import type { Table } from '../core/stores/table.ts';
import type { AuditLogTable } from '../core/stores/audit/audit-log.ts';
import type { Run } from '../workflows/run.ts';

/**
 * What a feature consists of, beside its names: functions that load its code when they are called. Nothing but the lists in
 * `features/index.ts` and `features/names.ts` imports from the folder of a feature.
 */
export type Feature = {
  /** As its `names.ts` has it. */
  name: string;
  /** Other features whose code it imports. They can be left out only together with it. */
  requires?: readonly string[];
  /** Paths at which a POST creates something, so that `Idempotency-Key` applies. */
  creates?: readonly RegExp[];

  /** Whether the configuration uses it. If not, its jobs and extensions don't run. */
  isConfigured(config: Config): boolean;
  /** Creates its stores and clients, which its code finds in `deps.features` by its name. */
  ports?(parts: FeatureParts): object;
  extensions?: { [Point in keyof Extensions]?: (deps: FeatureDeps) => Promise<PartAt<Point>> };
  workflow?: FeatureWorkflow;
  jobs?: readonly FeatureJob[];
  /** Sends messages that are due, each minute, in a function of its own. */
  sendDue?: SendDue;
  projections?: readonly FeatureProjection[];
  /** Answer the requests to functions of its own, by the name of the function. */
  apps?: Readonly<Record<string, (deps: FeatureDeps) => Promise<App>>>;
  /** Run each minute in functions of their own, by the name of the function. */
  schedules?: Readonly<Record<string, (deps: FeatureDeps) => Promise<ScheduledJob>>>;
  /** Files that describe the objectives of the configuration, in a folder of it. */
  objectives?: { folder: string; load(): Promise<ObjectiveFiles> };
  routes?(): Promise<(app: Api, deps: FeatureDeps) => void>;
  /** Adds middleware around the routes. A refused request does not reach it, nor does a repeated one whose response is known. */
  middleware?(): Promise<(app: Api, deps: FeatureDeps) => void>;
  /** Adds middleware that sees all responses, also those of the rate limit and those to repeated requests. */
  outerMiddleware?(): Promise<(app: Api, deps: FeatureDeps) => void>;
  /** Writes what waits in memory, before the process ends. */
  flush?(deps: FeatureDeps): Promise<void>;
  metrics?(): Promise<FeatureMetrics>;
  /** Compute its reports over many records, by the name of the report (`core/domain/ports/reports.ts`). */
  computes?: Readonly<Record<string, () => Promise<ComputeReport>>>;
  console?(): Promise<ConsoleParts>;
  /** Execute its Slack verbs, which `features/verbs.ts` lists. */
  runs?(): Promise<Readonly<Record<string, RunVerb<never>>>>;
  commands?(): Promise<(program: Command, context: CommandContext) => void>;
  /** Commands that are not in the help where those of features begin, each with the one that it comes after. */
  commandsAfter?: Readonly<Record<string, string>>;
  /** Adds commands to `incident`, and after it. */
  incidentCommands?(): Promise<(program: Command, incident: Command, context: CommandContext) => void>;
  /** Adds commands to `firebreak report`. */
  reports?(): Promise<(report: Command, context: CommandContext) => void>;
  /** Return the problems of its valid files in the configuration folder, by name without extension. */
  lints?: Readonly<Record<string, (config: Omit<Config, 'runbooks'>, file: LintedFile) => Promise<Problem[]>>>;
  /** Findings of `firebreak doctor`. */
  findings?(client: Client): Promise<Finding[]>;
};

/** What answers HTTP requests. */
export type App = { fetch(request: Request, ...more: never[]): Response | Promise<Response> };

export type ScheduledJob = (event?: unknown) => Promise<unknown>;

type PartAt<Point extends keyof Extensions> = Awaited<ReturnType<Extensions[Point][number]['load']>>;

/** What all stores and clients are created from. */
export type SystemDeps = Pick<Deps, 'clock' | 'config' | 'log' | 'standIns'> & {
  blobs: Blobs;
  counters: Counters;
  secrets: Secrets;
};

/** What the code of features takes, whatever starts it. */
export type FeatureDeps = Deps &
  SystemDeps &
  ReportDeps & {
    audit: AuditLog;
    evidencePacks: EvidencePacks;
    healthSamples: HealthSamples;
    features: PortsOfFeatures;
    projections: Projections;
    reports: Reports;
    rollbackGates: RollbackGates;
    silences: Silences;
    userCache: UserCache;
  };

/** What the jobs of features take. */
export type FeatureJobDeps = ReportDeps &
  Pick<
    FeatureDeps,
    | 'audit'
    | 'blobs'
    | 'evidencePacks'
    | 'healthSamples'
    | 'incidentGroups'
    | 'extensions'
    | 'features'
    | 'metricQueries'
    | 'metrics'
    | 'pins'
    | 'projections'
    | 'publicUrl'
    | 'silences'
    | 'userCache'
    | 'writeProbe'
  >;

/**
 * Computes a report, from and to plain data: another thread can ask for it.
 *
 * @param may whether the reader may do something in a scope
 */
export type ComputeReport<Input = never, Result = unknown> = (
  deps: FeatureDeps,
  input: Input,
  may: (action: Action, scope: Scope) => boolean,
) => Promise<Result>;

/** The function that computes a report. */
export type ComputeOf<Kind> = Kind extends ReportKind<infer Input, infer Result> ? ComputeReport<Input, Result> : never;

/** What the stores and clients of a feature are created from. */
export type FeatureParts = {
  system: SystemDeps;
  table: Table;
  /** Records something in the transaction in which it is stored. */
  audit: AuditLogTable;
  /** Wakes the projectors of subjects. */
  changed(...subjects: Subject[]): Promise<void>;
  executions: Executions;
  github: GithubAccess;
  /** Files that a static host serves. */
  publicFiles: PublicFiles;
  /** Begins the names of executions. */
  stage: string;
  /** Counts the calls to a vendor under its name. */
  counted: <T extends object>(vendor: string, port: T) => T;
};

/** A durable workflow. Its input has one key of its own. */
export type FeatureWorkflow = {
  input: z.ZodType;
  run(run: Run, input: never, deps: FeatureDeps): Promise<unknown>;
};

/** Subjects that a feature shows in a target. */
export type FeatureProjection = {
  /** Such as `postmortem`. Absent: the target is the feature's own, with all its subjects. */
  kind?: SubjectKind;
  target: ProjectionTargetName;
  /** As for targets of the core. */
  parallel?: number;
  create(deps: ProjectDeps): Promise<Projector>;
};

/** `untilEnded`: also runs if the configuration no longer uses the feature, because what has begun must end in order. */
export type FeatureJob = SweepJob<FeatureJobDeps> & { untilEnded?: true };

/** Reads the objectives in the files below a folder. Without the folder, there are none. */
export type ObjectiveFiles = {
  /** Returns the objectives. On errors, `value` is undefined, and `problems` lists them as `file:line: message`. */
  load(dir: string): Promise<{ value: Slo[] | undefined; problems: string[] }>;
  /** Returns all errors and warnings, in order. @param services the catalogue, for the names of services */
  lint(dir: string, services: Config['services']): Promise<Problem[]>;
  /** Returns the names of the files. */
  files(dir: string): Promise<string[]>;
};

/** Metrics for Prometheus, which the background thread reads as a report. */
export type FeatureMetrics = {
  current?(deps: FeatureDeps): Promise<Metric[]>;
  /** Those that change slowly and need many reads: a report of their own, which is reused for up to a minute. */
  slow?(deps: FeatureDeps): Promise<Metric[]>;
};

/** Returns a function that adds the stores and clients of features to dependencies. */
export const portsAdder =
  <Ports extends object>(...names: readonly string[]) =>
  <D extends { features: PortsOfFeatures }>(deps: D): D & Ports =>
    Object.assign({ ...deps }, ...names.map((name) => deps.features[name])) as D & Ports;
