import { killSwitchText } from '../../../core/domain/automation/automation.ts';
import type { Command } from 'commander';
import * as z from 'zod';
import {
  configurationFindings,
  connectionFindings,
  type Finding,
} from '../../../core/domain/catalogue/doctor-findings.ts';
import { productionFindings, type ClientConnection } from '../../../core/domain/catalogue/production.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import { Automation } from '../../../schemas/access/access.ts';
import { Connections } from '../../../schemas/config/connections.ts';
import { Machine } from '../../../schemas/config/machine.ts';
import { UNKNOWN_ENVIRONMENT } from '../../../core/domain/alerts/signal.ts';
import { IncidentId, UNMATCHED } from '../../../schemas/config/names.ts';
import { timestamp, Timestamp } from '../../../schemas/time/time.ts';
import { FEATURES } from '../../../features/index.ts';
import { Client } from '../client.ts';
import { isThisMachine } from '../credentials.ts';
import { printText } from '../table.ts';
import { CommandFailure, type CommandContext } from '../command-context.ts';
import { DrillEnvironments, lastProvedText } from './drill.ts';

const Ready = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.string()).optional(),
  config: z.object({ version: z.string().nullable(), problems: z.array(z.string()) }).optional(),
});
/** `machine` is absent on AWS. */
const CheckedConnections = Connections.extend({ machine: Machine.optional() });
const Incidents = z.object({
  items: z.array(
    z.object({
      id: IncidentId,
      number: z.number().nullish(),
      title: z.string(),
      environment: z.string(),
      resolved_at: Timestamp.nullable(),
    }),
  ),
});
const Signals = z.object({
  items: z.array(
    z.object({
      title: z.string(),
      service: z.string(),
      environment: z.string(),
      unmatched: z.string().nullable(),
      ends_at: Timestamp.nullable(),
      belongs_to: z.unknown(),
    }),
  ),
});
const UnmappedDeployments = z.object({
  items: z.array(z.object({ reported_by: z.string(), why: z.string(), lines: z.string(), rollouts: z.number() })),
});
const Quarantine = z.object({ items: z.array(z.object({ id: z.string(), detail: z.string(), count: z.number() })) });

export function addDoctor(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('Check connections, credentials, and unowned services')
    .option('--production', 'Also check whether this machine and its settings are ready for production')
    .option('--all', 'Show all checks, also those that passed')
    .action((options: Options) => doctor(context, options));
}

type Options = { production?: boolean; all?: boolean };

const INDENT = ' '.repeat(28);

/** Problems first. */
const ORDER: readonly Finding['verdict'][] = ['no', 'warn', 'off', 'test', 'ok'];

/** Lines of a terminal window. */
const SCREEN_LINES = 40;

async function doctor(context: CommandContext, { production = false, all = false }: Options): Promise<void> {
  const client = await Client.of(context);
  const findings: Finding[] = [];
  const checks = [
    readiness,
    automation,
    (api: Client) => connectionsOf(api, production),
    drillTargets,
    unmatchedAlerts,
    unmappedDeployments,
    ...FEATURES.flatMap(({ findings: check }) => check ?? []),
    quarantine,
  ];
  try {
    for (const check of checks) findings.push(...(await check(client)));
  } finally {
    // Also what was found before a check that cannot run, such as one with an invalid token.
    const sorted = ORDER.flatMap((verdict) => findings.filter((finding) => finding.verdict === verdict));
    for (const line of all ? sorted.flatMap(linesOf) : screenOf(sorted)) printText(context, line, ' '.repeat(6));
  }
  const failedCount = findings.filter(({ verdict }) => verdict === 'no').length;
  if (failedCount > 0) throw new CommandFailure(`${counted(failedCount, 'check')} failed`);
}

const linesOf = (finding: Finding): string[] => [
  lineOf(finding),
  ...(finding.lines ?? []).map((detail) => `${INDENT}${detail}`),
];

