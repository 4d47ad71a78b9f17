import * as z from 'zod';
import { ChangeId, EnvironmentName, ServiceName, Version } from '../config/names.ts';
import { readAs } from '../parsing/read-as.ts';
import { Timestamp } from '../time/time.ts';
import { Artifact, AUTHOR_MAX_CHARS, ChangeKind, ChangeStatus } from './change.ts';

/** Systems that report changes by themselves. */
export const ReportSource = z.enum([
  'github',
  'gitlab',
  'argo-cd',
  'flux',
  'flagger',
  'argo-rollouts',
  'aws',
  'kubernetes',
  'cdevents',
  'launchdarkly',
  'flags',
  'terraform',
  'drift',
]);
export type ReportSource = z.infer<typeof ReportSource>;

/** Limit for the names in a report. */
const TEXT_MAX_CHARS = 2048;
const Text = z.string().min(1).max(TEXT_MAX_CHARS);

/** What the sender names. The catalogue maps it to services and environments; it is never guessed. */
export const ReportSubject = z.object({
  /** `owner/name`, or the path of a GitLab project. */
  repository: Text.optional(),
  /** Folder in a monorepo. */
  path: Text.optional(),
  /** Image without tag and digest. */
  image: Text.optional(),
  argoApplication: Text.optional(),
  /** `Kind/namespace/name` */
  fluxObject: Text.optional(),
  /** ARN or `cluster/service` */
  ecsService: Text.optional(),
  /** `name:alias` */
  lambdaFunction: Text.optional(),
  /** `application/group` */
  codedeployGroup: Text.optional(),
  /** `namespace/Kind/name`, with `cluster/` before it if the sender names the cluster. */
  kubernetesWorkload: Text.optional(),
  terraformWorkspace: Text.optional(),
  flag: Text.optional(),
  /** The service, if the sender names it as the catalogue does. */
  service: Text.optional(),
  /** The sender's name of the environment. */
  environment: Text.optional(),
});
export type ReportSubject = z.infer<typeof ReportSubject>;

const ReportedCommit = z.object({ sha: z.string().min(1).max(256), committed_at: Timestamp.nullable() });

/** Values that a report can contain. Each replaces a value that an earlier event of the same rollout has reported. */
const values = {
  kind: ChangeKind,
  version: Version,
  commit: z.string().min(1).max(256),
  artifact: Artifact,
  committed_at: Timestamp,
  commits: z.array(ReportedCommit).max(500),
  finished_at: Timestamp,
  /** When the version was applied, from senders whose `at` can be about what runs since. */
  applied_at: Timestamp,
  author: z.string().min(1).max(AUTHOR_MAX_CHARS),
  url: z.string().min(1).max(2048),
  previous_version: z.string().min(1).max(256),
  has_migration: z.boolean(),
  images: z.array(Text).max(100),
  /** Key of the action by which Firebreak made the change, as the sender repeats it. */
  action: z.string().max(256),
};

/** What one event of another system says about one rollout. */
export const ChangeReport = z
  .object({
    source: ReportSource,
    /** The sender's own identity of this rollout, the same for all of its events. */
    key: Text,
    /**
     * The object whose state `key` names. Set by senders that name the state an object is brought to, instead of the
     * rollout: the same state can come back later, which is another rollout.
     */
    object: Text.optional(),
    /** The sender's time of this event. Orders events that arrive in any order. */
    at: Timestamp,
    subject: ReportSubject,
    status: ChangeStatus.optional(),
    /**
     * The status is the result of the rollout. Later events are about what runs since, such as the next reconciliation.
     */
    final: z.boolean().optional(),
    started_at: Timestamp.optional(),
    /** When the sender created the rollout, if its events say so. Earlier events can be missing. */
    created_at: Timestamp.optional(),
  })
  .extend(z.object(values).partial().shape);
export type ChangeReport = z.infer<typeof ChangeReport>;

/** A value with the time of the event that reported it. */
const reported = <T extends z.ZodType>(value: T) => z.object({ at: Timestamp, value }).optional();

// A newer version may have written an unknown status: it leads to no action.
const reportedStatus = { at: Timestamp, value: readAs(ChangeStatus, 'cancelled') };

/** All that the events of one rollout have reported, whatever their order and repetition. */
export const Rollout = z.object({
  source: ReportSource,
  key: z.string(),
  /** Time of the earliest and of the latest event. */
  first_at: Timestamp,
  last_at: Timestamp,
  /** Earliest start that an event has reported. */
  started_at: Timestamp.nullable(),
  /** When the sender created the rollout. It can have waited for an approval since. Absent: not known. */
  created_at: Timestamp.optional(),
  /**
   * `at`: of an outcome, when it was reported first. `ends`: all reports of this outcome, after the last report of another
   * one; absent if there was one report.
   */
  status: z
    .object({
      ...reportedStatus,
      final: z.literal(true).optional(),
      ends: z.array(z.object(reportedStatus)).optional(),
    })
    .optional(),
  subject: z.record(z.string(), z.object({ at: Timestamp, value: z.string() })),
  values: z.object({
    kind: reported(readAs(ChangeKind, 'config')),
    version: reported(values.version),
    commit: reported(values.commit),
    artifact: reported(values.artifact),
    committed_at: reported(values.committed_at),
    commits: reported(values.commits),
    finished_at: reported(values.finished_at),
    applied_at: reported(values.applied_at),
    author: reported(values.author),
    url: reported(values.url),
    previous_version: reported(values.previous_version),
    has_migration: reported(values.has_migration),
    images: reported(values.images),
    action: reported(values.action),
  }),
});
export type Rollout = z.infer<typeof Rollout>;

/** Reports about one object. They distinguish rollouts that bring it to the same state at different times. */
export const ObjectHistory = z.object({
  source: ReportSource,
  object: z.string(),
  /** Oldest first. `rollout`: the key of the rollout that the report belongs to. */
  marks: z.array(z.object({ rollout: z.string(), report: ChangeReport })),
  rev: z.number(),
});
export type ObjectHistory = z.infer<typeof ObjectHistory>;

/** A rollout as it is stored. */
export const RolloutRecord = z.object({
  rollout: Rollout,
  /** The changes that it has become. */
  changes: z.array(z.object({ service: ServiceName, environment: EnvironmentName, id: ChangeId })),
  /** Ends by what the sender has said before, the newest last. A change that was not written since still has one of them. */
  earlier_ends: z.array(Timestamp).optional(),
  /** Commits of its images, as far as known. */
  image_commits: z.record(z.string(), z.string()).optional(),
  /** What the commit in the repository for deployments says, as far as known. */
  deployed: z
    .array(
      z.object({
        service: ServiceName,
        environment: EnvironmentName,
        image: z.string().nullable(),
        commit: z.string().nullable(),
      }),
    )
    .optional(),
  /** Version of the configuration that maps it to no service; null: it is mapped. */
  unmapped_in: z.string().nullable(),
  received_at: Timestamp,
  rev: z.number(),
});
export type RolloutRecord = z.infer<typeof RolloutRecord>;
