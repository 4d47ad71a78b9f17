import * as z from 'zod';
import { ImageAutomationConfig } from '../rollback/image-automation.ts';
import { Routes } from '../rollback/reroute.ts';
import { DeployerConfig, FlagsConfig } from '../rollback/targets.ts';
import { HttpUrl, SecretName } from './endpoint.ts';
import { EnvironmentName, Mode, ServiceName } from './names.ts';
import { PeopleFile } from '../people/people.ts';
import { SlackFile } from '../messages/presentation.ts';
import { ResponseFile } from '../incidents/response.ts';
import { DeliveryFile } from '../changes/delivery-file.ts';
import { LinksFile, LinkTemplates } from '../links/links.ts';
import { RoutesFile } from '../alerts/routes.ts';
import { noRunbooks, RunbookSet } from '../runbooks/runbook.ts';
import { Slo } from '../slo/slo.ts';
import { valueOfAliases } from '../parsing/aliases.ts';
import { JudgeConfig } from '../judge/judge-config.ts';
import { WatchConfig } from '../judge/watch.ts';
import { FEATURE_CONFIG, FEATURE_ENVIRONMENT } from '../../features/names.ts';

/** What Firebreak does beside an existing pager while it is tried in mode `shadow`. */
const ShadowTrial = z.strictObject({
  /** Pages for alerts. */
  page: z.boolean().default(false),
  /** Opens a channel for an incident. */
  channel: z.boolean().default(false),
});
export type ShadowTrial = z.infer<typeof ShadowTrial>;

/**
 * Evidence required for an automatic action. `tested`: of two fresh instances, only that of the new version fails (needs `look`). `proved`: a version that fails where others do not, a canary that fails
 * beyond its share, or errors that begin with the switch to the version and that nothing else explains. `version`: only
 * the first two. `time`: errors within 30 minutes of the change, with all other guards.
 */
export const EvidenceLevel = z.enum(['tested', 'proved', 'version', 'time'], {
  error: ({ input }) =>
    input === 'any'
      ? '"any" is gone: use "proved" (the default: act only on proof, otherwise ask) or "time" (also act on coincidence in time)'
      : undefined,
});
export type EvidenceLevel = z.infer<typeof EvidenceLevel>;

const oneOrMore = <T extends z.ZodType>(value: T) =>
  z
    .union([value, z.array(value).min(1)])
    .transform((given): z.output<T>[] => (Array.isArray(given) ? given : [given]) as z.output<T>[]);

const SourceName = z.string().min(1).max(2048);
const SourceEnvironment = z.strictObject({ environment: oneOrMore(SourceName) });

/**
 * What other systems call a service in an environment. Most keys take one name or a list. Changes that these systems
 * report are recorded for this service and environment.
 */
export const ChangeSources = z.strictObject({
  /** Name of the environment at GitHub. Absent: the same name as here. */
  github: SourceEnvironment.optional(),
  /** Name of the environment at GitLab. Absent: the same name as here. */
  gitlab: SourceEnvironment.optional(),
  /** Name of the environment in `eventMetadata` of Flux, in CDEvents, at LaunchDarkly, and at GO Feature Flag. */
  flux: SourceEnvironment.optional(),
  cdevents: SourceEnvironment.optional(),
  launchdarkly: SourceEnvironment.optional(),
  goFeatureFlag: SourceEnvironment.optional(),
  /** Image without tag. */
  image: oneOrMore(SourceName).optional(),
  /** Name, with its namespace and server before it, as far as they matter: `server/namespace/name`. */
  argoApplication: oneOrMore(SourceName).optional(),
  /** `Kind/namespace/name` */
  fluxObject: oneOrMore(SourceName).optional(),
  /** ARN, or `cluster/service` in any account and Region. */
  ecsService: oneOrMore(SourceName).optional(),
  /** ARN with the alias, or `name:alias` in any account and Region. */
  lambdaFunction: oneOrMore(SourceName).optional(),
  /** ARN, or `application/group` in any account and Region. */
  codedeployGroup: oneOrMore(SourceName).optional(),
  /** `namespace/Kind/name`, in any cluster, or `cluster/namespace/Kind/name`. */
  kubernetesWorkload: oneOrMore(SourceName).optional(),
  terraformWorkspace: oneOrMore(SourceName).optional(),
  flag: oneOrMore(SourceName).optional(),
  /** Repository that has the version to deploy, such as the image tag, if it is not the service's own one. */
  deployRepository: z
    .strictObject({
      repository: SourceName,
      /** Folder of this service and environment. Absent: each commit of the repository deploys it. */
      path: SourceName.optional(),
    })
    .optional(),
});
export type ChangeSources = z.infer<typeof ChangeSources>;