/** Returns at most a screen: the problems, what is off, and how many checks passed. */
function screenOf(sorted: readonly Finding[]): string[] {
  const isProblem = ({ verdict }: Finding): boolean => verdict === 'no' || verdict === 'warn';
  const problems = sorted.filter(isProblem).flatMap(linesOf);
  const off = sorted.filter(({ verdict }) => verdict === 'off');
  const passed = sorted.filter(({ verdict }) => verdict === 'ok' || verdict === 'test');
  const standIns = passed.filter(({ verdict }) => verdict === 'test').length;
  const standInsText = standIns === 0 ? '' : `, ${standIns} of them with stand-ins, which reach nobody`;
  const totalText = `passed${standInsText}; to show them: firebreak doctor --all`;
  const total =
    passed.length === 0 ? [] : [lineOf({ verdict: 'ok', about: `${passed.length} checks`, text: totalText })];
  const offLines = off.map(lineOf);
  if (problems.length + offLines.length < SCREEN_LINES) return [...problems, ...offLines, ...total];
  const offNames = off.map(({ about }) => about).join(', ');
  const offLine = lineOf({ verdict: 'off', about: `${off.length} connections`, text: offNames });
  const shown = problems.slice(0, SCREEN_LINES - 3);
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more lines: firebreak doctor --all`] : []), offLine, ...total];
}

export const lineOf = ({ verdict, about, text }: Finding): string =>
  `${verdict.padEnd(4)}  ${about.padEnd(20)}  ${text}`;

async function readiness(client: Client): Promise<Finding[]> {
  const { ready, checks = {}, config } = await client.getAnyStatus('/readyz', Ready);
  // Without a valid token, /readyz returns no details. Later checks would fail with the same cause.
  if (config === undefined)
    return [{ verdict: 'no', about: 'Firebreak', text: `${client.url} does not accept this token` }];
  const failed = Object.entries(checks).filter(([, result]) => result !== 'ok');
  return [
    { verdict: ready ? 'ok' : 'no', about: 'Firebreak', text: ready ? `ready at ${client.url}` : 'not ready' },
    ...failed.map(([name, text]): Finding => ({ verdict: 'no', about: name, text })),
    ...configurationFindings(config.problems),
  ];
}

async function automation(client: Client): Promise<Finding[]> {
  const { paused, reason, by, demoted } = await client.get('/v1/automation', Automation);
  const text = paused ? killSwitchText({ by, reason }) : 'on';
  return [
    { verdict: paused ? 'warn' : 'ok', about: 'automation', text },
    ...Object.entries(demoted).map(([service, demotion]): Finding => ({
      verdict: 'warn',
      about: service,
      text: `asks for approval before it acts: ${demotion.reason}`,
    })),
  ];
}

/** Reads `/v1/connections` once, because each request also calls the vendors. */
async function connectionsOf(client: Client, production: boolean): Promise<Finding[]> {
  const connections = await client.get('/v1/connections', CheckedConnections);
  return [...connectionFindings(connections), ...(production ? await productionChecks(client.url, connections) : [])];
}

async function productionChecks(url: string, connections: z.infer<typeof CheckedConnections>): Promise<Finding[]> {
  const { machine, vendors, watched } = connections;
  if (machine === undefined)
    return [
      {
        verdict: 'no',
        about: 'production',
        text: `Firebreak at ${url} does not run on a single machine: see docs/how-to/aws.md`,
      },
    ];
  return productionFindings(machine, { vendors, isScraped: watched, connection: await connectionTo(url) });
}

const PROBE_TIMEOUT_MS = 10_000;

/** Probes the connection to Firebreak, without a token. */
async function connectionTo(url: string): Promise<ClientConnection> {
  const connection = { isTls: url.startsWith('https:'), isThisMachine: isThisMachine(url) };
  if (!connection.isTls) return connection;
  const { status, headers } = await fetch(`${url}/sandbox`, {
    redirect: 'manual',
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
  });
  return { ...connection, sandboxAnswers: status === 200, hsts: headers.has('strict-transport-security') };
}

async function drillTargets(client: Client): Promise<Finding[]> {
  const { environments } = await client.get('/v1/drills?limit=1', DrillEnvironments);
  return environments.map((drillTarget) => ({
    verdict: drillTarget.last_proved_at === null ? 'warn' : 'ok',
    about: `${drillTarget.service}/${drillTarget.environment}`,
    text: `rollback last proved by a drill: ${lastProvedText(drillTarget)}`,
  }));
}

/** Days after its end for which an alert is listed. */
const LISTED_DAYS = 14;

/** Returns a warning for each alert title that matches no service of the present catalogue, and did not end long ago. */
async function unmatchedAlerts(client: Client): Promise<Finding[]> {
  const since = timestamp(Date.now() - LISTED_DAYS * 24 * 3_600_000);
  const isRecent = (end: Timestamp | null): boolean => end === null || end >= since;
  const outside = async (path: string): Promise<z.infer<typeof Signals>['items']> =>
    (await client.get(`${path}?limit=100`, Signals)).items.filter(
      ({ service, ends_at: end, belongs_to: now }) => service === UNMATCHED && now == null && isRecent(end),
    );
  const { items } = await client.get(`/v1/incidents?service=${UNMATCHED}&limit=50`, Incidents);
  const recent = items.filter(({ resolved_at: end }) => isRecent(end));
  const listed = await Promise.all(recent.map(({ id }) => outside(`/v1/incidents/${id}/signals`)));
  const incidents = recent.filter((_, n) => listed[n]?.length !== 0);
  const signals = await outside('/v1/signals');
  const texts = [
    ...incidents.map((incident) => `${incident.title}${placeOf(incident.environment)} (${incidentName(incident)})`),
    ...signals.map(({ title, environment, unmatched: name }) => `${title}: ${unmatchedText(name ?? '', environment)}`),
  ];
  return [...new Set(texts)].map((text) => ({ verdict: 'warn', about: 'unmatched alert', text }));
}

const placeOf = (environment: string): string => (environment === UNKNOWN_ENVIRONMENT ? '' : `, in ${environment}`);

function unmatchedText(service: string, environment: string): string {
  if (service !== '') return `service ${service}${placeOf(environment)}`;
  return `no label names its service${placeOf(environment) || ' or environment'}`;
}

/** Returns a warning, with the lines that map it, for each reported deployment that no service has. */
async function unmappedDeployments(client: Client): Promise<Finding[]> {
  const { items } = await client.get('/v1/deployments/unmapped', UnmappedDeployments);
  return items.map(({ reported_by: by, why, lines, rollouts }) => ({
    verdict: 'warn',
    about: 'unmapped deployment',
    text: `${why} (${by}, ${counted(rollouts, 'time')}); add to config/services.yaml:`,
    lines: lines.split('\n'),
  }));
}

async function quarantine(client: Client): Promise<Finding[]> {
  const { items } = await client.get('/v1/quarantine?limit=20', Quarantine);
  return items.map(({ id, detail, count }) => ({
    verdict: 'warn',
    about: 'quarantine',
    text: `${detail} (${counted(count, 'time')}, ${id})`,
  }));
}
