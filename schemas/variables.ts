import * as z from 'zod';

/** Chapters of docs/environment.md, in order. */
export const CHAPTERS = {
  machine: {
    title: 'One machine',
    text:
      'Read once at `npm start` or by the service. An empty value counts as not set; a wrong one stops the start and is ' +
      'named. On AWS, a function that finds one of these (except `PORT`, `HOST` and `LOG_LEVEL`) refuses to start.',
  },
  access: {
    title: 'Tokens and keys of Firebreak',
    text: 'On AWS each of them is an SST secret of the same name: `sst secret set NAME value`.',
  },
  vendors: {
    title: 'Vendors',
    text:
      'On AWS each of them is an SST secret of the same name. On one machine a credential or an address replaces the ' +
      "vendor's stand-in ([sandbox.md](sandbox.md#real-stand-in-or-off)); `firebreak doctor` shows how each vendor is " +
      'connected. The catalogue and runbooks can name further secrets (`auth: { bearer: CD_TOKEN }`): set these under the ' +
      'names that they use there.',
  },
  client: {
    title: 'Command line',
    text: 'Read by `firebreak …`, beside `FIREBREAK_ADMIN_TOKEN` and the folders of “One machine”.',
  },
  deploy: { title: 'Deployment to AWS', text: 'Read by `sst deploy`.' },
  emulation: {
    title: 'AWS on one machine',
    text: 'For a DynamoDB of your own, and for tests. Firebreak sets what is not set here for its own process.',
  },
  functions: {
    title: 'Set by Firebreak itself',
    text:
      'Names of resources. `sst deploy` sets them for each function, and the start on one machine for its own process; ' +
      'what you set here is replaced.',
  },
  system: { title: 'Set by the system', text: 'What Firebreak reads of its surroundings.' },
  tests: { title: 'Tests', text: 'Read by `npm test`, `npm run test:kill` and the benchmarks alone.' },
} as const satisfies Record<string, { title: string; text: string }>;

type Chapter = keyof typeof CHAPTERS;

export type Variable = {
  chapter: Chapter;
  /** What a value has to be, with the default where code relies on one. */
  schema: z.ZodType;
  /** For people, as Markdown. */
  meaning: string;
  /** Its value must not be shown, logged, or passed on. */
  secret?: true;
  /** It makes no sense on AWS, so a function that finds it refuses to start. */
  machineOnly?: true;
  /** The default, for code that applies it itself. */
  standard?: string;
  /** For people: what holds without it, where that is no fixed value. */
  otherwise?: string;
};

const text = z.string().min(1);
const httpUrl = z.url({ protocol: /^https?$/ });
const folder = (standard: string) => z.string().min(1).default(standard);
const optional = text.optional();

const secret = (chapter: Chapter, meaning: string, otherwise?: string) =>
  ({ chapter, schema: optional, meaning, secret: true, ...(otherwise !== undefined && { otherwise }) }) as const;
const setting = (chapter: Chapter, meaning: string) => ({ chapter, schema: optional, meaning }) as const;
const address = (meaning: string) => ({ chapter: 'vendors', schema: httpUrl.optional(), meaning }) as const;
/** An address that has a public default. */
const publicAddress = <const Url extends string>(standard: Url, meaning: string) =>
  ({ chapter: 'vendors', schema: httpUrl.default(standard), meaning, standard }) as const;
/** An address of a part of AWS. */
const endpoint = (service: string) =>
  ({
    chapter: 'emulation',
    schema: httpUrl.optional(),
    meaning: `Address of ${service}, in place of Firebreak's own`,
    machineOnly: true,
  }) as const;
const resource = <Schema extends z.ZodType>(schema: Schema, meaning: string) =>
  ({ chapter: 'functions', schema, meaning }) as const;
const queue = (name: string) => resource(z.url(), `URL of the queue \`${name}\``);
const system = (meaning: string) => ({ chapter: 'system', schema: z.string().optional(), meaning }) as const;
const testing = (meaning: string) => ({ chapter: 'tests', schema: z.string().optional(), meaning }) as const;

/**
 * Every environment variable that the project reads. Code parses with these schemas, types of environments have these
 * names, and docs/environment.md is written from them, so that none of the three can differ from the others.
 */
