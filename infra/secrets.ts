import { secretsPath } from './names.ts';

/** Without it nobody could do anything, so a deployment without it is refused. */
const REQUIRED = ['FIREBREAK_ADMIN_TOKEN'];

/**
 * What is read when it is set: credentials, and beside them the addresses, which change with them. A vendor whose
 * credential is missing is off.
 */
const OPTIONAL = [
  'FIREBREAK_INGEST_TOKEN',
  ...['FIREBREAK_SIGNING_KEY', 'FIREBREAK_SIGNING_KEY_PREVIOUS'],
  ...['SLACK_API_URL', 'SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET'],
  ...['PAGERDUTY_EVENTS_URL', 'PAGERDUTY_API_URL'],
  ...['PAGERDUTY_ROUTING_KEY', 'PAGERDUTY_API_TOKEN', 'PAGERDUTY_FROM', 'PAGERDUTY_WEBHOOK_SECRET'],
  ...['STATUSPAGE_API_URL', 'STATUSPAGE_API_KEY', 'STATUSPAGE_PAGE_ID'],
  ...['GRAFANA_URL', 'GRAFANA_TOKEN', 'GRAFANA_WEBHOOK_SECRET', 'GRAFANA_TIMESTAMP_HEADER'],
  ...['PROMETHEUS_URL', 'ALERTMANAGER_URL'],
  ...['GITHUB_API_URL', 'GITHUB_TOKEN', 'GITHUB_APP_ID', 'GITHUB_APP_PRIVATE_KEY', 'GITHUB_WEBHOOK_SECRET'],
  ...['ARGOCD_URL', 'ARGOCD_TOKEN', 'KUBERNETES_URL', 'KUBERNETES_TOKEN'],
  ...['LAUNCHDARKLY_API_URL', 'LAUNCHDARKLY_TOKEN'],
  ...['SMTP_URL', 'MAIL_FROM'],
  // Named by a configuration, as in docs/configuration.md, or by a runbook. Others of that kind: add them here, or see
  // docs/aws.md.
  ...['CD_URL', 'CD_TOKEN', 'PAGE_WEBHOOK_SECRET'],
];

/** They open a public address; 32 random bytes as base64 have 44. */
const TOKENS = ['FIREBREAK_ADMIN_TOKEN', 'FIREBREAK_INGEST_TOKEN'];
const TOKEN_MIN_CHARS = 24;

const NOT_SET = '';

/** One parameter for each secret that has a value: `sst secret set NAME value`. An empty one is not set. */
export function createSecrets(stage: string): void {
  for (const name of REQUIRED) createParameter(stage, name, new sst.Secret(name));
  for (const name of OPTIONAL) createParameter(stage, name, new sst.Secret(name, NOT_SET));
}

function createParameter(stage: string, name: string, secret: sst.Secret): void {
  secret.value.apply((value: string) => {
    if (value === NOT_SET && REQUIRED.includes(name))
      throw new Error(`${name} is empty; set it: sst secret set ${name} <value>`);
    if (value === NOT_SET) return;
    if (TOKENS.includes(name) && value.length < TOKEN_MIN_CHARS) {
      throw new Error(
        `${name} has ${value.length} characters; at least ${TOKEN_MIN_CHARS}, e.g. from: openssl rand -base64 32`,
      );
    }
    new aws.ssm.Parameter(name, {
      name: `${secretsPath(stage)}/${name}`,
      type: 'SecureString',
      value: secret.value,
      description: 'Read by Firebreak at run time; set by sst secret set and sst deploy',
    });
  });
}
