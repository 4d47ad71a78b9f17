import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { counted } from '../../domain/reports/words.ts';
import { isNode, LineCounter } from 'yaml';
import { type Problem, problemText } from '../../domain/runbooks/problem.ts';
import { ON_TIME_ALONE } from '../../domain/rollback/evidence-level.ts';
import { secretNamesOf } from '../../domain/runbooks/secret-names.ts';
import { warningAt } from '../../domain/slo/source-locations.ts';
import { timestamp } from '../../schemas/time/time.ts';
import {
  lintConfigFolder,
  lintFreezeFile,
  lintNames,
  lintPeopleFiles,
  lintRunbooksFolder,
  lintSlos,
  loadConfig,
  loadRunbooks,
  parseYaml,
  SLOS,
} from '../files.ts';
import type { RunbookSet } from '../../schemas/runbooks/runbook.ts';
import { namedVariable } from '../../schemas/config/variables.ts';
import { folderOf } from '../folders.ts';
import { CommandFailure, type CommandContext } from '../command-context.ts';

type Options = { config?: string; runbooks?: string; secrets?: true };

type LoadedConfig = Extract<Awaited<ReturnType<typeof loadConfig>>, { ok: true }>['config'];
type Services = LoadedConfig['services'];

export function addCheck(program: Command, context: CommandContext): void {
  program
    .command('check')
    .description('Validate config/ and runbooks/ without starting Firebreak')
    .option('--config <dir>', 'Configuration folder')
    .option('--runbooks <dir>', 'Runbooks folder')
    .option('--secrets', 'Warn about secrets that runbooks name and that are not set in this environment')
    .action((options: Options) => check(context, options));
}

async function check(context: CommandContext, options: Options): Promise<void> {
  const configDir = await folderOf(context, 'config', options.config);
  const runbooksDir = await folderOf(context, 'runbooks', options.runbooks);
  const [config, runbooks] = await Promise.all([loadConfig(configDir), loadRunbooks(runbooksDir)]);
  const unreadable = [config, runbooks].flatMap((loaded) => (loaded.ok ? [] : loaded.problems));
  const findings = [...(await lintConfigFolder(configDir)), ...(await lintRunbooksFolder(runbooksDir))];
  if (config.ok) findings.push(...(await lintNames(configDir, config.config, timestamp(Date.now()))));
  if (runbooks.ok && options.secrets) findings.push(...unsetSecrets(context, runbooksDir, runbooks.set));
  const errors = findings.filter(({ level }) => level === 'error').map(problemText);
  for (const problem of [...unreadable, ...errors]) context.out(problem);
  for (const warning of findings.filter(({ level }) => level !== 'error')) context.out(problemText(warning));
  if (config.ok) for (const warning of await warnings(context, configDir, config.config)) context.out(warning);
  if (!config.ok || !runbooks.ok || errors.length > 0)
    throw new CommandFailure(counted(unreadable.length + errors.length, 'problem'));
  const { services, slos } = config.config;
  const inConfig = [
    counted(Object.keys(services).length, 'service'),
    ...(slos.length > 0 ? [counted(slos.length, 'objective')] : []),
  ].join(' and ');
  context.out(`${inConfig} in ${configDir}, ${counted(runbooks.set.runbooks.length, 'runbook')} in ${runbooksDir}: OK`);
}

/** Returns warnings: valid configuration that is probably a mistake. */
async function warnings(context: CommandContext, configDir: string, config: LoadedConfig): Promise<string[]> {
  const { services } = config;
  const { found: sloFindings } = await lintSlos(join(configDir, SLOS), services);
  const freezes = await lintFreezeFile(configDir, config);
  const people = await lintPeopleFiles(configDir, config);
  return [
    ...(await targetWarnings(context, configDir, services)),
    ...[...freezes, ...people, ...sloFindings].map(problemText),
  ];
}

const unsetSecrets = ({ env }: CommandContext, dir: string, { runbooks }: RunbookSet): Problem[] =>
  runbooks.flatMap((runbook) =>
    secretNamesOf(runbook)
      .filter((name) => !namedVariable(env, name))
      .map((name) =>
        warningAt({ file: join(dir, runbook.file), line: 1 }, `secret ${name} is not set in this environment`),
      ),
  );

const WITHOUT_AUTH = 'has no "auth", so it is called without credentials (auth: { bearer: NAME })';

/** Returns warnings, with their lines: targets that are called without credentials, or rolled back without proof. */
async function targetWarnings({ env }: CommandContext, configDir: string, services: Services): Promise<string[]> {
  const warned = Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, settings]) => {
      const settingsPath = ['services', service, 'environments', environment];
      const withoutAuth = (['deployer', 'flags'] as const)
        .filter((target) => {
          const called = settings[target];
          if (called?.kind !== 'http' || called.auth !== undefined) return false;
          return called.url !== undefined || Boolean(env['CD_URL']); // otherwise it can only be a stand-in
        })
        .map((target) => ({ path: [...settingsPath, target], text: WITHOUT_AUTH }));
      const onTimeAlone = { path: [...settingsPath, 'autoRollback', 'evidence'], text: ON_TIME_ALONE };
      return [...withoutAuth, ...(settings.autoRollback.evidence === 'time' ? [onTimeAlone] : [])];
    }),
  );
  if (warned.length === 0) return [];
  const file = join(configDir, 'services.yaml');
  const lines = new LineCounter();
  const document = parseYaml(await readFile(file, 'utf8'), lines);
  return warned.map(({ path, text }) => {
    const node = document.getIn(path, true);
    const line = isNode(node) && node.range ? lines.linePos(node.range[0]).line : 1;
    return `${file}:${line}: warning: ${path.join('.')} ${text}`;
  });
}
