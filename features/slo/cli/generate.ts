import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { generatedFiles } from '../decisions/generate/files.ts';
import { GENERATED_MARKER } from '../decisions/generate/names.ts';
import type { Preset } from '../decisions/generate/rules.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { JudgeConfig } from '../../../schemas/judge/judge-config.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { canaryTemplates, type TemplateOptions } from '../decisions/canary-templates.ts';
import { canaryQueries } from '../vendors/canary-queries.ts';
import { sha256 } from '../../../entrances/cli/hash.ts';
import { folderOf } from '../../../entrances/cli/folders.ts';
import { UsageError, CommandFailure, type CommandContext } from '../../../entrances/cli/command-context.ts';

type Options = {
  out: string;
  check?: true;
  preset: string;
  raw: boolean;
  url: string;
  tokenFile: string;
  lowVelocity?: true;
  canaries?: true;
  prometheus: string;
  workloadLabel: string;
  config?: string;
};

const PRESETS: readonly string[] = ['multiwindow', 'simple'] satisfies Preset[];

/** Line width 0: no folding, because folded PromQL is hard to compare. */
const NO_FOLDING = 0;

export function addSloGenerate(slo: Command, context: CommandContext): void {
  slo
    .command('generate')
    .description('Generate Prometheus rules, Alertmanager routes, dashboards, and limits of canaries from SLOs')
    .requiredOption('--out <dir>', 'Output folder, with one subfolder for each kind')
    .option('--check', 'Write nothing; report differences from existing files')
    .option('--preset <name>', `Alert preset: ${PRESETS.join(' or ')}`, 'multiwindow')
    .option('--no-raw', 'Omit prometheus/slo-raw.yaml, once the other rules have been loaded for three days')
    .option('--url <url>', 'Address at which Alertmanager reaches Firebreak', 'http://127.0.0.1:8080')
    .option(
      '--token-file <file>',
      'File with the ingest token on the Alertmanager host',
      '/etc/alertmanager/firebreak-token',
    )
    .option('--low-velocity', 'Also alert about services that are deployed less than once a week')
    .option('--canaries', 'Also generate limits for canaries of Argo Rollouts and Flagger')
    .option(
      '--prometheus <url>',
      'Address at which Argo Rollouts and Flagger reach Prometheus',
      'http://prometheus.monitoring:9090',
    )
    .option('--workload-label <label>', 'Label of the series with the name of the workload, for Flagger', 'deployment')
    .option('--config <dir>', 'Configuration folder')
    .action((options: Options) => generate(context, options));
}

async function generate(context: CommandContext, options: Options): Promise<void> {
  const { preset, tokenFile } = options;
  if (!isPreset(preset)) throw new UsageError(`unknown preset ${preset}; use ${PRESETS.join(' or ')}`);
  const [url, prometheus] = [webUrlOf('--url', options.url), webUrlOf('--prometheus', options.prometheus)];
  if (!/^[a-zA-Z_]\w*$/.test(options.workloadLabel))
    throw new UsageError(`--workload-label is not a label name: ${options.workloadLabel}`);
  const loaded = await context.files.loadConfig(await folderOf(context, 'config', options.config));
  if (!loaded.ok) throw new CommandFailure(loaded.problems.join('\n'));
  const expectedFiles = new Map([
    ...generatedFiles(loaded.config.slos, {
      preset,
      raw: options.raw,
      url,
      tokenFile,
      services: loaded.config.services,
      environments: loaded.config.delivery.environments,
      lowVelocity: options.lowVelocity === true,
      hash: sha256,
    }),
    ...(options.canaries ? canaryFiles(loaded.config, options.workloadLabel, { prometheus, url }) : []),
  ]);
  const out = resolve(context.cwd, options.out);
  const files = new Map([...expectedFiles].map(([path, content]) => [path, textOf(path, content)]));
  if (options.check) return check(context, options.out, out, files);
  for (const [path, text] of files) {
    await mkdir(dirname(join(out, path)), { recursive: true });
    await writeFile(join(out, path), text);
    context.out(join(options.out, path));
  }
}

/** @throws UsageError if it is no URL of a web server */
function webUrlOf(option: string, text: string): string {
  const address = text.replace(/(?<!\/)\/+$/, '');
  if (!/^https?:$/.test(URL.parse(address)?.protocol ?? ''))
    throw new UsageError(`${option} is not an http or https URL: ${text}`);
  return address;
}

const isPreset = (name: string): name is Preset => PRESETS.includes(name);

function textOf(path: string, content: object): string {
  if (path.endsWith('.json')) return `${JSON.stringify(content, null, 2)}\n`;
  if (path.endsWith('.ndjson')) return (content as object[]).map((line) => `${JSON.stringify(line)}\n`).join('');
  return `# ${GENERATED_MARKER}\n${stringify(content, { lineWidth: NO_FOLDING, aliasDuplicateObjects: false })}`;
}

async function check(
  context: CommandContext,
  displayedOut: string,
  out: string,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const problems: string[] = [];
  for (const [path, text] of files) {
    const existing = await readFile(join(out, path), 'utf8').catch(undefinedIfMissing);
    if (existing === undefined) problems.push(`${join(displayedOut, path)}: missing`);
    else if (existing !== text)
      problems.push(`${join(displayedOut, path)}:${firstDifference(existing, text)}: differs`);
  }
  for (const folder of new Set([...files.keys()].map((path) => dirname(path)))) {
    for (const name of (await readdir(join(out, folder)).catch(undefinedIfMissing)) ?? []) {
      const path = join(folder, name);
      if (files.has(path) || !(await isGenerated(join(out, path)))) continue;
      problems.push(`${join(displayedOut, path)}: no longer generated; remove it`);
    }
  }
  if (problems.length > 0)
    throw new CommandFailure([...problems, 'to regenerate: firebreak slo generate with the same options'].join('\n'));
  context.out(`${files.size} files are up to date`);
}

/** Returns whether Firebreak generated the file. Users can keep their own files in the same folder. */
const isGenerated = async (file: string): Promise<boolean> =>
  (await readFile(file, 'utf8').catch(undefinedIfMissing))?.includes(GENERATED_MARKER) === true;

const undefinedIfMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT' || error.code === 'EISDIR') return undefined;
  throw error;
};

/** Returns the number of the first line that differs, from 1. */
function firstDifference(a: string, b: string): number {
  const [left, right] = [a.split('\n'), b.split('\n')];
  const first = right.findIndex((line, index) => line !== left[index]);
  return (first === -1 ? right.length : first) + 1;
}

/**
 * Generates the files for Argo Rollouts and Flagger from the objectives that count events.
 *
 * @param workload label of the series with the name of the workload, which Flagger knows instead of the version
 */
function canaryFiles(
  { slos, services }: Pick<Config, 'slos' | 'services'>,
  workload: string,
  options: TemplateOptions,
): Map<string, object> {
  const defaultVersionLabel = JudgeConfig.parse({}).versionLabel;
  const queries = slos.flatMap((slo) => {
    const judge = serviceEntry(services, slo.service)?.environments[slo.environment]?.judge;
    return canaryQueries(slo, { version: judge?.versionLabel ?? defaultVersionLabel, workload }) ?? [];
  });
  return canaryTemplates(queries, options);
}
