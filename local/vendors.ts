import { randomBytes } from 'node:crypto';
import type { StandIns } from './standins/index.ts';
import type { Product } from './standins/stand-in.ts';
import { SANDBOX_PAGE_ID } from './standins/statuspage.ts';

/** A routing key has 32 characters; the stand-in takes any. */
const SANDBOX_ROUTING_KEY = 'sandbox0000000000000000000000000';

/** Bot tokens begin so; the stand-in takes any. */
const SANDBOX_BOT_TOKEN = 'xoxb-sandbox-000000000000';

/** Whatever the stand-ins of PagerDuty's REST API, Statuspage, Grafana, GitHub and LaunchDarkly are asked with is good. */
const SANDBOX_TOKEN = 'sandbox-000000000000';

/** In whose name notes are written; the stand-in takes any address. */
const SANDBOX_USER = 'firebreak@example.com';

/**
 * Puts a stand-in where no vendor's URL is set, and says which vendors are off. Gives the lines to print.
 *
 * @param metrics the stand-in of Prometheus, which `sandboxMetrics` connects
 */
export function vendorDefaults(
  env: NodeJS.ProcessEnv,
  standIns: StandIns['urls'] | undefined,
  metrics: StandIns['prometheus'] | undefined,
  mail?: StandIns['mail'],
): string[] {
  if (mail !== undefined && !env['SMTP_URL']) {
    env['SMTP_URL'] = mail;
    env['MAIL_FROM'] ??= `Firebreak <${SANDBOX_USER}>`;
  }
  if (standIns && !env['PAGERDUTY_EVENTS_URL']) {
    env['PAGERDUTY_EVENTS_URL'] = standIns.pagerduty;
    env['PAGERDUTY_ROUTING_KEY'] ??= SANDBOX_ROUTING_KEY;
    env['PAGERDUTY_WEBHOOK_SECRET'] ??= randomBytes(16).toString('hex'); // as Slack's
    if (!env['PAGERDUTY_API_URL']) {
      env['PAGERDUTY_API_URL'] = standIns.pagerduty;
      env['PAGERDUTY_API_TOKEN'] ??= SANDBOX_TOKEN;
      env['PAGERDUTY_FROM'] ??= SANDBOX_USER;
    }
  }
  if (standIns && !env['SLACK_API_URL']) {
    env['SLACK_API_URL'] = `${standIns.slack}/api/`;
    env['SLACK_BOT_TOKEN'] ??= SANDBOX_BOT_TOKEN;
    // Of one start: nobody else may sign what people do.
    env['SLACK_SIGNING_SECRET'] ??= randomBytes(16).toString('hex');
  }
  if (standIns && !env['STATUSPAGE_API_URL']) {
    env['STATUSPAGE_API_URL'] = `${standIns.statuspage}/v1`;
    env['STATUSPAGE_API_KEY'] ??= SANDBOX_TOKEN;
    env['STATUSPAGE_PAGE_ID'] = SANDBOX_PAGE_ID; // it has no other
  }
  if (standIns && !env['GRAFANA_URL']) {
    env['GRAFANA_URL'] = standIns.grafana;
    env['GRAFANA_TOKEN'] ??= SANDBOX_TOKEN;
  }
  if (standIns && !env['GITHUB_API_URL']) {
    env['GITHUB_API_URL'] = standIns.github;
    env['GITHUB_TOKEN'] ??= SANDBOX_TOKEN;
  }
  if (standIns && !env['LAUNCHDARKLY_API_URL']) {
    env['LAUNCHDARKLY_API_URL'] = standIns.launchdarkly;
    env['LAUNCHDARKLY_TOKEN'] ??= SANDBOX_TOKEN;
  }
  if (standIns) env['AWS_TARGETS_URL'] ??= standIns.aws;
  if (standIns && !env['KUBERNETES_URL']) {
    env['KUBERNETES_URL'] = standIns.kubernetes;
    env['KUBERNETES_TOKEN'] ??= SANDBOX_TOKEN;
  }
  if (standIns && !env['ARGOCD_URL']) {
    env['ARGOCD_URL'] = standIns['argo-cd'];
    env['ARGOCD_TOKEN'] ??= SANDBOX_TOKEN;
  }
  if (standIns) env['CD_URL'] ??= `${standIns.cd}/api/v1/rollback`;
  return [
    ...(env['PAGERDUTY_ROUTING_KEY'] ? [] : ['PagerDuty is off: PAGERDUTY_ROUTING_KEY is not set']),
    ...(env['PAGERDUTY_WEBHOOK_SECRET']
      ? []
      : ['Webhooks of PagerDuty are refused: PAGERDUTY_WEBHOOK_SECRET is not set']),
    ...(env['SLACK_BOT_TOKEN'] ? [] : ['Slack is off: SLACK_BOT_TOKEN is not set']),
    ...(env['SLACK_SIGNING_SECRET']
      ? []
      : ['Commands and buttons of Slack are refused: SLACK_SIGNING_SECRET is not set']),
    ...(env['STATUSPAGE_API_KEY'] && env['STATUSPAGE_PAGE_ID']
      ? []
      : ['Statuspage is off: STATUSPAGE_API_KEY or STATUSPAGE_PAGE_ID is not set']),
    ...(env['SMTP_URL'] && env['MAIL_FROM'] ? [] : ['Mail is off: SMTP_URL or MAIL_FROM is not set']),
    ...(env['GRAFANA_URL'] && env['GRAFANA_TOKEN']
      ? []
      : ['Grafana annotations are off: GRAFANA_URL or GRAFANA_TOKEN is not set']),
    ...(env['GITHUB_TOKEN'] || (env['GITHUB_APP_ID'] && env['GITHUB_APP_PRIVATE_KEY'])
      ? []
      : ['GitHub is off: neither GITHUB_TOKEN, nor GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, are set']),
    ...(env['ARGOCD_URL'] && env['ARGOCD_TOKEN'] ? [] : ['Argo CD is off: ARGOCD_URL or ARGOCD_TOKEN is not set']),
    ...(env['LAUNCHDARKLY_TOKEN'] ? [] : ['LaunchDarkly is off: LAUNCHDARKLY_TOKEN is not set']),
    ...prometheusNote(env, metrics),
    ...(env['GRAFANA_WEBHOOK_SECRET']
      ? []
      : ['Grafana signatures are off: GRAFANA_WEBHOOK_SECRET is not set; its contact point needs a token']),
  ];
}

