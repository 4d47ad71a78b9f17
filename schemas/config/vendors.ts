import * as z from 'zod';
import {
  type Intersection,
  variable,
  setting,
  signingSecret,
  token,
  url,
  type Variable,
  type VariableNote,
  vendorAddress,
} from './variable.ts';

/** How Firebreak is connected to a vendor. */
export type ConnectionNote = {
  /** Name as shown by `npm start` and `firebreak doctor`. */
  name: string;
  /** Setting with its address. */
  url: string;
  /** Public address, if the setting has no standard. */
  publicUrl?: string;
  /** Alternative sets of settings for authentication. Empty: none, or a configuration names them. */
  credentials: readonly (readonly string[])[];
  /** Other required settings. */
  also?: readonly string[];
  /** Firebreak only reads from the vendor. */
  readOnly?: true;
};

type Vendor = {
  /** The vendor's ID. Most IDs are also names of stand-ins. */
  vendor: string;
  /** The environment variables that only this vendor uses, with their groups of secrets. */
  variables: Readonly<Record<string, Variable & VariableNote>>;
  connections: readonly ConnectionNote[];
};

/**
 * All vendors besides the rollback targets, `vendors/targets.ts`. Their environment variables, secrets, stand-in
 * settings, lines of `npm start`, and tables in the docs follow from this list. The compiler requires their checks by
 * `firebreak doctor` in `vendors/connections/check.ts`.
 */
