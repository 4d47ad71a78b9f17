import {
  type NamedCredentials,
  namedCredentials,
  hasNoSettings,
  standInsAt,
  type VendorState,
  vendorStates,
} from '../domain/catalogue/vendors.ts';
import { realSystemsOf } from '../domain/catalogue/real-systems.ts';
import type { Config } from '../schemas/config/config.ts';
import { type Env, namedVariable, type VariableName } from '../schemas/config/variables.ts';
import { standInSettings, type StandIns } from '../sandbox/core/index.ts';
import { type Product, SANDBOX_USER } from '../sandbox/core/stand-in.ts';
import { SANDBOX_PAGE_ID } from '../sandbox/statuspage/statuspage.ts';

/**
 * Connects each vendor without settings to its stand-in, and gives the product the addresses of all stand-ins.
 *
 * @param named credentials that the catalogue names: a vendor with one of these set is real
 */
export function connectStandIns(
  env: Env,
  { urls, mail }: Pick<StandIns, 'urls' | 'mail'>,
  named: NamedCredentials = {},
): void {
  env['FIREBREAK_STAND_INS'] = [...Object.values(urls), mail].join(' ');
  const mailSettings: Env = { SMTP_URL: mail, MAIL_FROM: `Firebreak <${SANDBOX_USER}>` };
  for (const [vendor, settings] of [...standInSettings(urls), ['mail', mailSettings] as const]) {
    if (!hasNoSettings(vendor, (name) => namedVariable(env, name), named)) continue;
    for (const [name, value] of Object.entries(settings) as [VariableName, string][]) env[name] ||= value;
    if (vendor === 'statuspage') env['STATUSPAGE_PAGE_ID'] = SANDBOX_PAGE_ID; // the stand-in's only page
  }
}

/** Returns the lines to print at the start: how each vendor is connected, and which of their requests are refused. */
export function vendorLines(
  env: Env,
  metrics: StandIns['prometheus'] | undefined,
  named: NamedCredentials = {},
): string[] {
  const standIns = standInsOf(env);
  const states = vendorStates((name) => namedVariable(env, name), standIns.at, named);
  const line = ({ name, mode, address, credentials, missing }: VendorState): string =>
    `${name.padEnd(21)} ${mode.padEnd(9)} ${
      missing ?? [address, ...(mode === 'real' && credentials.length > 0 ? [credentials.join(', ')] : [])].join(', ')
    }`.trimEnd();
  return [
    ...states.map((state) =>
      state.name === 'Prometheus' && state.mode === 'off' ? line(state) + prometheusNote(metrics) : line(state),
    ),
    ...(states.some(({ name, mode }) => name === 'PagerDuty pages' && mode === 'stand-in')
      ? ['Pages go to the sandbox and notify nobody. To page people, set PAGERDUTY_ROUTING_KEY']
      : []),
    ...(env['PAGERDUTY_WEBHOOK_SECRET']
      ? []
      : ['Webhooks from PagerDuty are refused: PAGERDUTY_WEBHOOK_SECRET is not set']),
    ...(env['SLACK_SIGNING_SECRET']
      ? []
      : ['Commands and buttons from Slack are refused: SLACK_SIGNING_SECRET is not set']),
    ...(env['GRAFANA_WEBHOOK_SECRET']
      ? []
      : [
          'Grafana signatures are not checked: GRAFANA_WEBHOOK_SECRET is not set, so its contact point must send a token',
        ]),
  ];
}

const standInsOf = (env: Env) => standInsAt((env['FIREBREAK_STAND_INS'] ?? '').split(' '));

/** Returns the real systems, not stand-ins, that Firebreak writes to with the current settings and configuration. */
export function realSystems(env: Env, config: Config | undefined): string[] {
  if (config === undefined) return [];
  const standIns = standInsOf(env);
  const vendors = vendorStates((name) => namedVariable(env, name), standIns.at, namedCredentials(config.services));
  return realSystemsOf({ config, vendors, standIns });
}

/**
 * Returns what the stand-ins need to send webhooks to the product: its URL, and the signing secrets of the vendors that
 * are not real.
 */
export function productConnection(env: Env, standIns: StandIns['urls'], url: string): Product {
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
 * Returns the setting that connects Prometheus in a sandbox: its stand-in, once it has samples or rules. Before that,
 * every health check would find "no data".
 */
export function sandboxMetrics(env: Env, standIns: StandIns | undefined): Record<string, string> {
  if (env['PROMETHEUS_URL'] || !standIns?.prometheus.inUse()) return {};
  return { PROMETHEUS_URL: standIns.urls.prometheus };
}

function prometheusNote(metrics: StandIns['prometheus'] | undefined): string {
  const off = '; verification uses only alerts';
  return metrics ? `${off}. PUT /sandbox/prometheus/series adds samples to the sandbox and connects it` : off;
}
