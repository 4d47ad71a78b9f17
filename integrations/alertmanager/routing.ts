import * as z from 'zod';
import type { Loaded } from '../../domain/ports/slo.ts';
import { NoAnswer } from '../shared/http.ts';
import { read } from '../shared/read.ts';
import { configurationIn, type Labels, matches, Status } from './inhibitions.ts';

const Matches = z.record(z.string(), z.string()).nullish();
const Route = z.object({
  receiver: z.string().nullish(),
  match: Matches,
  match_re: Matches,
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
    const status = await read(base, '/api/v2/status', Status);
    if (status === null) return { kind: 'unreadable', detail: 'Alertmanager did not return its status' };
    const parsed = Configuration.safeParse(configurationIn(status.config.original));
    if (!parsed.success)
      return { kind: 'unreadable', detail: 'Alertmanager returned a configuration in an unknown format' };
    return { kind: 'read', value: receiving(parsed.data.route, parsed.data.receivers) };
  } catch (error) {
    if (error instanceof NoAnswer) return { kind: 'unreadable', detail: error.message };
    throw error;
  }
}

function receiving(route: Route, receivers: readonly Receiver[]): string[] {
  const own = receivers.filter(isOurs);
  // Newer versions can hide the addresses, so another receiver may be the one.
  const mayBeHidden = receivers.some(({ webhook_configs: all }) => all?.some(isHidden));
  if (own.length === 0)
    return mayBeHidden
      ? []
      : [`no receiver sends alerts to ${RECEIVING_PATH}; copy the receiver from alertmanager/firebreak.yaml`];
  const differences = own.flatMap(({ name, webhook_configs: all }) =>
    (all ?? [])
      .filter(isWebhookOfOurs)
      .flatMap(({ send_resolved: resolved, max_alerts: max }) => [
        ...(resolved === false ? [`receiver ${name} does not send the ends of alerts; set send_resolved: true`] : []),
        ...(max ? [`receiver ${name} sends only ${max} alerts of a group; set max_alerts: 0`] : []),
      ]),
  );
  const names = new Set(own.map(({ name }) => name));
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
const isWebhookOfOurs = ({ url }: Webhook): boolean => (url ?? '').replace(/[?#].*$/, '').endsWith(RECEIVING_PATH);
const isOurs = ({ webhook_configs: all }: Receiver): boolean => all?.some(isWebhookOfOurs) === true;

/**
 * Returns the receivers that an alert can reach: those of the first matching child, and on after `continue`. An alert
 * also has labels that are not known here, such as its service or those of Prometheus: a matcher for them can match.
 */
function receiversOf(route: Route, labels: Labels, inherited: string): string[] {
  const receiver = route.receiver ?? inherited;
  const reached: string[] = [];
  for (const child of route.routes ?? []) {
    const { exact, patterns, matchers, isPartial } = knownPart(child, labels);
    if (!matches(labels, matchers, exact, patterns)) continue;
    reached.push(...receiversOf(child, labels, receiver));
    if (isPartial) continue;
    if (child.continue !== true) return reached;
  }
  return [...reached, receiver];
}

/** Returns the matchers of a route for labels that are known. */
function knownPart({ match, match_re: patterns, matchers }: Route, labels: Labels) {
  const isKnown = (name: string): boolean => Object.hasOwn(labels, name);
  const known = (all: Labels | null | undefined): Labels =>
    Object.fromEntries(Object.entries(all ?? {}).filter(([name]) => isKnown(name)));
  const ofKnown = (matchers ?? []).filter((matcher) => isKnown(/^\s*"?([^"=!~\s]+)/.exec(matcher)?.[1] ?? ''));
  const isPartial =
    ofKnown.length < (matchers ?? []).length ||
    [match, patterns].some((all) => Object.keys(all ?? {}).some((name) => !isKnown(name)));
  return { exact: known(match), patterns: known(patterns), matchers: ofKnown, isPartial };
}
