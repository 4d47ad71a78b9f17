import type { Chapter, VariableName } from './variables.ts';

/** Chapters of docs/environment.md, in order. */
export const CHAPTERS: Record<Chapter, { title: string; text: string }> = {
  machine: {
    title: 'One machine',
    text: 'Read once at `npm start` or by the service. An empty value counts as not set; a wrong one stops the start and is named. On AWS, a function that finds one of these (except `PORT`, `HOST` and `LOG_LEVEL`) refuses to start.',
  },
  access: {
    title: 'Tokens and keys of Firebreak',
    text: 'On AWS each of them is an SST secret of the same name: `sst secret set NAME value`.',
  },
  vendors: {
    title: 'Vendors',
    text: "On AWS each of them is an SST secret of the same name. On one machine a credential or an address replaces the vendor's stand-in ([sandbox.md](sandbox.md#real-stand-in-or-off)); `firebreak doctor` shows how each vendor is connected. The catalogue and runbooks can name further secrets (`auth: { bearer: CD_TOKEN }`): set these under the names that they use there.",
  },
  client: {
    title: 'Command line',
    text: 'Read by `firebreak …`, beside `FIREBREAK_ADMIN_TOKEN` and the folders of “One machine”.',
  },
  deploy: {
    title: 'Deployment to AWS',
    text: 'Read by `sst deploy`.',
  },
  emulation: {
    title: 'AWS on one machine',
    text: 'For a DynamoDB of your own, and for tests. Firebreak sets what is not set here for its own process.',
  },
  functions: {
    title: 'Set by Firebreak itself',
    text: 'Names of resources. `sst deploy` sets them for each function, and the start on one machine for its own process; what you set here is replaced.',
  },
  system: {
    title: 'Set by the system',
    text: 'What Firebreak reads of its surroundings.',
  },
  tests: {
    title: 'Tests',
    text: 'Read by `npm test`, `npm run test:kill` and the benchmarks alone.',
  },
};

/** Explains a variable, in Markdown. Separate from the table, because every function on AWS bundles the table. */
export type VariableNote = {
  meaning: string;
  /** What applies without it, if that is not a fixed value. */
  otherwise?: string;
};

