import * as z from 'zod';

/** Chapters of docs/reference/environment.md. `schemas/config/variable-notes.ts` describes them. */
export type Chapter =
  | 'machine'
  | 'access'
  | 'vendors'
  | 'client'
  | 'deploy'
  | 'emulation'
  | 'functions'
  | 'system'
  | 'tests';

export type Variable = {
  chapter: Chapter;
  /** Schema of a value, with the default if code relies on one. */
  schema: z.ZodType;
  /** The value must not be shown, logged, or passed on. */
  secret?: true;
  /** Not allowed on AWS: a function that finds it refuses to start. */
  machineOnly?: true;
  /** The default, for code that applies it itself. */
  standard?: string;
};

const text = z.string().min(1);
const optional = text.optional();
const anything = z.string().optional(); // also an empty one
const httpUrl = z.url({ protocol: /^https?$/ });
const folder = (standard: string) => z.string().min(1).default(standard);

/** Addresses and networks (CIDR), separated by commas. */
const networks = z
  .string()
  .default('')
  .transform((list) =>
    list
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  )
  .pipe(
    z.array(
      z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be an address or a network, such as 10.0.0.0/8'),
    ),
  );

const entry = <In extends Chapter, Schema extends z.ZodType>(chapter: In, schema: Schema) => ({ chapter, schema });
const secret = <In extends Chapter>(chapter: In) => ({ chapter, schema: optional, secret: true }) as const;
const onMachine = <In extends Chapter, Schema extends z.ZodType>(chapter: In, schema: Schema) =>
  ({ chapter, schema, machineOnly: true }) as const;
/** An address with a public default. */
const address = <In extends Chapter, Url extends string>(chapter: In, standard: Url) =>
  ({ chapter, schema: httpUrl.default(standard), standard }) as const;
const url = entry('vendors', httpUrl.optional());
const token = secret('vendors');
const setting = entry('vendors', optional);
const queue = entry('functions', z.url());
const endpoint = onMachine('emulation', httpUrl.optional());
const system = entry('system', anything);
const testing = entry('tests', anything);

/**
 * Every environment variable that the project reads. Code parses with these schemas, types of environments use these
 * names, and docs/reference/environment.md is generated from them and their notes, so that all of these agree.
 */
