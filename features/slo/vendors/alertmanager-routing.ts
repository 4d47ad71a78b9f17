import * as z from 'zod';
import type { Loaded } from '../types.ts';
import { NoResponse } from '../../../vendors/shared/http.ts';
import { readServer } from '../../../vendors/shared/read.ts';
import { serverAt } from '../../../vendors/shared/server.ts';
import { type Labels, matches, StatusResponse } from '../../../vendors/alertmanager/inhibitions.ts';

const LabelValues = z.record(z.string(), z.string()).nullish();
const Route = z.object({
  receiver: z.string().nullish(),
  match: LabelValues,
  match_re: LabelValues,
  matchers: z.array(z.string()).nullish(),
  continue: z.boolean().nullish(),
  get routes() {
    return z.array(Route).nullish();
  },
});
type Route = z.infer<typeof Route>;
const Receiver = z.object({
  name: z.string(),
  webhook_configs: z
    .array(
      z.object({
        url: z.string().nullish(),
        url_file: z.string().nullish(),
        send_resolved: z.boolean().nullish(),
        max_alerts: z.number().nullish(),
      }),
    )
    .nullish(),
});
type Receiver = z.infer<typeof Receiver>;
const Configuration = z.object({ route: Route, receivers: z.array(Receiver) });

const RECEIVING_PATH = '/v1/alerts/alertmanager';

/** Labels of generated alerts that must arrive, by name. */
const ALERTS: Readonly<Record<string, Labels>> = {
  SLOFastBurn: { alertname: 'SLOFastBurn', severity: 'page', runbook: 'slo-fast-burn' },
  SLOSlowBurn: { alertname: 'SLOSlowBurn', severity: 'ticket', runbook: 'slo-slow-burn' },
  DeploymentDegradation: { alertname: 'DeploymentDegradation', severity: 'page', action: 'auto-rollback' },
};

/**
 * Returns how the loaded configuration of Alertmanager differs from what the generated alerts need: a receiver that
 * sends them to Firebreak with their ends, and routes to it. Null: no Alertmanager is connected.
 *
 * @see https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
 */
export async function routingDifferences(baseUrl: () => Promise<string | undefined>): Promise<Loaded<string[]> | null> {
  try {
    const base = await baseUrl();
    if (!base) return null;
    const status = await readServer(serverAt(base), '/api/v2/status', StatusResponse);
    if (status === null) return { kind: 'unreadable', detail: 'Alertmanager did not return its status' };
    const { parseForeignYaml } = await import('../../../vendors/shared/yaml.ts'); // a large library
    const parsed = Configuration.safeParse(parseForeignYaml(status.config.original));
    if (!parsed.success)
      return { kind: 'unreadable', detail: 'Alertmanager returned a configuration in an unknown format' };
    return { kind: 'read', value: differencesOf(parsed.data.route, parsed.data.receivers) };
  } catch (error) {
    if (error instanceof NoResponse) return { kind: 'unreadable', detail: error.message };
    throw error;
  }
}

function differencesOf(route: Route, receivers: readonly Receiver[]): string[] {
  const ourReceivers = receivers.filter(isOurs);
  // Newer versions can hide the addresses, so another receiver may be the one.
  const mayBeHidden = receivers.some(({ webhook_configs: webhooks }) => webhooks?.some(isHidden));
  if (ourReceivers.length === 0)
    return mayBeHidden
      ? []
      : [`no receiver sends alerts to ${RECEIVING_PATH}; copy the receiver from alertmanager/firebreak.yaml`];
  const differences = ourReceivers.flatMap(({ name, webhook_configs: webhooks }) =>
    (webhooks ?? [])
      .filter(isOurWebhook)
      .flatMap(({ send_resolved: resolved, max_alerts: max }) => [
        ...(resolved === false ? [`receiver ${name} does not send the ends of alerts; set send_resolved: true`] : []),
        ...(max ? [`receiver ${name} sends only ${max} alerts of a group; set max_alerts: 0`] : []),
      ]),
  );
  const names = new Set(ourReceivers.map(({ name }) => name));
  const unrouted = Object.entries(ALERTS).filter(
    ([, labels]) => !receiversOf(route, labels, '').some((name) => names.has(name)),
  );
  if (unrouted.length > 0 && !mayBeHidden)
    differences.push(
      `no route leads ${unrouted.map(([name]) => name).join(', ')} to receiver ${[...names].join(', ')}; ` +
        'copy the routes from alertmanager/firebreak.yaml',
    );
  return differences;
}

type Webhook = NonNullable<Receiver['webhook_configs']>[number];

const isHidden = ({ url }: Webhook): boolean => !url || url === '<secret>';
const isOurWebhook = ({ url }: Webhook): boolean => (url ?? '').split(/[?#]/, 1)[0]?.endsWith(RECEIVING_PATH) === true;
const isOurs = ({ webhook_configs: webhooks }: Receiver): boolean => webhooks?.some(isOurWebhook) === true;

/**
 * Returns the receivers that an alert can reach: those of the first matching child route, and of later ones if it has
 * `continue: true`. An alert also has labels with unknown values, such as its service: a matcher for them can match.
 */
function receiversOf(route: Route, labels: Labels, inherited: string): string[] {
  const receiver = route.receiver ?? inherited;
  const reached: string[] = [];
  for (const child of route.routes ?? []) {
    const { exact, patterns, matchers, isPartial } = matchersOfKnownLabels(child, labels);
    if (!matches(labels, matchers, exact, patterns)) continue;
    reached.push(...receiversOf(child, labels, receiver));
    if (isPartial) continue;
    if (child.continue !== true) return reached;
  }
  return [...reached, receiver];
}

/** Returns the matchers of a route for labels that are known. */
function matchersOfKnownLabels({ match, match_re: patterns, matchers }: Route, labels: Labels) {
  const isKnown = (name: string): boolean => Object.hasOwn(labels, name);
  const onlyKnown = (values: Labels | null | undefined): Labels =>
    Object.fromEntries(Object.entries(values ?? {}).filter(([name]) => isKnown(name)));
  const knownMatchers = (matchers ?? []).filter((matcher) => isKnown(/^\s*"?([^"=!~\s]+)/.exec(matcher)?.[1] ?? ''));
  const isPartial =
    knownMatchers.length < (matchers ?? []).length ||
    [match, patterns].some((values) => Object.keys(values ?? {}).some((name) => !isKnown(name)));
  return { exact: onlyKnown(match), patterns: onlyKnown(patterns), matchers: knownMatchers, isPartial };
}
