import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';

/** Names of executions contain stage, incident, and run in 64 characters; schemas/config/function-resources.ts also refuses a longer stage. */
const STAGE_MAX_CHARS = 20;

/** The stage whose data is retained, and which can't be deployed without a file. */
export const PRODUCTION = 'production';

/** The stages' files, relative to the folder of `sst.config.ts`. */
const FOLDER = 'deploy/stages';

/** From the most urgent one. */
export const SEVERITIES = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * - `small`: runs in a new account, whose quota is 10 concurrent executions, for less than 5 dollars in an idle month.
 *   Nothing is reserved or traced, and queues, alarms, and schedules are fewer.
 * - `standard`: each function has reserved concurrency, so that a storm at one does not starve the others. Needs a quota
 *   of 1,000, which is enough for four stages.
 */
const SIZES = ['small', 'standard'] as const;
export type Size = (typeof SIZES)[number];

/** A month that costs about twice as much as an idle one. */
const BUDGET_USD: Readonly<Record<Size, number>> = { small: 10, standard: 50 };

const receivers = z.array(z.union([z.email(), z.url({ protocol: /^https$/ })])).default([]);
const arns = z.array(z.string()).default([]);

/** Settings that have a default. docs/how-to/aws.md lists all keys. */
const Settings = z.strictObject({
  /** By default the one that every account can deploy. */
  size: z.enum(SIZES).default('small'),
  publicUrl: z.url({ protocol: /^https$/ }).optional(),
  statusDomain: z.hostname().optional(),
  /** Email addresses and https URLs. A severity without receivers uses those of the next more urgent one. */
  alarms: z.partialRecord(z.enum(SEVERITIES), receivers).default({}),
  /** In US dollars. Receivers of `warning` are notified when the account costs more in a month. Default: by the size. */
  monthlyBudgetUsd: z.number().positive().optional(),
  awsChanges: z.boolean().default(false),
  /** Of the functions that query metrics or roll back. Absent: they are in no VPC. */
  vpc: z
    .strictObject({
      subnetIds: z.array(z.string().regex(/^subnet-[0-9a-f]+$/, 'must be a subnet, such as subnet-0a1b2c3d')).min(1),
      securityGroupIds: z
        .array(z.string().regex(/^sg-[0-9a-f]+$/, 'must be a security group, such as sg-0a1b2c3d'))
        .min(1),
    })
    .optional(),
  /** vendors/aws/permissions.ts checks the ARNs. */
  targets: z
    .strictObject({
      roles: arns,
      functions: arns,
      services: arns,
      taskRoles: arns,
      deploymentGroups: arns,
      hostedZones: arns,
    })
    .prefault({}),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  logRetention: z.enum(['1 month', '3 months', '6 months', '1 year']).default('3 months'),
});

/** The file of a stage. */
const StageFile = Settings.extend({
  account: z.string().regex(/^\d{12}$/, 'must be the 12 digits of an account, in quotation marks'),
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a Region, such as eu-central-1'),
});

/** The settings of a deployment. A stage without a file has no account and Region: those of the credentials are used. */
export type Stage = z.infer<typeof Settings> &
  Partial<Pick<z.infer<typeof StageFile>, 'account' | 'region'>> & { name: string };

/** Environment variables that older versions read, and the keys that replace them. */
const MOVED = {
  FIREBREAK_ALARM_EMAIL: 'alarms.critical',
  FIREBREAK_STATUS_DOMAIN: 'statusDomain',
  FIREBREAK_AWS_CHANGES: 'awsChanges',
  FIREBREAK_PUBLIC_URL: 'publicUrl',
} as const;

/**
 * Reads the file of a stage. A deployment has no other settings, so environment variables can't change or remove a
 * resource.
 *
 * @param problemText says what is wrong with a file, as with all other inputs
 * @throws Error that names each setting that is missing or invalid, with the fix
 */
export function readStage(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  problemText: (error: z.ZodError) => string,
): Stage {
  const file = `${FOLDER}/${name}.yaml`;
  const refuse = (problem: string): Error => new Error(`stage "${name}": ${problem}`);
  if (name.length > STAGE_MAX_CHARS)
    throw refuse(
      `the name has ${name.length} characters; the limit is ${STAGE_MAX_CHARS}, because names of executions contain it`,
    );
  for (const [variable, key] of Object.entries(MOVED))
    if (env[variable]) throw refuse(`${variable} is not read any longer: unset it, and set ${key} in ${file}`);
  const path = join(projectFolder(), file);
  if (!existsSync(path)) {
    if (name === PRODUCTION) throw refuse(`write ${file}: ${FOLDER}/example.yaml shows what it contains`);
    return { ...Settings.parse({}), name };
  }
  const read = StageFile.safeParse(parse(readFileSync(path, 'utf8')));
  if (!read.success) throw refuse(`${file} is invalid: ${problemText(read.error)}`);
  if (name === PRODUCTION && !read.data.alarms.critical?.length)
    throw refuse(`${file}: alarms.critical has no receiver, so nobody would notice that Firebreak is down`);
  return { ...read.data, name };
}

/** Returns the receivers of alarms of a severity. */
export function receiversOf({ alarms }: Pick<Stage, 'alarms'>, severity: Severity): readonly string[] {
  const moreUrgent = SEVERITIES.slice(0, SEVERITIES.indexOf(severity) + 1).toReversed();
  return moreUrgent.map((one) => alarms[one] ?? []).find((all) => all.length > 0) ?? [];
}

/** Returns the nearest folder with `sst.config.ts`: `sst` can be started below it. */
function projectFolder(folder = process.cwd()): string {
  const above = dirname(folder);
  return above === folder || existsSync(join(folder, 'sst.config.ts')) ? folder : projectFolder(above);
}

/** Returns the budget of a month in US dollars. */
export const budgetOf = ({ size, monthlyBudgetUsd }: Pick<Stage, 'size' | 'monthlyBudgetUsd'>): number =>
  monthlyBudgetUsd ?? BUDGET_USD[size];