export const VARIABLES = {
  PORT: entry('machine', z.coerce.number().int().min(0).max(65535).default(8080)),
  HOST: entry('machine', z.string().min(1).default('127.0.0.1')),
  FIREBREAK_DATA_DIR: onMachine('machine', folder('.firebreak')),
  FIREBREAK_CONFIG_DIR: onMachine('machine', folder('config')),
  FIREBREAK_RUNBOOKS_DIR: onMachine('machine', folder('runbooks')),
  FIREBREAK_SANDBOX: onMachine('machine', z.enum(['on', 'off']).default('on')),
  FIREBREAK_MAX_CONNECTIONS: onMachine('machine', z.coerce.number().int().min(16).max(65_000).default(1000)),
  FIREBREAK_TRUSTED_PROXIES: onMachine('machine', networks),
  FIREBREAK_TIME_SCALE: onMachine('machine', z.coerce.number().min(1).default(1)),
  LOG_LEVEL: entry('machine', z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info')),

  FIREBREAK_ADMIN_TOKEN: secret('access'),
  FIREBREAK_ADMIN_TOKEN_PREVIOUS: secret('access'),
  FIREBREAK_INGEST_TOKEN: secret('access'),
  FIREBREAK_SIGNING_KEY: secret('access'),
  FIREBREAK_SIGNING_KEY_PREVIOUS: secret('access'),
  FIREBREAK_AUDIT_KEY: secret('access'),
  FIREBREAK_AUDIT_KEY_PREVIOUS: secret('access'),

  PAGERDUTY_EVENTS_URL: address('vendors', 'https://events.pagerduty.com'),
  PAGERDUTY_ROUTING_KEY: token,
  PAGERDUTY_API_URL: address('vendors', 'https://api.pagerduty.com'),
  PAGERDUTY_API_TOKEN: token,
  PAGERDUTY_FROM: setting,
  PAGERDUTY_WEBHOOK_SECRET: token,
  SLACK_API_URL: address('vendors', 'https://slack.com/api/'),
  SLACK_BOT_TOKEN: token,
  SLACK_SIGNING_SECRET: token,
  STATUSPAGE_API_URL: address('vendors', 'https://api.statuspage.io/v1'),
  STATUSPAGE_API_KEY: token,
  STATUSPAGE_PAGE_ID: setting,
  GRAFANA_URL: url,
  GRAFANA_TOKEN: token,
  GRAFANA_WEBHOOK_SECRET: token,
  GRAFANA_TIMESTAMP_HEADER: {
    ...entry('vendors', z.string().default('X-Grafana-Alerting-Timestamp')), // empty is a meaningful value
    standard: 'X-Grafana-Alerting-Timestamp',
  },
  PROMETHEUS_URL: url,
  ALERTMANAGER_URL: url,
  GITHUB_API_URL: address('vendors', 'https://api.github.com'),
  GITHUB_TOKEN: token,
  GITHUB_APP_ID: setting,
  GITHUB_APP_PRIVATE_KEY: token,
  GITHUB_WEBHOOK_SECRET: token,
  ARGOCD_URL: url,
  ARGOCD_TOKEN: token,
  KUBERNETES_URL: url,
  KUBERNETES_TOKEN: token,
  LAUNCHDARKLY_API_URL: address('vendors', 'https://app.launchdarkly.com'),
  LAUNCHDARKLY_TOKEN: token,
  CD_URL: url,
  SMTP_URL: { chapter: 'vendors', schema: z.url({ protocol: /^smtps?$/ }).optional(), secret: true },
  MAIL_FROM: setting,

  FIREBREAK_URL: address('client', 'http://127.0.0.1:8080'),
  FIREBREAK_TOKEN: secret('client'),
  FIREBREAK_KEYS: entry('client', optional),
  FIREBREAK_IDENTITY_TOKEN: secret('client'),
  XDG_CACHE_HOME: entry('client', optional),
  XDG_CONFIG_HOME: entry('client', optional),

  FIREBREAK_ALARM_EMAIL: entry('deploy', optional),

  FIREBREAK_DYNOXIDE_BIN: onMachine('emulation', optional),
  AWS_ENDPOINT_URL: endpoint,
  AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  AWS_ENDPOINT_URL_SQS: endpoint,
  AWS_ENDPOINT_URL_S3: endpoint,
  AWS_ENDPOINT_URL_LAMBDA: endpoint,
  AWS_ENDPOINT_URL_SSM: endpoint,
  AWS_TARGETS_URL: entry('emulation', httpUrl.optional()),
  AWS_REGION: entry('emulation', optional),
  AWS_ACCESS_KEY_ID: entry('emulation', optional),
  AWS_SECRET_ACCESS_KEY: secret('emulation'),
  AWS_SESSION_TOKEN: secret('emulation'),

  FIREBREAK_STAGE: entry('functions', z.string().regex(/^[A-Za-z0-9-]{1,20}$/)),
  FIREBREAK_TABLE: entry('functions', z.string().min(3)),
  FIREBREAK_BUCKET: entry('functions', z.string().min(3)),
  FIREBREAK_QUEUE_URGENT: queue,
  FIREBREAK_QUEUE_ORDINARY: queue,
  FIREBREAK_QUEUE_UNMATCHED: queue,
  FIREBREAK_QUEUE_PEOPLE: queue,
  FIREBREAK_QUEUE_SLACK: queue,
  FIREBREAK_QUEUE_STATUSPAGE: queue,
  FIREBREAK_QUEUE_GRAFANA: queue,
  FIREBREAK_QUEUE_TICKETS: queue,
  FIREBREAK_QUEUE_WEBHOOKS: queue,
  FIREBREAK_WORKFLOW_FUNCTION: entry('functions', text),
  FIREBREAK_WORKFLOW_QUALIFIER: entry('functions', text),
  FIREBREAK_SECRETS_PATH: entry('functions', z.string().startsWith('/')),
  FIREBREAK_SECRETS_GRANTS: entry('functions', z.string().regex(/^[a-z-]+(,[a-z-]+)*$/)),
  FIREBREAK_SECRETS_KEY: { chapter: 'functions', schema: z.base64().length(44), secret: true },
  FIREBREAK_STAND_INS: onMachine(
    'functions',
    z
      .string()
      .default('')
      .transform((all) => all.split(' ').filter((one) => one !== '')),
  ),
  FIREBREAK_DATABASE_WARNING: onMachine('functions', anything),

  HOME: system,
  PATH: system,
  NODE_COMPILE_CACHE: system,
  NO_COLOR: system,
  LAMBDA_TASK_ROOT: system,
  AWS_LAMBDA_FUNCTION_NAME: system,
  npm_lifecycle_event: system,

  FIREBREAK_SEED: testing,
  FIREBREAK_KILL_AT: testing,
  FIREBREAK_KILL_SHARE: testing,
  FIREBREAK_KILL_SECONDS: testing,
  FIREBREAK_KILL_SEED: testing,
  CHANCE_SEED: testing,
  UPDATE_GOLDEN: testing,
  RECORD_UPGRADE: testing,
  TZ: testing,
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

const NAMES = Object.keys(VARIABLES) as VariableName[];

/** An environment. Names that are not in the table are type errors. */
export type Env = { [Name in VariableName]?: string | undefined };

/** Reads a variable whose name a configuration has chosen. */
export const namedIn = (env: Env, name: string): string | undefined =>
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

/** Variables that a function on Lambda refuses. */
export const MACHINE_ONLY: readonly VariableName[] = NAMES.filter((name) => {
  const variable: Variable = VARIABLES[name];
  return variable.machineOnly === true;
});
