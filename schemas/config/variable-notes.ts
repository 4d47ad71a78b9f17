import { TARGET_VARIABLES } from '../rollback/targets.ts';
import type { Chapter, VariableNote } from './variable.ts';
import type { VariableName } from './variables.ts';
import { VENDOR_VARIABLES } from './vendors.ts';

/** Chapters of docs/reference/environment.md, in order. */
export const CHAPTERS: Record<Chapter, { title: string; text: string }> = {
  machine: {
    title: 'One machine',
    text: 'Read once when `npm start` or the service starts. An empty value counts as not set. An invalid value stops the start with an error that names the variable. On AWS, a function that finds one of these variables (except `PORT`, `HOST`, `FIREBREAK_PUBLIC_URL`, and `LOG_LEVEL`) refuses to start.',
  },
  access: {
    title: 'Tokens and keys of Firebreak',
    text: 'On AWS, each of these is an SST secret of the same name: `sst secret set NAME value`.',
  },
  vendors: {
    title: 'Vendors',
    text: "On AWS, each of these is an SST secret of the same name. On one machine, a credential or an address replaces the vendor's stand-in ([sandbox.md](sandbox.md#real-stand-in-or-off)); `firebreak doctor` shows how each vendor is connected. The catalogue and runbooks can name further secrets (`auth: { bearer: CD_TOKEN }`). Set these under the same names.",
  },
  client: {
    title: 'Command line',
    text: 'Read by `firebreak …`, in addition to `FIREBREAK_ADMIN_TOKEN` and the folders in “One machine”.',
  },
  targets: {
    title: 'AWS targets on one machine',
    text: 'Read by the AWS SDK for Lambda, ECS, and CodeDeploy targets, like its other variables and files. A deployment to AWS uses the roles of its functions.',
  },
  functions: {
    title: 'Set by Firebreak itself',
    text: 'Names of resources. Values that you set are replaced.',
  },
  system: {
    title: 'Set by the system',
    text: 'Variables of the operating system, Node, npm, and Lambda that Firebreak reads.',
  },
  tests: {
    title: 'Tests',
    text: 'Read only by `npm test`, `npm run test:stories`, `npm run test:long`, and the benchmarks.',
  },
};

const OF_VENDORS = { ...VENDOR_VARIABLES, ...TARGET_VARIABLES };