export const EnvironmentEntry = z.strictObject({
  /** Absent: page, never act. */
  deployer: DeployerConfig.optional(),
  autoRollback: z
    .strictObject({
      mode: Mode.default('shadow'),
      unknownMigration: z.enum(['approve', 'act']).default('approve'),
      /** Default: `tested` with `look`, else `proved`. */
      evidence: EvidenceLevel.optional(),
      /** Longest time from the onset to the first receipt of its alert; Firebreak asks about older problems. */
      maxOnsetAgeMinutes: z
        .number()
        .int()
        .min(1)
        .max(7 * 24 * 60)
        .default(360),
      /**
       * Seconds that an automatic action waits after its alert for alerts of other failing services. Skipped if
       * monitoring identifies the bad version.
       */
      settleSeconds: z.number().int().min(0).max(300).default(10),
      /** Time limit of an approval. */
      approvalTimeoutMinutes: z
        .number()
        .int()
        .min(1)
        .max(24 * 60)
        .default(60),
      /**
       * When an approval request times out: withdraw it, withdraw it and page, or act if only the mode `approve`
       * required the approval.
       */
      onApprovalTimeout: z.enum(['withdraw', 'page', 'act']).default('withdraw'),
      /** Number of required approvals. The person who requested the rollback may give one of two. */
      approvals: z.union([z.literal(1), z.literal(2)]).default(1),
    })
    .prefault({}),
  /**
   * Turns on the controlled look: before an automatic rollback, one fresh instance of the new version runs beside one of the old
   * version, and only if the new one alone fails is the version rolled back. Needs a deployer that can start both.
   */
  look: z.strictObject({}).optional(),
  /** Applies while the mode is `shadow`. Absent: the setting in `paging.yaml`. */
  shadow: ShadowTrial.optional(),
  /** A deployment without an end counts as failed after this time. */
  deployTimeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(7 * 24 * 3600)
    .default(300),
  /** Where the feature flags of the environment are managed. */
  flags: FlagsConfig.optional(),
  /** What distributes the traffic of the environment among regions, clusters, or versions, by name. */
  reroute: Routes.optional(),
  /** What would deploy a version again after its rollback. It is suspended while the version is pinned. */
  imageAutomation: ImageAutomationConfig.optional(),
  /** What other systems call this service in this environment. */
  sources: ChangeSources.optional(),
  /** The environment has no users: drills may roll it back and forth. */
  drills: z.boolean().default(false),
  /** Used for verification after a mitigation and to find when a problem began. */
  health: z
    .strictObject({
      promql: z.string().min(1),
      /** Healthy at or below this value, in the query's unit. */
      max: z.number(),
      /** Requests per second: tells a traffic peak from a bad deployment. */
      traffic: z.string().min(1).optional(),
      /** `promql` by label `version`: shows which version fails. */
      byVersion: z.string().min(1).optional(),
      /** Requests per second by label `version`: shows which share of the traffic each version takes. */
      trafficByVersion: z.string().min(1).optional(),
      /** Share of failed requests as callers count them, by a label with this service's version. */
      callersByVersion: z.string().min(1).optional(),
      /** Label matchers of its pods in kube-state-metrics: show a version that can't start. */
      pods: z.string().min(1).optional(),
      /** `promql` by label `flag_variant`, of the flag `$flag`: shows which variant fails. */
      byFlagVariant: z.string().min(1).optional(),
      /** Requests per second by label `flag_variant`, of the flag `$flag`. */
      trafficByFlagVariant: z.string().min(1).optional(),
    })
    .optional(),
  /** How a new version is compared with the one before. */
  judge: JudgeConfig.optional(),
  /** Deploys are watched. Absent: they are not. */
  watch: WatchConfig.optional(),
  ...FEATURE_ENVIRONMENT,
});
export type EnvironmentEntry = z.infer<typeof EnvironmentEntry>;