export const VENDORS = [
  {
    vendor: 'pagerduty',
    variables: {
      PAGERDUTY_EVENTS_URL: {
        ...vendorAddress('https://events.pagerduty.com', 'pagerduty'),
        meaning: 'PagerDuty Events API; `/v2/enqueue` and `/v2/change/enqueue` are appended',
      },
      PAGERDUTY_ROUTING_KEY: {
        ...token('pagerduty'),
        meaning: 'Integration key of the PagerDuty service that receives pages',
      },
      PAGERDUTY_API_URL: { ...vendorAddress('https://api.pagerduty.com', 'pagerduty'), meaning: 'PagerDuty REST API' },
      PAGERDUTY_API_TOKEN: {
        ...token('pagerduty'),
        meaning: 'API token of the PagerDuty REST API, for on-call lookups and `paging: external`',
      },
      PAGERDUTY_FROM: {
        ...setting('pagerduty'),
        meaning: 'Email address of the PagerDuty user who is the author of notes',
      },
      PAGERDUTY_WEBHOOK_SECRET: {
        ...signingSecret('senders'),
        meaning: 'Secret that verifies PagerDuty webhooks; without it, they are refused',
      },
    },
    connections: [
      { name: 'PagerDuty pages', url: 'PAGERDUTY_EVENTS_URL', credentials: [['PAGERDUTY_ROUTING_KEY']] },
      { name: 'PagerDuty API', url: 'PAGERDUTY_API_URL', credentials: [['PAGERDUTY_API_TOKEN']] },
    ],
  },
  {
    vendor: 'slack',
    variables: {
      SLACK_API_URL: { ...vendorAddress('https://slack.com/api/', 'slack'), meaning: 'Slack Web API' },
      SLACK_BOT_TOKEN: { ...token('slack'), meaning: 'Bot token of the Slack app' },
      SLACK_SIGNING_SECRET: {
        ...signingSecret('slack-signing'),
        meaning: 'Secret that verifies requests from Slack; without it, commands and buttons are refused',
      },
    },
    connections: [{ name: 'Slack', url: 'SLACK_API_URL', credentials: [['SLACK_BOT_TOKEN']] }],
  },
  {
    vendor: 'statuspage',
    variables: {
      STATUSPAGE_API_URL: { ...vendorAddress('https://api.statuspage.io/v1', 'statuspage'), meaning: 'Statuspage API' },
      STATUSPAGE_API_KEY: { ...token('statuspage'), meaning: 'API key of Statuspage' },
      STATUSPAGE_PAGE_ID: { ...setting('statuspage'), meaning: 'ID of the page at Statuspage' },
    },
    connections: [
      {
        name: 'Statuspage',
        url: 'STATUSPAGE_API_URL',
        credentials: [['STATUSPAGE_API_KEY']],
        also: ['STATUSPAGE_PAGE_ID'],
      },
    ],
  },
  {
    vendor: 'mail',
    variables: {
      SMTP_URL: {
        ...variable('vendors', z.url({ protocol: /^smtps?$/ }).optional()),
        secret: true,
        group: 'mail',
        meaning: 'Mail server with user and password: `smtps://user:password@mail.example.com:465`',
      },
      MAIL_FROM: { ...setting('mail'), meaning: 'Sender of emails: `Firebreak <firebreak@example.com>`' },
    },
    connections: [{ name: 'mail', url: 'SMTP_URL', credentials: [], also: ['MAIL_FROM'] }],
  },
  {
    vendor: 'grafana',
    variables: {
      GRAFANA_URL: { ...url('grafana'), meaning: 'Grafana, for annotations' },
      GRAFANA_TOKEN: {
        ...token('grafana'),
        meaning: 'Token of a Grafana service account that may read and write annotations, and read dashboards',
      },
      GRAFANA_WEBHOOK_SECRET: {
        ...signingSecret('senders'),
        meaning: 'Secret that verifies HMAC signatures of Grafana’s contact point',
      },
      GRAFANA_TIMESTAMP_HEADER: {
        ...variable('vendors', z.string().default('X-Grafana-Alerting-Timestamp')), // empty is a meaningful value
        standard: 'X-Grafana-Alerting-Timestamp',
        group: 'senders',
        meaning: 'Header with the timestamp that Grafana signs with the body; empty: only the body is signed',
      },
    },
    connections: [{ name: 'Grafana annotations', url: 'GRAFANA_URL', credentials: [['GRAFANA_TOKEN']] }],
  },
  {
    vendor: 'opentelemetry',
    variables: {
      OTEL_EXPORTER_OTLP_ENDPOINT: {
        ...url('grafana'),
        meaning:
          'OpenTelemetry collector or tracing system (OTLP/HTTP), for spans of changes; `/v1/traces` is appended',
      },
      OTEL_EXPORTER_OTLP_HEADERS: {
        ...token('grafana'),
        meaning: 'Headers of these requests, percent-encoded `key=value` pairs separated by commas',
      },
    },
    connections: [{ name: 'OpenTelemetry', url: 'OTEL_EXPORTER_OTLP_ENDPOINT', credentials: [] }],
  },
  {
    vendor: 'prometheus',
    variables: {
      PROMETHEUS_URL: { ...url('observability'), meaning: 'Prometheus; `/api/v1/query` is appended' },
      PROMETHEUS_TOKEN: { ...token('observability'), meaning: 'Bearer token, if Prometheus requires one' },
      PROMETHEUS_USER: {
        ...setting('observability'),
        meaning: 'User name, if Prometheus requires basic authentication',
      },
      PROMETHEUS_PASSWORD: { ...token('observability'), meaning: 'Password of that user' },
    },
    connections: [{ name: 'Prometheus', url: 'PROMETHEUS_URL', credentials: [], readOnly: true }],
  },
  {
    vendor: 'alertmanager',
    variables: {
      ALERTMANAGER_URL: {
        ...url('observability'),
        meaning: 'Alertmanager, for silences and for resolved alerts that it does not send',
      },
    },
    connections: [{ name: 'Alertmanager', url: 'ALERTMANAGER_URL', credentials: [], readOnly: true }],
  },
  {
    vendor: 'jira',
    variables: {
      JIRA_URL: { ...url('trackers'), meaning: 'Jira Cloud site: `https://acme.atlassian.net`' },
      JIRA_EMAIL: { ...setting('trackers'), meaning: 'Email address of the Atlassian account of the API token' },
      JIRA_API_TOKEN: { ...token('trackers'), meaning: 'API token of that account, for issues of action items' },
      JIRA_WEBHOOK_SECRET: {
        ...signingSecret('senders'),
        meaning: 'Secret that verifies Jira webhooks; without it, they are refused',
      },
    },
    connections: [{ name: 'Jira', url: 'JIRA_URL', credentials: [['JIRA_API_TOKEN']], also: ['JIRA_EMAIL'] }],
  },
  {
    vendor: 'prose',
    variables: {
      PROSE_API_URL: {
        ...url('prose'),
        meaning:
          'OpenAI-compatible API of a language model that proposes wording for post-mortems; `/chat/completions` is appended',
        otherwise: 'off: nothing is sent to a model',
      },
      PROSE_API_KEY: { ...token('prose'), meaning: 'API key of the model, if it needs one' },
      PROSE_MODEL: { ...setting('prose'), meaning: 'Name of the model' },
    },
    connections: [
      { name: 'language model', url: 'PROSE_API_URL', credentials: [], also: ['PROSE_MODEL'], readOnly: true },
    ],
  },
  {
    vendor: 'gitlab',
    variables: {
      GITLAB_WEBHOOK_SECRET: {
        ...signingSecret('senders'),
        meaning: 'Signing token (`whsec_…`) or secret token of GitLab webhooks; without it, they are refused',
      },
    },
    connections: [],
  },
  {
    vendor: 'flux',
    variables: {
      FLUX_WEBHOOK_SECRET: {
        ...signingSecret('senders'),
        meaning: 'Secret that verifies events of Flux; without it, they are refused',
      },
    },
    connections: [],
  },
  {
    vendor: 'go-feature-flag',
    variables: {
      GO_FEATURE_FLAG_WEBHOOK_SECRET: {
        ...signingSecret('senders'),
        meaning: 'Secret that verifies notifications of GO Feature Flag; without it, they are refused',
      },
    },
    connections: [],
  },
  {
    vendor: 'terraform',
    variables: {
      TERRAFORM_WEBHOOK_SECRET: {
        ...signingSecret('senders'),
        meaning: 'Secret that verifies notifications of HCP Terraform; without it, they are refused',
      },
    },
    connections: [],
  },
] as const satisfies readonly Vendor[];

export type ConnectionName = (typeof VENDORS)[number]['connections'][number]['name'];

type Variables = Intersection<(typeof VENDORS)[number]['variables']>;
export const VENDOR_VARIABLES = Object.assign({}, ...VENDORS.map(({ variables }) => variables)) as Variables;
