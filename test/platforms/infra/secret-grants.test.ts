import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ALL_GRANTS, FUNCTION_GRANTS, type Grant } from '../../../assembly/secret-groups.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { ConsoleDeps } from '../../../http/web/pages/page.ts';
import type { digest } from '../../../jobs/digest/digest.ts';
import type { evaluate } from '../../../jobs/slo-evaluation/evaluate.ts';
import type { processInbound } from '../../../jobs/queues/process-inbound.ts';
import type { project } from '../../../jobs/queues/project.ts';
import type { route } from '../../../jobs/queues/route.ts';
import type { sweep } from '../../../jobs/sweep/sweep.ts';

const WORKFLOWS = join(import.meta.dirname, '../../../workflows');

/**
 * The secrets that each port needs, as assembly/deps/ assembles it. A function whose declared ports need more than it is
 * granted is a type error, so a deployment cannot lack permission for a required secret.
 */
const OF_PORTS = {
  alerts: ['observability'],
  annotations: ['grafana'],
  approvalLinks: ['links'],
  audit: ['audit'],
  changeEvents: ['pagerduty'],
  chat: ['slack'],
  deployerFor: ['delivery', 'github', 'named'],
  directory: ['slack'],
  externalPager: ['pagerduty'],
  fallbackPager: ['named'],
  flagsFor: ['delivery', 'named'],
  deploymentProtection: ['github'],
  http: ['named'],
  judgeMetrics: ['named'],
  loadedMonitoring: ['observability', 'grafana'],
  metrics: ['observability'],
  onCall: ['pagerduty'],
  pager: ['pagerduty'],
  projections: ['connected'],
  receivers: ['named'],
  secrets: ALL_GRANTS,
  signer: ['signing'],
  spans: ['grafana'],
  silences: ['observability'],
  sloMetrics: ['observability'],
  statusPage: ['statuspage'],
  trafficRouterFor: ['delivery', 'named'],
  ticketsFor: ['github', 'named'],
  ephemeralMessages: ['slack'],
  // These ports notify projectors of every change.
  changes: ['connected'],
  pins: ['connected'],
  imageAutomationFor: ['delivery', 'named'],
  incidentGroups: ['connected'],
  decisions: ['connected'],
  effects: ['connected'],
  incidents: ['connected'],
  runbooks: ['connected'],
} as const satisfies Partial<Record<keyof Deps, readonly Grant[]>>;

type Needs<Port> = Port extends keyof typeof OF_PORTS ? (typeof OF_PORTS)[Port][number] : never;
type Missing<Name extends keyof typeof FUNCTION_GRANTS, Ports> = Exclude<
  Needs<keyof Ports>,
  (typeof FUNCTION_GRANTS)[Name][number]
>;
/** Requires the missing grants as an argument unless there are none. */
const granted = <Lack>(missing: [Lack] extends [never] ? [] : [missing: Lack]): boolean => missing.length === 0;

test('each function is granted the secrets of its declared ports', () => {
  expect([
    // It reads the vendors' settings only where a stand-in plays Slack.
    granted<Missing<'inbound', Omit<Parameters<typeof processInbound>[0], 'secrets'>>>([]),
    // It reads the admin token only.
    granted<Missing<'console', Omit<ConsoleDeps, 'secrets'>>>([]),
    granted<Missing<'route', Parameters<typeof route>[0]>>([]),
    granted<Missing<'project', Parameters<typeof project>[0]>>([]),
    granted<Missing<'sweep', Parameters<typeof sweep>[0]>>([]),
    granted<Missing<'evaluate', Parameters<typeof evaluate>[0]>>([]),
    granted<Missing<'digest', Parameters<typeof digest>[0]>>([]),
  ]).not.toContain(false);
});

test('the workflow uses no port without a grant for its secrets', () => {
  const withheld = Object.entries(OF_PORTS).flatMap(([port, grants]) =>
    grants.every((grant) => (FUNCTION_GRANTS['incident-response'] as readonly Grant[]).includes(grant)) ? [] : [port],
  );
  expect(withheld).toContain('secrets');
  const used = readdirSync(WORKFLOWS, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap(
      (file) =>
        readFileSync(join(WORKFLOWS, file), 'utf8').match(/(?<=\bdeps\??\.)\w+|(?<=Deps\b[^;]*')\w+(?=')/g) ?? [],
    );
  expect(used).toContain('pager');
  expect(withheld.filter((port) => used.includes(port))).toEqual([]);
});