/**
 * Who pages: Firebreak, or an Alertmanager beside it. In the second case, Firebreak finds and follows the pager's
 * incident and does not page again.
 */
const PagingMode = z.enum(['firebreak', 'external']);
export type PagingMode = z.infer<typeof PagingMode>;

const ServiceEntry = z.strictObject({
  team: z.string().min(1).optional(),
  /** 1 (most critical) to 4. */
  tier: z.number().int().min(1).max(4).optional(),
  repository: z.string().min(1).optional(),
  /** Folder of the service in a repository with several services. */
  path: z
    .string()
    .min(1)
    .regex(
      /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))/,
      'must be a folder in the repository, without a leading / and without . or ..',
    )
    .optional(),
  /** Names of its pipelines. Needed only if several services share the repository. */
  pipelines: z.array(z.string().min(1)).default([]),
  dependsOn: z.array(ServiceName).default([]),
  /** Labels that identify this service. Absent: label `service` equals its name. */
  match: z.record(z.string(), z.string()).optional(),
  /** Absent: the setting in `paging.yaml`. */
  paging: PagingMode.optional(),
  slack: z.strictObject({ channel: z.string().min(1) }).optional(),
  statusPage: z
    .strictObject({ components: z.array(z.string().min(1)), publish: z.enum(['auto', 'approve']).default('approve') })
    .optional(),
  /** Links to its logs, traces, and dashboards. They replace those of `links.yaml` with the same title. */
  links: LinkTemplates,
  /** Environment of alerts without an environment label. Absent: the only environment, otherwise `production`. */
  defaultEnvironment: EnvironmentName.optional(),
  environments: z
    .record(
      EnvironmentName,
      z.preprocess((entry) => entry ?? {}, EnvironmentEntry),
    )
    .default({}),
});
export type ServiceEntry = z.infer<typeof ServiceEntry>;

/** `config/services.yaml`: the catalogue. */
export const ServicesFile = z.strictObject({
  services: z
    .record(
      ServiceName,
      z.preprocess((entry) => entry ?? {}, ServiceEntry),
    )
    .default({}),
});
export type ServicesFile = z.infer<typeof ServicesFile>;

/** `config/paging.yaml`: who pages, and the fallback when the pager cannot be reached. */
export const PagingFile = z
  .strictObject({
    mode: PagingMode.optional(),
    /** Same as `mode`. */
    paging: PagingMode.optional(),
    /** For all services in mode `shadow`. Absent: they page and open channels as in every mode. */
    shadow: ShadowTrial.optional(),
    /** Called, with a Standard Webhooks signature, if the pager has not accepted a page within a minute. */
    fallback: z.strictObject({ url: HttpUrl, signature: SecretName }).optional(),
    /** An incident without `resolved` and without any other news resolves automatically after this many hours. */
    autoResolveHours: z
      .number()
      .min(1)
      .max(24 * 14)
      .default(12),
  })
  .transform(({ mode, paging, ...rest }, context) => ({
    mode: valueOfAliases({ mode, paging }, context) ?? ('firebreak' as const),
    ...rest,
  }));
export type PagingFile = z.infer<typeof PagingFile>;

/**
 * The complete configuration in force. `version` is a hash of its content; decisions record the version they were made
 * under.
 */
export const Config = z.strictObject({
  version: z.string(),
  services: ServicesFile.shape.services,
  paging: PagingFile,
  /** Absent in configurations published before routes existed. */
  routes: RoutesFile.prefault({}),
  slack: SlackFile.prefault({}),
  runbooks: RunbookSet.prefault(noRunbooks),
  slos: z.array(Slo).default([]),
  people: PeopleFile.prefault({}),
  response: ResponseFile.prefault({}),
  links: LinksFile.prefault({}),
  delivery: DeliveryFile.prefault({}),
  ...FEATURE_CONFIG,
});
export type Config = z.infer<typeof Config>;

/** Configuration without entries. Frozen, because everything that runs before the first configuration shares it. */
export const emptyConfig: Config = frozen(Config.parse({ version: 'none', services: {}, paging: {} }));

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
