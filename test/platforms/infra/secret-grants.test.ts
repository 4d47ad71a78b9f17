import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ALL_GRANTS, FUNCTION_GRANTS, type Grant } from '../../../functions/assembly/secret-groups.ts';
import { FUNCTION_NAMES, type FunctionName, REACHING } from '../../../functions/assembly/functions.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import type { ConsoleDeps } from '../../../entrances/console/pages/page.ts';
import type { api } from '../../../entrances/http/app.ts';
import type { digest } from '../../../core/jobs/digest/digest.ts';
import type { processInbound } from '../../../core/jobs/queues/process-inbound.ts';
import type { project } from '../../../core/jobs/queues/project.ts';
import type { route } from '../../../core/jobs/queues/route.ts';
import type { sweep } from '../../../core/jobs/sweep/sweep.ts';

const WORKFLOWS = join(import.meta.dirname, '../../../workflows');

/**
 * The secrets that each port needs, as functions/assembly/deps/ assembles it. A function whose declared ports need more than it is
 * granted is a type error, so a deployment cannot lack permission for a required secret.
 */
const OF_PORTS = {
  alerts: ['observability'],
  annotations: ['grafana'],
  approvalLinks: ['links'],
  audit: ['audit'],
  changeEvents: ['pagerduty'],
  chat: ['slack'],
  directory: ['slack'],
  externalPager: ['pagerduty'],
  fallbackPager: ['named'],
  http: ['named'],
  judgeMetrics: ['named'],
  metrics: ['observability'],
  onCall: ['pagerduty'],
  pager: ['pagerduty'],
  projections: ['connected'],
  receivers: ['named'],
  secrets: ALL_GRANTS,
  spans: ['grafana'],
  silences: ['observability'],
  metricQueries: ['observability'],
  targets: ['delivery', 'github', 'named'],
  ticketsFor: ['github', 'named'],
  ephemeralMessages: ['slack'],
  // These ports notify projectors of every change.
  changes: ['connected'],
  pins: ['connected'],
  incidentGroups: ['connected'],
  decisions: ['connected'],
  effects: ['connected'],
  incidents: ['connected'],
  runbooks: ['connected'],
} as const satisfies Partial<Record<keyof Product, readonly Grant[]>>;

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
    granted<Missing<'digest', Parameters<typeof digest>[0]>>([]),
  ]).not.toContain(false);
});

/** Ports that query metrics or call targets of rollbacks. */
type ReachingPort = 'judgeMetrics' | 'metricQueries' | 'metrics' | 'targets';
/** Requires whether a function with these ports has one of them. */
const reaches = <Ports>(is: [Extract<keyof Ports, ReachingPort>] extends [never] ? false : true): boolean => is;

test('a function is in the VPC of a stage if it queries metrics or calls targets of rollbacks', () => {
  const byPorts = {
    http: reaches<Parameters<typeof api>[0]>(true),
    console: reaches<ConsoleDeps>(true),
    inbound: reaches<Parameters<typeof processInbound>[0]>(true),
    route: reaches<Parameters<typeof route>[0]>(false),
    project: reaches<Parameters<typeof project>[0]>(true),
    sweep: reaches<Parameters<typeof sweep>[0]>(true),
    digest: reaches<Parameters<typeof digest>[0]>(false),
    evaluate: true, // for SLOs, as features/slo declares
    'incident-response': reaches<Product>(true),
    // These have no such credentials.
    status: false,
    subscriptions: false,
    snapshot: false,
    slack: false,
  } satisfies Record<FunctionName, boolean>;
  expect(FUNCTION_NAMES.filter((name) => byPorts[name]).toSorted()).toEqual([...REACHING].toSorted());
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
        readFileSync(join(WORKFLOWS, file), 'utf8').match(/(?<=\bdeps\??\.)\w+|(?<=Product\b[^;]*')\w+(?=')/g) ?? [],
    );
  expect(used).toContain('pager');
  expect(withheld.filter((port) => used.includes(port))).toEqual([]);
});
