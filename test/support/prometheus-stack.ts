import { execFile, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { spawnTied, type TiedChild } from './tied-child.ts';
import { eventually } from './firebreak.ts';

/** Names of the programs, in Debian and in their own releases. */
const NAMES = {
  prometheus: ['prometheus'],
  alertmanager: ['prometheus-alertmanager', 'alertmanager'],
  promtool: ['promtool'],
  amtool: ['amtool'],
  nginx: ['nginx'],
  caddy: ['caddy'],
  openssl: ['openssl'],
  jq: ['jq'],
  'systemd-analyze': ['systemd-analyze'],
} as const;

type Program = keyof typeof NAMES;

const EXAMPLES = join(import.meta.dirname, '../../examples');

/** Number of log lines in error messages. */
const LINES_KEPT = 20;

const READY_MAX_MS = 120_000;

/** Returns the path of a program on this machine, or undefined if it is not installed. */
export function programPath(program: Program): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES[program].flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Returns whether all of these programs are installed. If not, prints which tests are skipped. */
export function have(...programs: Program[]): boolean {
  const absent = programs.filter((program) => programPath(program) === undefined).map((program) => NAMES[program][0]);
  if (absent.length > 0) console.log(`skipped tests: ${absent.join(' and ')} not installed`);
  return absent.length === 0;
}

/** Returns what `promtool check metrics` says about metrics in Prometheus' text format: nothing if they are right. */
export function problemsOfMetrics(text: string): string {
  const { status, stdout, stderr } = spawnSync(programPath('promtool') ?? '', ['check', 'metrics'], { input: text });
  return `${status === 0 ? '' : `status ${String(status)}: `}${String(stdout)}${String(stderr)}`;
}

/** A started program, with its own folder for data and configuration. */
export type Running = { url: string; folder: string; stop(): Promise<void> };

/** A target that is scraped every second. `labels` are added to every sample. */
export type Target = { url: string; labels: Record<string, string> };

export type PrometheusOptions = {
  port: number;
  targets: readonly Target[];
  alertmanagers: readonly string[];
  /** A rules file as YAML. */
  rules: string;
  /** Relabeling rules for alerts on their way to the Alertmanagers. */
  relabel?: readonly object[];
  /** Recorded series from before the start, or the text of all samples in OpenMetrics. Requires promtool. */
  history?: readonly Recorded[] | string;
};

/** One series with samples every 15 seconds, up to now. */
export type Recorded = {
  name: string;
  labels: Record<string, string>;
  minutes: number;
  at: (secondsAgo: number) => number;
};

/**
 * Starts a Prometheus that scrapes every second. Its external label `cluster`, as in many installations, is on every
 * alert it sends.
 */
export async function startPrometheus({
  port,
  targets,
  alertmanagers,
  rules,
  relabel = [],
  history = [],
}: PrometheusOptions): Promise<Running> {
  const config = {
    global: {
      scrape_interval: '1s',
      scrape_timeout: '1s',
      evaluation_interval: '1s',
      external_labels: { cluster: 'test' },
    },
    rule_files: ['rules.yml'],
    alerting: {
      alert_relabel_configs: relabel,
      alertmanagers: [{ static_configs: [{ targets: alertmanagers.map(hostOf) }] }],
    },
    scrape_configs: [
      { job_name: 'services', static_configs: targets.map(({ url, labels }) => ({ targets: [hostOf(url)], labels })) },
    ],
  };
  const files = {
    'prometheus.yml': stringify(config),
    'rules.yml': rules,
    'history.txt': typeof history === 'string' ? history : openMetrics(history),
  };
  const argumentsIn = (folder: string) => [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--rules.alert.resend-delay=2s',
  ];
  return startProgram('prometheus', port, files, argumentsIn, async (folder) => {
    if (history.length === 0) return;
    const backfill = ['tsdb', 'create-blocks-from', 'openmetrics', `${folder}/history.txt`, `${folder}/data`];
    await promisify(execFile)(programPath('promtool') ?? 'promtool', backfill);
  });
}

const RECORDED_EVERY_SECONDS = 15;

function openMetrics(history: readonly Recorded[]): string {
  const now = Math.floor(Date.now() / 1000);
  const lines = history.flatMap(({ name, labels, minutes, at }) => {
    const series = `${name}{${Object.entries(labels)
      .map(([label, value]) => `${label}="${value}"`)
      .join(',')}}`;
    const count = (minutes * 60) / RECORDED_EVERY_SECONDS;
    const ages = Array.from({ length: count }, (_, index) => (count - index) * RECORDED_EVERY_SECONDS);
    return ages.map((age) => `${series} ${at(age)} ${now - age}`);
  });
  return [...lines, '# EOF\n'].join('\n');
}

export type AlertmanagerOptions = {
  port: number;
  config: AlertmanagerConfig;
  /** Additional files beside the configuration, such as tokens. */
  files?: Record<string, string>;
  /** Its own gossip port, and the port of a member to join. Absent for a single instance. */
  cluster?: { port: number; peer: number };
};

export type Route = { receiver: string; routes?: Route[]; [key: string]: unknown };
export type Webhook = { url: string; [key: string]: unknown };
export type AlertmanagerConfig = { route: Route; receivers: { name: string; webhook_configs?: Webhook[] }[] };

/** Starts an Alertmanager. A cluster member sends nothing before the cluster is `settled`. */
export async function startAlertmanager({ port, config, files = {}, cluster }: AlertmanagerOptions): Promise<Running> {
  const alone = ['--cluster.listen-address='];
  const together = cluster && [
    `--cluster.listen-address=127.0.0.1:${cluster.port}`,
    // Otherwise it looks for a private address, and may find none.
    `--cluster.advertise-address=127.0.0.1:${cluster.port}`,
    ...(cluster.peer === cluster.port ? [] : [`--cluster.peer=127.0.0.1:${cluster.peer}`]),
    '--cluster.gossip-interval=50ms', // it settles in ten of these intervals
  ];
  const all = { 'alertmanager.yml': stringify(config), ...files };
  return startProgram('alertmanager', port, all, (folder) => [
    `--config.file=${folder}/alertmanager.yml`,
    `--storage.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...(together ?? alone),
  ]);
}

/** Resolves when all of these Alertmanagers have found each other, and send notifications. */
export async function settled(alertmanagers: readonly Running[]): Promise<void> {
  for (const { url } of alertmanagers) {
    await eventually(
      async () => {
        const response = await fetch(`${url}/api/v2/status`);
        const { cluster } = (await response.json()) as { cluster: { status: string; peers: unknown[] } };
        return cluster.status === 'ready' && cluster.peers.length === alertmanagers.length;
      },
      `${url} is a settled member of a cluster of ${alertmanagers.length}`,
      READY_MAX_MS,
    );
  }
}

/** Returns the path of an example in the README. */
export const examplePath = (name: string): string => join(EXAMPLES, name);

/** Returns the example with another address of Firebreak and shorter intervals. */
export async function exampleAlertmanager(name: string, firebreakUrl: string): Promise<AlertmanagerConfig> {
  const text = await readFile(examplePath(name), 'utf8');
  const config = parse(text.replaceAll('http://127.0.0.1:8080/', `${firebreakUrl}/`)) as AlertmanagerConfig;
  return { ...config, route: { ...config.route, ...QUICK } };
}

/** Returns the same configuration for the alerts of these services. Other alerts are dropped. */
export function onlyFor(services: readonly string[], { route, receivers }: AlertmanagerConfig): AlertmanagerConfig {
  return {
    route: { receiver: 'nobody', routes: [{ ...route, matchers: [`service=~"${services.join('|')}"`] }] },
    receivers: [...receivers, { name: 'nobody' }],
  };
}

/** Short intervals for grouping alerts and for checking a group again. */
export const QUICK = { group_wait: '1s', group_interval: '2s' };

/** Returns the example's rules with seconds instead of minutes. */
export async function exampleRules(): Promise<string> {
  const text = await readFile(examplePath('prometheus-rules.yml'), 'utf8');
  return text.replaceAll('[5m]', '[4s]').replace('for: 1m', 'for: 1s').replace('interval: 15s', 'interval: 1s');
}

const hostOf = (url: string): string => new URL(url).host;

async function startProgram(
  program: Program,
  port: number,
  files: Record<string, string>,
  argumentsIn: (folder: string) => string[],
  prepare: (folder: string) => Promise<void> = async () => undefined,
): Promise<Running> {
  const path = programPath(program);
  if (path === undefined) throw new Error(`${NAMES[program][0]} is not installed`);
  const folder = await mkdtemp(join(tmpdir(), `firebreak-${program}-`));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await prepare(folder);
  const lines: string[] = [];
  const child = spawnTied(path, argumentsIn(folder), (line) => {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.shift();
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    await child.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  await ready(url, child).catch(async (error: unknown) => {
    await stop();
    throw new Error(`${program} did not start:\n${lines.join('\n')}`, { cause: error });
  });
  return { url, folder, stop };
}

/** Resolves when the program is ready. Rejects if it exits. */
const ready = (url: string, { exited }: TiedChild): Promise<unknown> =>
  Promise.race([
    eventually(async () => (await fetch(`${url}/-/ready`)).ok, `${url} is ready`, READY_MAX_MS),
    exited.then((why) => Promise.reject(new Error(why))),
  ]);
