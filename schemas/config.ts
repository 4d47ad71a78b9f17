import * as z from 'zod';
import { DeployerConfig, FlagsConfig } from './deployers.ts';
import { HttpUrl, SecretName } from './endpoint.ts';
import { FreezeFile } from './freeze-policy.ts';
import { EnvironmentName, Mode, ServiceName } from './names.ts';
import { PeopleFile } from './people.ts';
import { SlackFile, StatusPageFile } from './presentation.ts';
import { ResponseFile } from './response.ts';
import { RoutesFile } from './routes.ts';
import { noRunbooks, RunbookSet } from './runbook.ts';
import { Slo } from './slo.ts';
import { oneOf } from './synonyms.ts';

/** What Firebreak does beside an existing paging while it is tried in mode `shadow`. */
const ShadowTrial = z.strictObject({
  /** Pages for alerts. */
  page: z.boolean().default(false),
  /** Opens a channel for an incident. */
  channel: z.boolean().default(false),
});
export type ShadowTrial = z.infer<typeof ShadowTrial>;

export const EnvironmentEntry = z.strictObject({
  /** Absent: page, never act. */
  deployer: DeployerConfig.optional(),
  autoRollback: z
    .strictObject({
      mode: Mode.default('shadow'),
      unknownMigration: z.enum(['approve', 'act']).default('approve'),
      /**
       * What an act without a person needs: `any` evidence that is sure enough, its time included; or `version`, that
       * monitoring tells the bad version from others (`health.byVersion`, or labels of the alerts).
       */
      evidence: z.enum(['any', 'version']).default('any'),
      /**
       * How long an act without a person waits after its alert for those of others that fail, too. Not where monitoring
       * tells the bad version from others.
       */
      settleSeconds: z.number().int().min(0).max(300).default(10),
      /** How long an approval may take. */
      approvalTimeoutMinutes: z
        .number()
        .int()
        .min(1)
        .max(24 * 60)
        .default(60),
      /**
       * What becomes of a question that nobody has answered: it is withdrawn, withdrawn and paged about, or, where
       * nothing but the mode `approve` asked, acted upon.
       */
      onApprovalTimeout: z.enum(['withdraw', 'page', 'act']).default('withdraw'),
      /** How many people have to be for it; of two, whoever asked for the rollback may be one. */
      approvals: z.union([z.literal(1), z.literal(2)]).default(1),
    })
    .prefault({}),
  /** While the mode is `shadow`. Absent: as `paging.yaml` says. */
  shadow: ShadowTrial.optional(),
  /** A deploy that has begun and not ended after so long has failed. */
  deployTimeoutSeconds: z
    .number()
    .int()
    .min(1)
    .max(7 * 24 * 3600)
    .default(300),
  /** Where its feature flags are kept. */
  flags: FlagsConfig.optional(),
  /** Nothing here is used by anybody: drills may roll back and forth. */
  drills: z.boolean().default(false),
  /** Verification after a mitigation, and where the onset of a problem is looked for. */
  health: z
    .strictObject({
      promql: z.string().min(1),
      /** Healthy at or below, in the query's own unit. */
      max: z.number(),
      /** Requests per second: tells a rush of traffic from a bad deploy. */
      traffic: z.string().min(1).optional(),
      /** `promql` by label `version`: tells which version fails. */
      byVersion: z.string().min(1).optional(),
    })
    .optional(),
});
export type EnvironmentEntry = z.infer<typeof EnvironmentEntry>;

/** Who pages: we, or an Alertmanager that pages beside us; then its incident is found and followed, not doubled. */
const PagingMode = z.enum(['firebreak', 'external']);
export type PagingMode = z.infer<typeof PagingMode>;

const ServiceEntry = z.strictObject({
  team: z.string().min(1).optional(),
  /** 1 (most critical) to 4. */
  tier: z.number().int().min(1).max(4).optional(),
  repository: z.string().min(1).optional(),
  dependsOn: z.array(ServiceName).default([]),
  /** Labels that mean this service. Absent: label `service` equals its name. */
  match: z.record(z.string(), z.string()).optional(),
  /** Absent: as `paging.yaml` says. */
  paging: PagingMode.optional(),
  slack: z.strictObject({ channel: z.string().min(1) }).optional(),
  statusPage: z
    .strictObject({ components: z.array(z.string().min(1)), publish: z.enum(['auto', 'approve']).default('approve') })
    .optional(),
  /** Where an alert without an environment label belongs. Absent: the only environment, else `production`. */
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

/** `config/paging.yaml`: who pages, and who hears of it when the pager cannot be reached. */
export const PagingFile = z
  .strictObject({
    mode: PagingMode.optional(),
    /** The same as `mode`. */
    paging: PagingMode.optional(),
    /** For all services in mode `shadow`. Absent: they page and open channels as in every mode. */
    shadow: ShadowTrial.optional(),
    /** Called, signed after Standard Webhooks, when the pager has not taken a page within a minute. */
    fallback: z.strictObject({ url: HttpUrl, signature: SecretName }).optional(),
    /** An incident for which no `resolved` comes and nothing else is heard closes after so many hours. */
    quietHours: z
      .number()
      .min(1)
      .max(24 * 14)
      .default(12),
  })
  .transform(({ mode, paging, ...rest }, context) => ({
    mode: oneOf({ mode, paging }, context) ?? ('firebreak' as const),
    ...rest,
  }));
export type PagingFile = z.infer<typeof PagingFile>;

/** The whole set in force. `version` is a hash of its content: decisions name the one they were made under. */
export const Config = z.strictObject({
  version: z.string(),
  services: ServicesFile.shape.services,
  paging: PagingFile,
  /** Absent in sets that were published before there were routes. */
  routes: RoutesFile.prefault({}),
  slack: SlackFile.prefault({}),
  statusPage: StatusPageFile.prefault({}),
  runbooks: RunbookSet.prefault(noRunbooks),
  slos: z.array(Slo).default([]),
  freeze: FreezeFile.prefault({}),
  people: PeopleFile.prefault({}),
  response: ResponseFile.prefault({}),
});
export type Config = z.infer<typeof Config>;

export const emptyConfig: Config = Config.parse({ version: 'none', services: {}, paging: {} });
