import * as z from 'zod';
import { TARGET_VARIABLES } from '../rollback/targets.ts';
import { FunctionResourcesText } from './function-resources.ts';
import type { SigningSecrets } from './signing-secret.ts';
import {
  address,
  type Chapter,
  variable,
  httpUrl,
  optionalText,
  secret,
  type SecretGroup,
  type Variable,
} from './variable.ts';
import { VENDOR_VARIABLES } from './vendors.ts';

const anything = z.string().optional(); // also an empty one
const folder = (standard: string) => z.string().min(1).default(standard);

/** Addresses and networks (CIDR), separated by commas. */
const networks = z
  .string()
  .default('')
  .transform((list) =>
    list
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )
  .pipe(
    z.array(
      z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an address or a network, such as 10.0.0.0/8'),
    ),
  );

const onMachine = <In extends Chapter, Schema extends z.ZodType>(chapter: In, schema: Schema) =>
  ({ chapter, schema, machineOnly: true }) as const;
const credential = <Group extends SecretGroup>(group: Group) => ({ ...secret('access'), group }) as const;
const system = variable('system', anything);
const testing = variable('tests', anything);

/**
 * Every environment variable that the project reads. Code parses with these schemas, types of environments use these
 * names, and docs/reference/environment.md is generated from them and their notes, so that all of these agree.
 */
export const VARIABLES = {
  PORT: variable('machine', z.coerce.number().int().min(0).max(65535).default(8080)),
  HOST: variable('machine', z.string().min(1).default('127.0.0.1')),
  FIREBREAK_DATA_DIR: onMachine('machine', folder('.firebreak')),
  FIREBREAK_CONFIG_DIR: onMachine('machine', folder('config')),
  FIREBREAK_RUNBOOKS_DIR: onMachine('machine', folder('runbooks')),
  FIREBREAK_SNAPSHOT_DIR: onMachine('machine', optionalText),
  FIREBREAK_SANDBOX: onMachine('machine', z.enum(['on', 'off']).default('on')),
  FIREBREAK_MAX_CONNECTIONS: onMachine('machine', z.coerce.number().int().min(16).max(65_000).default(1000)),
  FIREBREAK_TRUSTED_PROXIES: onMachine('machine', networks),
  FIREBREAK_TIME_SCALE: onMachine('machine', z.coerce.number().min(1).default(1)),
  FIREBREAK_PUBLIC_URL: variable('machine', httpUrl.optional()),
  LOG_LEVEL: variable('machine', z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info')),
  LOG_FORMAT: onMachine('machine', z.enum(['text', 'json']).optional()),

  FIREBREAK_ADMIN_TOKEN: credential('access'),
  FIREBREAK_ADMIN_TOKEN_PREVIOUS: credential('access'),
  FIREBREAK_INGEST_TOKEN: credential('access'),
  FIREBREAK_OIDC_CLIENT_SECRET: credential('access'),
  FIREBREAK_SIGNING_KEY: credential('signing'),
  FIREBREAK_SIGNING_KEY_PREVIOUS: credential('signing'),
  FIREBREAK_AUDIT_KEY: credential('audit'),
  FIREBREAK_AUDIT_KEY_PREVIOUS: credential('audit'),

  ...VENDOR_VARIABLES,
  ...TARGET_VARIABLES,

  FIREBREAK_URL: address('client', 'http://127.0.0.1:8080'),
  FIREBREAK_TOKEN: secret('client'),
  FIREBREAK_KEYS: variable('client', optionalText),
  FIREBREAK_IDENTITY_TOKEN: secret('client'),
  TRACEPARENT: variable('client', optionalText),
  XDG_CACHE_HOME: variable('client', optionalText),
  XDG_CONFIG_HOME: variable('client', optionalText),

  AWS_REGION: variable('targets', optionalText),
  AWS_ACCESS_KEY_ID: variable('targets', optionalText),
  AWS_SECRET_ACCESS_KEY: secret('targets'),
  AWS_SESSION_TOKEN: secret('targets'),

  FIREBREAK_RESOURCES: { chapter: 'functions', schema: FunctionResourcesText, secret: true },
  FIREBREAK_STAND_INS: onMachine(
    'functions',
    z
      .string()
      .default('')
      .transform((all) => all.split(' ').filter((item) => item !== '')),
  ),

  HOME: system,
  PATH: system,
  NODE_COMPILE_CACHE: system,
  NO_COLOR: system,
  COLUMNS: system,
  LAMBDA_TASK_ROOT: system,
  AWS_LAMBDA_FUNCTION_NAME: system,
  npm_lifecycle_event: system,
  npm_node_execpath: system,

  FIREBREAK_SEED: testing,
  FIREBREAK_RUNS: testing,
  FIREBREAK_KILL_AT: testing,
  FIREBREAK_KILL_SECONDS: testing,
  UPDATE_GOLDEN: testing,
  RECORD_UPGRADE: testing,
  TZ: testing,
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

const NAMES = Object.keys(VARIABLES) as VariableName[];

/** An environment. Names that are not in the table are type errors. */
export type Env = { [Name in VariableName]?: string | undefined };

/** Reads a variable whose name a configuration has chosen. */
export const namedVariable = (env: Env, name: string): string | undefined =>
  (env as Readonly<Record<string, string | undefined>>)[name];

type Schemas<Name extends VariableName> = { [Each in Name]: (typeof VARIABLES)[Each]['schema'] };

/** Returns the schema of an environment with these variables; others are dropped. */
export const environmentOf = <Name extends VariableName>(names: readonly Name[]): z.ZodObject<Schemas<Name>> =>
  z.object(Object.fromEntries(names.map((name) => [name, VARIABLES[name].schema])) as Schemas<Name>);

/** The names of a chapter. */
type NamesIn<Each extends Chapter> = {
  [Name in VariableName]: (typeof VARIABLES)[Name]['chapter'] extends Each ? Name : never;
}[VariableName];

/** Returns all names of these chapters, in the table's order. */
export const namesIn = <const Each extends Chapter>(...chapters: readonly Each[]): NamesIn<Each>[] =>
  NAMES.filter((name) => (chapters as readonly Chapter[]).includes(VARIABLES[name].chapter)) as NamesIn<Each>[];

/** The settings that check signatures of senders. */
export type SigningSecretName = {
  [Name in VariableName]: (typeof VARIABLES)[Name] extends { signs: SigningSecrets } ? Name : never;
}[VariableName];

export const SIGNING_SECRETS = Object.fromEntries(
  NAMES.flatMap((name) => {
    const { signs }: Variable = VARIABLES[name];
    return signs === undefined ? [] : [[name, signs]];
  }),
) as Record<SigningSecretName, SigningSecrets>;

/** Variables that a function on Lambda refuses. */
export const MACHINE_ONLY: readonly VariableName[] = NAMES.filter(
  (name) => (VARIABLES[name] as Variable).machineOnly === true,
);