/** Separate from the table, because every function on AWS bundles the table. */
const NOTES: Record<Exclude<VariableName, keyof typeof OF_VENDORS>, VariableNote> = {
  PORT: { meaning: 'Port of the HTTP server; 0 selects a free port. Without `FIREBREAK_URL`, commands connect to it' },
  HOST: {
    meaning:
      'Address to listen on. Firebreak serves plain HTTP: keep the loopback address and put a TLS proxy in front ([production.md](../how-to/production.md))',
  },
  FIREBREAK_DATA_DIR: {
    meaning: 'Folder of all data, tokens, and keys; created with mode 0700. Relative to the working directory',
  },
  FIREBREAK_CONFIG_DIR: { meaning: 'Folder of the configuration ([configuration.md](configuration.md))' },
  FIREBREAK_RUNBOOKS_DIR: { meaning: 'Folder of the runbooks ([runbooks.md](runbooks.md))' },
  FIREBREAK_SNAPSHOT_DIR: {
    meaning:
      'Folder of the [snapshot of the status pages](status-page.md#snapshot), for a web server. Everyone on this machine can read it. Relative to the working directory',
    otherwise: '`status` in the data folder',
  },
  FIREBREAK_SANDBOX: {
    meaning:
      '`on`, with `npm start` only: a [stand-in](sandbox.md#real-stand-in-or-off) for every vendor without an address and a credential. `off`: no stand-ins and no `/sandbox`',
  },
  FIREBREAK_MAX_CONNECTIONS: {
    meaning: 'Maximum number of client connections ([limits](metrics-logs-limits.md#limits))',
  },
  FIREBREAK_TRUSTED_PROXIES: {
    meaning:
      'Addresses and networks of reverse proxies, such as `127.0.0.1,10.0.0.0/8`. Their `X-Forwarded-For` is trusted ([limits](metrics-logs-limits.md#wrong-credentials))',
    otherwise: 'none: the connecting address counts',
  },
  FIREBREAK_TIME_SCALE: {
    meaning:
      'With 60, workflow waits, approval time-outs, retry back-off, verification windows, quiet times, and schedules run 60 times faster. For demonstrations and tests',
  },
  FIREBREAK_PUBLIC_URL: {
    meaning:
      'Address under which people reach this Firebreak, such as `https://firebreak.example.com`; links to the [console](console.md) in Slack, pages, emails, and Grafana begin with it.',
    otherwise: 'the address of the HTTP server; on AWS, that of the HTTP API',
  },
  LOG_LEVEL: { meaning: 'Lowest severity to log, on standard error' },
  LOG_FORMAT: {
    meaning: 'Format of the log: one JSON object per line, or text for people ([logs](metrics-logs-limits.md#logs))',
    otherwise: '`text` if standard error is a terminal, else `json`',
  },
  FIREBREAK_ADMIN_TOKEN: {
    meaning:
      'Token with all permissions. It authenticates the records of all other tokens ([aws.md](../how-to/aws.md)); on AWS at least 24 characters',
    otherwise: 'one machine: generated at the first start and stored in `tokens.json` of the data folder',
  },
  FIREBREAK_ADMIN_TOKEN_PREVIOUS: {
    meaning: 'The replaced admin token, for as long as tokens that it authenticated must be accepted',
  },
  FIREBREAK_INGEST_TOKEN: {
    meaning: 'Token for sending alerts, which may request rollbacks by label; on AWS at least 24 characters',
    otherwise: 'one machine: same as `FIREBREAK_ADMIN_TOKEN`',
  },
  FIREBREAK_OIDC_CLIENT_SECRET: {
    meaning:
      'Client secret at the identity provider that signs people in to the [console](console.md#identity-provider)',
    otherwise: 'Firebreak is a public client, which PKCE alone protects',
  },
  FIREBREAK_SIGNING_KEY: {
    meaning: 'Private key (PEM, P-256) that signs tokens for deployments that the freeze check allows',
    otherwise:
      'one machine: generated at the first start and stored in `signing-key.pem` of the data folder; AWS: no tokens',
  },
  FIREBREAK_SIGNING_KEY_PREVIOUS: { meaning: 'The replaced signing key: its tokens stay valid' },
  FIREBREAK_AUDIT_KEY: {
    meaning:
      'Random text that authenticates the seals of the log ([audit.md](../how-to/audit.md)); on AWS at least 24 characters',
    otherwise:
      'one machine: generated at the first start and stored in `audit-key` of the data folder; AWS: the deployment is refused',
  },
  FIREBREAK_AUDIT_KEY_PREVIOUS: {
    meaning: 'Replaced audit keys, separated by spaces, for as long as their seals must be checked',
  },
  FIREBREAK_URL: { meaning: 'Address of the Firebreak that the command connects to' },
  FIREBREAK_TOKEN: {
    meaning: 'Token that the command sends',
    otherwise: "on Firebreak's own machine: `FIREBREAK_ADMIN_TOKEN`, or the token in the data folder",
  },
  FIREBREAK_KEYS: {
    meaning: 'Source of the public keys that `freeze check` trusts during an outage ([cli.md](cli.md))',
  },
  FIREBREAK_IDENTITY_TOKEN: { meaning: 'Identity token (OIDC) of the CI job that `freeze check` sends' },
  TRACEPARENT: {
    meaning:
      'W3C trace context that the command sends, so that spans of what it reports belong to the trace of the CI job',
  },
  XDG_CACHE_HOME: { meaning: 'Folder of the last responses of `freeze check`, instead of `~/.cache`' },
  XDG_CONFIG_HOME: { meaning: 'Folder of known public keys, instead of `~/.config`' },
  AWS_REGION: { meaning: 'Region of targets that name none' },
  AWS_ACCESS_KEY_ID: { meaning: 'Credentials for targets without a role of their own' },
  AWS_SECRET_ACCESS_KEY: { meaning: 'Same as `AWS_ACCESS_KEY_ID`' },
  AWS_SESSION_TOKEN: { meaning: 'Same as `AWS_ACCESS_KEY_ID`' },
  FIREBREAK_RESOURCES: {
    meaning:
      "JSON that the deployment writes: stage, table, buckets, URLs of queues, workflow, and the function's secrets with the key of their copy",
  },
  FIREBREAK_STAND_INS: { meaning: "Addresses of the sandbox's stand-ins, separated by spaces" },
  HOME: { meaning: 'Home of the user; `firebreak` keeps its files below it' },
  PATH: { meaning: 'Search path for programs' },
  NODE_COMPILE_CACHE: { meaning: "Folder of Node's compile cache; `npm start` sets one in `node_modules`" },
  NO_COLOR: { meaning: 'If set, the command line and the demo print without colors' },
  COLUMNS: { meaning: 'Characters per line, instead of those of the terminal' },
  LAMBDA_TASK_ROOT: { meaning: 'Set by Lambda; tells a function that it runs there' },
  AWS_LAMBDA_FUNCTION_NAME: { meaning: 'Set by Lambda' },
  npm_lifecycle_event: { meaning: 'Set by npm: Firebreak then stops when npm stops' },
  npm_node_execpath: { meaning: 'Set by npm: the Node on which `npm run check:platform` runs the configuration' },
  FIREBREAK_SEED: {
    meaning:
      'Seed of generated cases, of stories, and of the order of kills; `npm run test:long` prints the one that it chooses',
  },
  FIREBREAK_RUNS: {
    meaning: 'How many times the random cases of `npm test` to play; `npm run test:long -- properties` sets 10',
  },
  FIREBREAK_KILL_AT: { meaning: 'Limits the kill test to this boundary ([effects.md](../explanation/effects.md))' },
  FIREBREAK_KILL_SECONDS: {
    meaning:
      'Seconds after which the kill test starts no more kills, except for two of each scenario; 420 in `npm run test:long`',
  },
  UPDATE_GOLDEN: {
    meaning: '`1`: golden histories are recorded again instead of compared, and missing ones are added',
  },
  RECORD_UPGRADE: {
    meaning: 'name under which the data folder of this version is recorded for later upgrade tests',
  },
  TZ: { meaning: 'Time zone of the process' },
};

export const VARIABLE_NOTES: Record<VariableName, VariableNote> = { ...NOTES, ...OF_VENDORS };
