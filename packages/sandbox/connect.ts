import { join } from 'node:path';
import type { Sandbox, SandboxAccess } from '../../local/sandbox.ts';
import { hasNoSettings, type NamedCredentials } from '../../core/domain/catalogue/vendors.ts';
import { publicComponents } from '../../core/domain/catalogue/catalogue.ts';
import { type Env, namedVariable, type VariableName } from '../../schemas/config/variables.ts';
import { sandboxGuard } from './core/guard.ts';
import { standInSettings, type StandIns, startStandIns } from './core/index.ts';
import { type Product, SANDBOX_USER } from './core/stand-in.ts';
import { settingOf, type SettingsArgument } from './settings.ts';
import { SANDBOX_PAGE_ID } from './statuspage/statuspage.ts';

/** Starts the stand-ins of a product on this machine. Their state is in its data folder. */
export async function startSandbox(options: { dir: string; timeScale: number }): Promise<Sandbox> {
  const standIns = await startStandIns(options);
  let access: SandboxAccess | undefined;
  const prometheus = { url: standIns.urls.prometheus, inUse: standIns.prometheus.inUse };
  return {
    catalogue: (env) => (namedVariable(env, 'CD_URL') ? undefined : join(import.meta.dirname, 'services.yaml')),
    connect: (env, named) => connectStandIns(env, standIns, named),
    settings: { get: (name, env) => settingOf(name, env, prometheus) },
    settingsElsewhere: {
      module: new URL('./settings.ts', import.meta.url).href,
      argument: { dir: options.dir, prometheusUrl: prometheus.url } satisfies SettingsArgument,
    },
    prepare: (config) => standIns.statuspage.provide(publicComponents(config.services)),
    serve(given) {
      access = given;
      const guard = sandboxGuard(given);
      return { pageAt: guard.pageAt, fetch: (request) => guard.refusal(request) ?? standIns.app.fetch(request) };
    },
    start: (env, url) => standIns.connect({ ...productConnection(env, standIns.urls, url), ...access }),
    close: () => standIns.close(),
  };
}

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