export const VARIABLE_NOTES: Record<VariableName, VariableNote> = {
  PORT: { meaning: 'Port of the HTTP server; 0 takes a free one' },
  HOST: {
    meaning:
      'Address that it listens at. It speaks plain HTTP: keep the loopback address and put a proxy with TLS before it ([production.md](production.md))',
  },
  FIREBREAK_DATA_DIR: {
    meaning: 'Folder of all data, tokens and keys; created with mode 0700. Relative to the folder of the start',
  },
  FIREBREAK_CONFIG_DIR: { meaning: 'Folder of the configuration ([configuration.md](configuration.md))' },
  FIREBREAK_RUNBOOKS_DIR: { meaning: 'Folder of the runbooks ([runbooks.md](runbooks.md))' },
  FIREBREAK_SANDBOX: {
    meaning:
      '`on`: a stand-in for every vendor of which neither an address nor a credential is set. `off`: no stand-ins, and no `/sandbox`; a vendor is on when its credential is set',
  },
  FIREBREAK_MAX_CONNECTIONS: {
    meaning:
      'Most connections of clients at once. When all are taken, a new one replaces the one that has been without a request for the longest time ([operating.md](operating.md#limits))',
  },
  FIREBREAK_TRUSTED_PROXIES: {
    meaning:
      'Addresses and networks of reverse proxies, as `127.0.0.1,10.0.0.0/8`. Whose `X-Forwarded-For` is believed, so that limits on wrong credentials count each client for itself ([operating.md](operating.md#limits))',
    otherwise: 'none: the address that connects counts',
  },
  FIREBREAK_TIME_SCALE: {
    meaning:
      'With 60, workflow waits, approval time-outs, retry back-off, verification windows, quiet times and schedules pass 60 times faster. For demonstrations and tests',
  },
  LOG_LEVEL: { meaning: 'Least severity of what is logged: JSON, a line each, to stdout' },
  FIREBREAK_ADMIN_TOKEN: {
    meaning:
      'Token that may do everything. The records of all other tokens are authenticated with it ([aws.md](aws.md)); on AWS at least 24 characters',
    otherwise: 'one machine: generated at the first start, and kept in `tokens.json` of the data folder',
  },
  FIREBREAK_ADMIN_TOKEN_PREVIOUS: {
    meaning: 'The admin token that was replaced, as long as tokens that it authenticated are to be accepted',
  },
  FIREBREAK_INGEST_TOKEN: {
    meaning: 'Token that may send alerts, and ask for rollbacks by their label; on AWS at least 24 characters',
    otherwise: 'one machine: as `FIREBREAK_ADMIN_TOKEN`',
  },
  FIREBREAK_SIGNING_KEY: {
    meaning: 'Private key (PEM, P-256) that signs the tokens of deployments that the freeze check allows',
    otherwise:
      'one machine: generated at the first start, and kept in `signing-key.pem` of the data folder; AWS: no tokens',
  },
  FIREBREAK_SIGNING_KEY_PREVIOUS: { meaning: 'The signing key that was replaced: its tokens stay valid' },
  FIREBREAK_AUDIT_KEY: {
    meaning:
      'Random text that authenticates the seals of the log ([audit.md](audit.md)); on AWS at least 24 characters',
    otherwise:
      'one machine: generated at the first start, and kept in `audit-key` of the data folder; AWS: the deployment is refused',
  },
  FIREBREAK_AUDIT_KEY_PREVIOUS: {
    meaning: 'Audit keys that were replaced, separated by blanks, as long as what they sealed is to be checked',
  },
  PAGERDUTY_EVENTS_URL: { meaning: 'PagerDuty Events API; `/v2/enqueue` and `/v2/change/enqueue` are appended' },
  PAGERDUTY_ROUTING_KEY: { meaning: 'Integration key of the PagerDuty service that pages go to' },
  PAGERDUTY_API_URL: { meaning: 'PagerDuty REST API' },
  PAGERDUTY_API_TOKEN: { meaning: 'Token of the PagerDuty REST API: who is on call, and `paging: external`' },
  PAGERDUTY_FROM: { meaning: 'Email address of the PagerDuty user in whose name notes are written' },
  PAGERDUTY_WEBHOOK_SECRET: { meaning: 'Checks the webhooks of PagerDuty; without it they are refused' },
  SLACK_API_URL: { meaning: 'Slack Web API' },
  SLACK_BOT_TOKEN: { meaning: 'Bot token of the Slack app' },
  SLACK_SIGNING_SECRET: { meaning: 'Checks requests of Slack; without it commands and buttons are refused' },
  STATUSPAGE_API_URL: { meaning: 'Statuspage API' },
  STATUSPAGE_API_KEY: { meaning: 'API key of Statuspage' },
  STATUSPAGE_PAGE_ID: { meaning: 'The page at Statuspage' },
  GRAFANA_URL: { meaning: 'Grafana, for annotations' },
  GRAFANA_TOKEN: { meaning: 'Token of a Grafana service account that may write annotations' },
  GRAFANA_WEBHOOK_SECRET: { meaning: 'Checks HMAC signatures of Grafana’s contact point' },
  GRAFANA_TIMESTAMP_HEADER: {
    meaning: 'Header with the time that Grafana signs with the body; empty: the body alone is signed',
  },
  PROMETHEUS_URL: { meaning: 'Prometheus; `/api/v1/query` is appended' },
  ALERTMANAGER_URL: { meaning: 'Alertmanager: silences, and ends of alerts that it does not send' },
  GITHUB_API_URL: { meaning: 'GitHub REST API' },
  GITHUB_TOKEN: { meaning: 'Token of GitHub; or a GitHub App, by the next two' },
  GITHUB_APP_ID: { meaning: 'App ID of the GitHub App' },
  GITHUB_APP_PRIVATE_KEY: { meaning: 'Private key (PEM) of the GitHub App; line breaks may be written as `\\n`' },
  GITHUB_WEBHOOK_SECRET: { meaning: 'Checks the webhooks of GitHub; without it they are refused' },
  ARGOCD_URL: { meaning: 'Argo CD API server' },
  ARGOCD_TOKEN: { meaning: 'Token of an Argo CD account' },
  KUBERNETES_URL: { meaning: 'Kubernetes API server' },
  KUBERNETES_TOKEN: { meaning: 'Token of a Kubernetes service account' },
  LAUNCHDARKLY_API_URL: { meaning: 'LaunchDarkly REST API' },
  LAUNCHDARKLY_TOKEN: { meaning: 'Access token of LaunchDarkly' },
  CD_URL: { meaning: 'CD system, for deployers of `kind: http` that name no `url`' },
  SMTP_URL: { meaning: 'Mail server, with user and password: `smtps://user:password@mail.example.com:465`' },
  MAIL_FROM: { meaning: 'Sender of mails: `Firebreak <firebreak@example.com>`' },
  FIREBREAK_URL: { meaning: 'Firebreak that the command speaks to' },
  FIREBREAK_TOKEN: {
    meaning: 'Token that it shows',
    otherwise: 'on the machine of Firebreak itself, `FIREBREAK_ADMIN_TOKEN` or the one in the data folder',
  },
  FIREBREAK_KEYS: { meaning: 'Whose signature `freeze check` trusts in an outage ([cli.md](cli.md))' },
  FIREBREAK_IDENTITY_TOKEN: { meaning: 'Identity token (OIDC) of the CI job that `freeze check` shows' },
  XDG_CACHE_HOME: { meaning: 'Folder of the last answers of `freeze check`, instead of `~/.cache`' },
  XDG_CONFIG_HOME: { meaning: 'Folder of the keys that were seen, instead of `~/.config`' },
  FIREBREAK_ALARM_EMAIL: { meaning: 'Address that alarms are mailed to; give it at each deployment' },
  FIREBREAK_DYNOXIDE_BIN: { meaning: 'Path of a `dynoxide` binary, where none for this platform is on npm' },
  AWS_ENDPOINT_URL: {
    meaning: 'Read by the AWS SDK, for services without an address of their own. Not for Firebreak: leave it out',
  },
  AWS_ENDPOINT_URL_DYNAMODB: { meaning: "Address of a DynamoDB with access control, in place of Firebreak's own" },
  AWS_ENDPOINT_URL_SQS: { meaning: "Address of SQS, in place of Firebreak's own" },
  AWS_ENDPOINT_URL_S3: { meaning: "Address of S3, in place of Firebreak's own" },
  AWS_ENDPOINT_URL_LAMBDA: { meaning: "Address of Lambda, in place of Firebreak's own" },
  AWS_ENDPOINT_URL_SSM: { meaning: "Address of the parameter store, in place of Firebreak's own" },
  AWS_TARGETS_URL: {
    meaning: 'One address for Lambda, ECS and CodeDeploy of targets, as the sandbox has it',
    otherwise: 'AWS itself',
  },
  AWS_REGION: { meaning: 'Region that requests are signed for' },
  AWS_ACCESS_KEY_ID: { meaning: 'Used only where one of these addresses is set' },
  AWS_SECRET_ACCESS_KEY: { meaning: 'As `AWS_ACCESS_KEY_ID`' },
  AWS_SESSION_TOKEN: { meaning: 'As `AWS_ACCESS_KEY_ID`' },
  FIREBREAK_STAGE: { meaning: 'Stage of the deployment' },
  FIREBREAK_TABLE: { meaning: 'Name of the table' },
  FIREBREAK_BUCKET: { meaning: 'Name of the bucket' },
  FIREBREAK_QUEUE_URGENT: { meaning: 'URL of the queue `urgent`' },
  FIREBREAK_QUEUE_ORDINARY: { meaning: 'URL of the queue `ordinary`' },
  FIREBREAK_QUEUE_UNMATCHED: { meaning: 'URL of the queue `unmatched`' },
  FIREBREAK_QUEUE_PEOPLE: { meaning: 'URL of the queue `people`' },
  FIREBREAK_QUEUE_SLACK: { meaning: 'URL of the queue `slack`' },
  FIREBREAK_QUEUE_STATUSPAGE: { meaning: 'URL of the queue `statuspage`' },
  FIREBREAK_QUEUE_GRAFANA: { meaning: 'URL of the queue `grafana`' },
  FIREBREAK_QUEUE_TICKETS: { meaning: 'URL of the queue `tickets`' },
  FIREBREAK_QUEUE_WEBHOOKS: { meaning: 'URL of the queue `webhooks`' },
  FIREBREAK_WORKFLOW_FUNCTION: { meaning: 'Name of the function of the workflow' },
  FIREBREAK_WORKFLOW_QUALIFIER: { meaning: 'Alias or version of it' },
  FIREBREAK_SECRETS_PATH: { meaning: 'Path of the secrets in the parameter store' },
  FIREBREAK_SECRETS_GRANTS: { meaning: 'Groups of secrets that the function may read, separated by commas' },
  FIREBREAK_SECRETS_KEY: { meaning: "32 bytes as base64: seals the function's copy of its secrets" },
  FIREBREAK_STAND_INS: { meaning: "Addresses of the sandbox's stand-ins, separated by spaces" },
  FIREBREAK_DATABASE_WARNING: { meaning: 'Who else can write the table' },
  HOME: { meaning: 'Home of the user; `firebreak` keeps its files below it' },
  PATH: { meaning: 'Where programs are found' },
  NODE_COMPILE_CACHE: { meaning: 'Folder in which Node keeps compiled code; `npm start` sets one in `node_modules`' },
  NO_COLOR: { meaning: 'Set: the demo prints no colours' },
  LAMBDA_TASK_ROOT: { meaning: 'Set by Lambda, and how a function knows that it runs there' },
  AWS_LAMBDA_FUNCTION_NAME: { meaning: 'Set by Lambda' },
  npm_lifecycle_event: { meaning: 'Set by npm: Firebreak then ends with the npm that started it' },
  FIREBREAK_SEED: { meaning: 'Seed of generated cases and of the kill test; a failure prints it' },
  FIREBREAK_KILL_AT: { meaning: 'The only boundary that the kill test plays ([effects.md](effects.md))' },
  FIREBREAK_KILL_SHARE: { meaning: 'Share of the boundaries that `npm run test:kill` plays; 1 without it' },
  FIREBREAK_KILL_SEED: { meaning: 'Which boundaries these are' },
  CHANCE_SEED: { meaning: 'Seed of generated stories of the workflows' },
  UPDATE_GOLDEN: { meaning: '`1`: recorded histories are written anew instead of compared' },
  RECORD_UPGRADE: {
    meaning: 'the name under which the data folder of this version is recorded for later upgrade tests',
  },
  TZ: { meaning: 'Time zone of a program' },
};