export const VARIABLES = {
  PORT: {
    chapter: 'machine',
    schema: z.coerce.number().int().min(0).max(65535).default(8080),
    meaning: 'Port of the HTTP server; 0 takes a free one',
  },
  HOST: {
    chapter: 'machine',
    schema: z.string().min(1).default('127.0.0.1'),
    meaning:
      'Address that it listens at. It speaks plain HTTP: keep the loopback address and put a proxy with TLS before it',
  },
  FIREBREAK_DATA_DIR: {
    chapter: 'machine',
    schema: folder('.firebreak'),
    meaning: 'Folder of all data, tokens and keys; created with mode 0700. Relative to the folder of the start',
    machineOnly: true,
  },
  FIREBREAK_CONFIG_DIR: {
    chapter: 'machine',
    schema: folder('config'),
    meaning: 'Folder of the configuration ([configuration.md](configuration.md))',
    machineOnly: true,
  },
  FIREBREAK_RUNBOOKS_DIR: {
    chapter: 'machine',
    schema: folder('runbooks'),
    meaning: 'Folder of the runbooks ([runbooks.md](runbooks.md))',
    machineOnly: true,
  },
  FIREBREAK_SANDBOX: {
    chapter: 'machine',
    schema: z.enum(['on', 'off']).default('on'),
    meaning:
      '`on`: a stand-in for every vendor of which neither an address nor a credential is set. `off`: no stand-ins, and no ' +
      '`/sandbox`; a vendor is on when its credential is set',
    machineOnly: true,
  },
  FIREBREAK_TIME_SCALE: {
    chapter: 'machine',
    schema: z.coerce.number().min(1).default(1),
    meaning:
      'With 60, workflow waits, approval time-outs, retry back-off, verification windows, quiet times and schedules pass 60 ' +
      'times faster. For demonstrations and tests',
    machineOnly: true,
  },
  LOG_LEVEL: {
    chapter: 'machine',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    meaning: 'Least severity of what is logged: JSON, a line each, to stdout',
  },

  FIREBREAK_ADMIN_TOKEN: secret(
    'access',
    'Token that may do everything. The records of all other tokens are authenticated with it ([aws.md](aws.md)); on AWS at ' +
      'least 24 characters',
    'one machine: generated at the first start, and kept in `tokens.json` of the data folder',
  ),
  FIREBREAK_ADMIN_TOKEN_PREVIOUS: secret(
    'access',
    'The admin token that was replaced, as long as tokens that it authenticated are to be accepted',
  ),
  FIREBREAK_INGEST_TOKEN: secret(
    'access',
    'Token that may send alerts, and ask for rollbacks by their label; on AWS at least 24 characters',
    'one machine: as `FIREBREAK_ADMIN_TOKEN`',
  ),
  FIREBREAK_SIGNING_KEY: secret(
    'access',
    'Private key (PEM, P-256) that signs the tokens of deployments that the freeze check allows',
    'one machine: generated at the first start, and kept in `signing-key.pem` of the data folder; AWS: no tokens',
  ),
  FIREBREAK_SIGNING_KEY_PREVIOUS: secret('access', 'The signing key that was replaced: its tokens stay valid'),

  PAGERDUTY_EVENTS_URL: publicAddress(
    'https://events.pagerduty.com',
    'PagerDuty Events API; `/v2/enqueue` and `/v2/change/enqueue` are appended',
  ),
  PAGERDUTY_ROUTING_KEY: secret('vendors', 'Integration key of the PagerDuty service that pages go to'),
  PAGERDUTY_API_URL: publicAddress('https://api.pagerduty.com', 'PagerDuty REST API'),
  PAGERDUTY_API_TOKEN: secret('vendors', 'Token of the PagerDuty REST API: who is on call, and `paging: external`'),
  PAGERDUTY_FROM: setting('vendors', 'Email address of the PagerDuty user in whose name notes are written'),
  PAGERDUTY_WEBHOOK_SECRET: secret('vendors', 'Checks the webhooks of PagerDuty; without it they are refused'),
  SLACK_API_URL: publicAddress('https://slack.com/api/', 'Slack Web API'),
  SLACK_BOT_TOKEN: secret('vendors', 'Bot token of the Slack app'),
  SLACK_SIGNING_SECRET: secret('vendors', 'Checks requests of Slack; without it commands and buttons are refused'),
  STATUSPAGE_API_URL: publicAddress('https://api.statuspage.io/v1', 'Statuspage API'),
  STATUSPAGE_API_KEY: secret('vendors', 'API key of Statuspage'),
  STATUSPAGE_PAGE_ID: setting('vendors', 'The page at Statuspage'),
  GRAFANA_URL: address('Grafana, for annotations'),
  GRAFANA_TOKEN: secret('vendors', 'Token of a Grafana service account that may write annotations'),
  GRAFANA_WEBHOOK_SECRET: secret('vendors', 'Checks HMAC signatures of Grafana’s contact point'),
  GRAFANA_TIMESTAMP_HEADER: {
    chapter: 'vendors',
    schema: z.string().default('X-Grafana-Alerting-Timestamp'), // empty is a value of its own
    meaning: 'Header with the time that Grafana signs with the body; empty: the body alone is signed',
    standard: 'X-Grafana-Alerting-Timestamp',
  },
  PROMETHEUS_URL: address('Prometheus; `/api/v1/query` is appended'),
  ALERTMANAGER_URL: address('Alertmanager: silences, and ends of alerts that it does not send'),
  GITHUB_API_URL: publicAddress('https://api.github.com', 'GitHub REST API'),
  GITHUB_TOKEN: secret('vendors', 'Token of GitHub; or a GitHub App, by the next two'),
  GITHUB_APP_ID: setting('vendors', 'App ID of the GitHub App'),
  GITHUB_APP_PRIVATE_KEY: secret('vendors', 'Private key (PEM) of the GitHub App; line breaks may be written as `\\n`'),
  GITHUB_WEBHOOK_SECRET: secret('vendors', 'Checks the webhooks of GitHub; without it they are refused'),
  ARGOCD_URL: address('Argo CD API server'),
  ARGOCD_TOKEN: secret('vendors', 'Token of an Argo CD account'),
  KUBERNETES_URL: address('Kubernetes API server'),
  KUBERNETES_TOKEN: secret('vendors', 'Token of a Kubernetes service account'),
  LAUNCHDARKLY_API_URL: publicAddress('https://app.launchdarkly.com', 'LaunchDarkly REST API'),
  LAUNCHDARKLY_TOKEN: secret('vendors', 'Access token of LaunchDarkly'),
  CD_URL: address('CD system, for deployers of `kind: http` that name no `url`'),
  SMTP_URL: {
    chapter: 'vendors',
    schema: z.url({ protocol: /^smtps?$/ }).optional(),
    meaning: 'Mail server, with user and password: `smtps://user:password@mail.example.com:465`',
    secret: true,
  },
  MAIL_FROM: setting('vendors', 'Sender of mails: `Firebreak <firebreak@example.com>`'),

  FIREBREAK_URL: {
    chapter: 'client',
    schema: httpUrl.default('http://127.0.0.1:8080'),
    meaning: 'Firebreak that the command speaks to',
    standard: 'http://127.0.0.1:8080',
  },
  FIREBREAK_TOKEN: secret(
    'client',
    'Token that it shows',
    'on the machine of Firebreak itself, `FIREBREAK_ADMIN_TOKEN` or the one in the data folder',
  ),
  FIREBREAK_KEYS: setting('client', 'Whose signature `freeze check` trusts in an outage ([cli.md](cli.md))'),
  FIREBREAK_IDENTITY_TOKEN: secret('client', 'Identity token (OIDC) of the CI job that `freeze check` shows'),
  XDG_CACHE_HOME: setting('client', 'Folder of the last answers of `freeze check`, instead of `~/.cache`'),
  XDG_CONFIG_HOME: setting('client', 'Folder of the keys that were seen, instead of `~/.config`'),

  FIREBREAK_ALARM_EMAIL: setting('deploy', 'Address that alarms are mailed to; give it at each deployment'),

  FIREBREAK_DYNOXIDE_BIN: {
    chapter: 'emulation',
    schema: optional,
    meaning: 'Path of a `dynoxide` binary, where none for this platform is on npm',
    machineOnly: true,
  },
  AWS_ENDPOINT_URL: {
    chapter: 'emulation',
    schema: httpUrl.optional(),
    meaning: 'Read by the AWS SDK, for services without an address of their own. Not for Firebreak: leave it out',
    machineOnly: true,
  },
  AWS_ENDPOINT_URL_DYNAMODB: endpoint('a DynamoDB with access control'),
  AWS_ENDPOINT_URL_SQS: endpoint('SQS'),
  AWS_ENDPOINT_URL_S3: endpoint('S3'),
  AWS_ENDPOINT_URL_LAMBDA: endpoint('Lambda'),
  AWS_ENDPOINT_URL_SSM: endpoint('the parameter store'),
  AWS_TARGETS_URL: {
    chapter: 'emulation',
    schema: httpUrl.optional(),
    meaning: 'One address for Lambda, ECS and CodeDeploy of targets, as the sandbox has it',
    otherwise: 'AWS itself',
  },
  AWS_REGION: setting('emulation', 'Region that requests are signed for'),
  AWS_ACCESS_KEY_ID: setting('emulation', 'Used only where one of these addresses is set'),
  AWS_SECRET_ACCESS_KEY: secret('emulation', 'As `AWS_ACCESS_KEY_ID`'),
  AWS_SESSION_TOKEN: secret('emulation', 'As `AWS_ACCESS_KEY_ID`'),

  FIREBREAK_STAGE: resource(z.string().regex(/^[A-Za-z0-9-]{1,20}$/), 'Stage of the deployment'),
  FIREBREAK_TABLE: resource(z.string().min(3), 'Name of the table'),
  FIREBREAK_BUCKET: resource(z.string().min(3), 'Name of the bucket'),
  FIREBREAK_QUEUE_URGENT: queue('urgent'),
  FIREBREAK_QUEUE_ORDINARY: queue('ordinary'),
  FIREBREAK_QUEUE_UNMATCHED: queue('unmatched'),
  FIREBREAK_QUEUE_PEOPLE: queue('people'),
  FIREBREAK_QUEUE_SLACK: queue('slack'),
  FIREBREAK_QUEUE_STATUSPAGE: queue('statuspage'),
  FIREBREAK_QUEUE_GRAFANA: queue('grafana'),
  FIREBREAK_QUEUE_TICKETS: queue('tickets'),
  FIREBREAK_QUEUE_WEBHOOKS: queue('webhooks'),
  FIREBREAK_WORKFLOW_FUNCTION: resource(text, 'Name of the function of the workflow'),
  FIREBREAK_WORKFLOW_QUALIFIER: resource(text, 'Alias or version of it'),
  FIREBREAK_SECRETS_PATH: resource(z.string().startsWith('/'), 'Path of the secrets in the parameter store'),
  FIREBREAK_SECRETS_GRANTS: resource(
    z.string().regex(/^[a-z-]+(,[a-z-]+)*$/),
    'Groups of secrets that the function may read, separated by commas',
  ),
  FIREBREAK_SECRETS_KEY: {
    ...resource(z.base64().length(44), "32 bytes as base64: seals the function's copy of its secrets"),
    secret: true,
  },
  FIREBREAK_STAND_INS: {
    chapter: 'functions',
    schema: z
      .string()
      .default('')
      .transform((all) => all.split(' ').filter((one) => one !== '')),
    meaning: "Addresses of the sandbox's stand-ins, separated by spaces",
    machineOnly: true,
  },
  FIREBREAK_DATABASE_WARNING: {
    chapter: 'functions',
    schema: z.string().optional(),
    meaning: 'Who else can write the table',
    machineOnly: true,
  },

  HOME: system('Home of the user; `firebreak` keeps its files below it'),
  PATH: system('Where programs are found'),
  NODE_COMPILE_CACHE: system('Folder in which Node keeps compiled code; `npm start` sets one in `node_modules`'),
  NO_COLOR: system('Set: the demo prints no colours'),
  LAMBDA_TASK_ROOT: system('Set by Lambda, and how a function knows that it runs there'),
  AWS_LAMBDA_FUNCTION_NAME: system('Set by Lambda'),
  npm_lifecycle_event: system('Set by npm: Firebreak then ends with the npm that started it'),

  FIREBREAK_SEED: testing('Seed of generated cases and of the kill test; a failure prints it'),
  FIREBREAK_KILL_AT: testing('The only boundary that the kill test plays ([effects.md](effects.md))'),
  FIREBREAK_KILL_SHARE: testing('Share of the boundaries that `npm run test:kill` plays; 1 without it'),
  FIREBREAK_KILL_SEED: testing('Which boundaries these are'),
  CHANCE_SEED: testing('Seed of generated stories of the workflows'),
  UPDATE_GOLDEN: testing('`1`: recorded histories are written anew instead of compared'),
  TZ: testing('Time zone of a program'),
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;

const NAMES = Object.keys(VARIABLES) as VariableName[];

/** An environment. Names that are not in the table are errors of types. */
export type Env = { [Name in VariableName]?: string | undefined };

/** Reads a variable whose name a configuration has chosen. */
export const namedIn = (env: Env, name: string): string | undefined =>
  (env as Readonly<Record<string, string | undefined>>)[name];

type Schemas<Name extends VariableName> = { [Each in Name]: (typeof VARIABLES)[Each]['schema'] };

/** The schema of an environment with these variables; others are left out. */
export const environmentOf = <Name extends VariableName>(names: readonly Name[]): z.ZodObject<Schemas<Name>> =>
  z.object(Object.fromEntries(names.map((name) => [name, VARIABLES[name].schema])) as Schemas<Name>);

/** The names of a chapter. */
type NamesIn<Each extends Chapter> = {
  [Name in VariableName]: (typeof VARIABLES)[Name]['chapter'] extends Each ? Name : never;
}[VariableName];

/** All names of these chapters, in the table's order. */
export const namesIn = <const Each extends Chapter>(...chapters: readonly Each[]): NamesIn<Each>[] =>
  NAMES.filter((name) => (chapters as readonly Chapter[]).includes(VARIABLES[name].chapter)) as NamesIn<Each>[];

/** Variables that a function on Lambda refuses. */
export const MACHINE_ONLY: readonly VariableName[] = NAMES.filter((name) => {
  const variable: Variable = VARIABLES[name];
  return variable.machineOnly === true;
});