/** What the stand-ins need to tell the product what people do: nothing of a vendor that the product has for real. */
export function productFor(env: NodeJS.ProcessEnv, standIns: StandIns['urls'], url: string): Product {
  const [slack, pagerDuty] = [env['SLACK_SIGNING_SECRET'], env['PAGERDUTY_WEBHOOK_SECRET']];
  const isOurSlack = env['SLACK_API_URL'] === `${standIns.slack}/api/`;
  const isOurPagerDuty = env['PAGERDUTY_EVENTS_URL'] === standIns.pagerduty;
  return {
    url,
    ...(isOurSlack && slack && { slackSigningSecret: slack }),
    ...(isOurPagerDuty && pagerDuty && { pagerDutyWebhookSecret: pagerDuty }),
  };
}

/**
 * What connects Prometheus in a sandbox: its stand-in, as soon as that was given samples or rules. Before, it would turn
 * every look at a service's health into "no data".
 */
export function sandboxMetrics(env: NodeJS.ProcessEnv, standIns: StandIns | undefined): Record<string, string> {
  if (env['PROMETHEUS_URL'] || !standIns?.prometheus.inUse()) return {};
  return { PROMETHEUS_URL: standIns.urls.prometheus };
}

function prometheusNote(env: NodeJS.ProcessEnv, metrics: StandIns['prometheus'] | undefined): string[] {
  if (env['PROMETHEUS_URL'] || metrics?.inUse()) return [];
  const off = 'Prometheus is off: PROMETHEUS_URL is not set; verification goes by the alerts';
  return [metrics ? `${off}. PUT /sandbox/prometheus/series gives the sandbox samples, and connects it` : off];
}
