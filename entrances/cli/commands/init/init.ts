import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  isExample,
  type Proposal,
  proposeCatalogue,
  type SearchedServer,
  SearchFailure,
  serverAt,
} from '../../files.ts';
import { CommandFailure, type CommandContext, UsageError } from '../../command-context.ts';
import { folderPath } from '../../folders.ts';
import { numberTo500 } from '../../options.ts';
import { oneLine } from '../../table.ts';
import { evidenceFindings } from '../../../../core/domain/catalogue/doctor-findings.ts';
import { lineOf } from '../doctor.ts';
import { catalogueText } from './catalogue.ts';

type Options = {
  prometheus?: string;
  alertmanager?: string;
  config?: string;
  timeout: number;
  dryRun?: true;
  force?: true;
};

const SERVICES = 'services.yaml';
const PAGING = 'paging.yaml';

const PAGING_TEXT = `# Services in mode shadow neither page nor open channels, so that Firebreak can run beside your present notifications.
# All keys: docs/reference/configuration.md#pagingyaml
shadow: {}
`;

export function addInit(program: Command, context: CommandContext): void {
  program
    .command('init')
    .description('Propose services.yaml from what Prometheus knows, in mode shadow; needs no running Firebreak')
    .option('--prometheus <url>', 'Address of Prometheus (default: PROMETHEUS_URL)')
    .option('--alertmanager <url>', 'Address of Alertmanager, for services without metrics (default: ALERTMANAGER_URL)')
    .option('--config <dir>', 'Configuration folder, created if it does not exist')
    .option('--timeout <seconds>', 'Time limit of each request', numberTo500, 15)
    .option('--dry-run', 'Print the files and write nothing')
    .option('--force', `Replace an existing ${SERVICES}; the unchanged example is replaced without it`)
    .action((options: Options) => init(context, options));
}

async function init(context: CommandContext, options: Options): Promise<void> {
  const prometheus = serverToSearch(context, options, 'Prometheus');
  const alertmanager = serverToSearch(context, options, 'Alertmanager');
  if (prometheus === null)
    throw new UsageError('no address of Prometheus: use --prometheus http://HOST:9090, or set PROMETHEUS_URL');
  const dir = folderPath(context, 'config', options.config);
  const existing = await textOf(join(dir.path, SERVICES));
  const isReplaced = options.force === true || (existing !== undefined && isExample(existing));
  if (existing !== undefined && !isReplaced && !options.dryRun)
    throw new CommandFailure(
      `${join(dir.displayPath, SERVICES)} exists, and was not changed: use --force to replace it, --config DIR to write to ` +
        `another folder, or --dry-run to print the proposal`,
    );
  const proposals = await proposeOrFail(prometheus, alertmanager);
  const text = catalogueText(proposals, new URL(prometheus.server.url).origin);
  if (options.dryRun) {
    context.out(
      `# ${join(dir.displayPath, SERVICES)}\n${text}\n# ${join(dir.displayPath, PAGING)}\n${PAGING_TEXT.trimEnd()}`,
    );
    for (const line of findingLines(proposals)) context.err(line);
    return;
  }
  await mkdir(dir.path, { recursive: true });
  await writeFile(join(dir.path, SERVICES), text, { flag: isReplaced ? 'w' : 'wx' });
  const paging = await textOf(join(dir.path, PAGING));
  if (paging === undefined) await writeFile(join(dir.path, PAGING), PAGING_TEXT, { flag: 'wx' });
  for (const line of findingLines(proposals)) context.out(line);
  context.out(join(dir.displayPath, SERVICES));
  context.out(`${join(dir.displayPath, PAGING)}${paging === undefined ? '' : ': exists, and was not changed'}`);
  context.out(`next: check the proposals, then run firebreak check --config ${dir.displayPath}`);
}

async function proposeOrFail(prometheus: SearchedServer, alertmanager: SearchedServer | null): Promise<Proposal[]> {
  try {
    return await proposeCatalogue(prometheus, alertmanager);
  } catch (error) {
    if (error instanceof SearchFailure) throw new CommandFailure(error.message);
    throw error;
  }
}

/** Returns what automation can prove for each service, in the words of `doctor`. */
const findingLines = (proposals: readonly Proposal[]): string[] =>
  proposals.flatMap(evidenceFindings).map((finding) => oneLine(lineOf(finding)));

const SETTINGS = {
  Prometheus: { option: 'prometheus', variable: 'PROMETHEUS_URL' },
  Alertmanager: { option: 'alertmanager', variable: 'ALERTMANAGER_URL' },
} as const;

/** @throws UsageError for an address that cannot be used */
function serverToSearch(
  { env }: CommandContext,
  options: Options,
  what: SearchedServer['what'],
): SearchedServer | null {
  const { option, variable } = SETTINGS[what];
  const text = options[option] ?? env[variable];
  if (!text) return null;
  const setting = options[option] === undefined ? variable : `--${option}`;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${setting} is not an http or https URL: ${JSON.stringify(text)}`);
  if (url.username !== '' || url.password !== '')
    throw new UsageError(
      `${setting} contains a user name or password: ` +
        (what === 'Prometheus'
          ? 'set PROMETHEUS_USER and PROMETHEUS_PASSWORD instead'
          : 'Firebreak does not send it, so use an address that needs none'),
    );
  const credentials =
    what === 'Prometheus'
      ? { token: env['PROMETHEUS_TOKEN'], user: env['PROMETHEUS_USER'], password: env['PROMETHEUS_PASSWORD'] }
      : {};
  return { server: serverAt(text, credentials), what, setting, timeoutSeconds: options.timeout };
}

const textOf = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CommandFailure(`cannot read ${file}: ${error.message}`);
  });
