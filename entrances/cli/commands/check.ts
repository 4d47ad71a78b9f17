import type { EnvironmentEntry } from '../../../schemas/config/config.ts';
import { join } from 'node:path';
import type { Command } from 'commander';
import { losesUnmatched } from '../../../core/domain/alerts/routing.ts';
import { UNMATCHED_ROUTE, UNMATCHED_UNREAD } from '../../../core/domain/catalogue/doctor-findings.ts';
import { healthScopeProblems } from '../../../core/domain/catalogue/health-scope.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import { type Problem, problemText } from '../../../core/domain/lint/problem.ts';
import { ON_TIME_ALONE } from '../../../core/domain/rollback/evidence-level.ts';
import { secretNamesOf } from '../../../core/domain/runbooks/secret-names.ts';
import { warningAt } from '../../../core/domain/lint/source-locations.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import {
  lintConfigFolder,
  lintNames,
  lintObjectives,
  lintPeopleFiles,
  lintRunbooksFolder,
  loadConfig,
  loadRunbooks,
  readLocations,
} from '../files.ts';
import { noRunbooks, type RunbookSet } from '../../../schemas/runbooks/runbook.ts';
import { namedVariable } from '../../../schemas/config/variables.ts';
import { DEPLOYER_NOTES } from '../../../schemas/rollback/targets.ts';
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
  if (config.ok) {
    findings.push(...(await lintNames(configDir, config.config, timestamp(Date.now()))));
    findings.push(...(await scopeProblems(configDir, config.config.services)));
  }
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
  const objectives = await lintObjectives(configDir, services);
  const people = await lintPeopleFiles(configDir, config);
  const found = [...people, ...objectives, ...unreadWarnings(configDir, config)];
  return [...(await targetWarnings(context, configDir, services)), ...found.map(problemText)];
}

/** Returns a warning if there are routes, but none for warnings without a known service. */
function unreadWarnings(configDir: string, config: LoadedConfig): Problem[] {
  if (config.routes.routes.length === 0 || !losesUnmatched({ ...config, runbooks: noRunbooks }, timestamp(Date.now())))
    return [];
  const suggestion = `write where they go, such as ${UNMATCHED_ROUTE}`;
  return [warningAt({ file: join(configDir, 'routes.yaml'), line: 1 }, UNMATCHED_UNREAD, suggestion)];
}

const unsetSecrets = ({ env }: CommandContext, dir: string, { runbooks }: RunbookSet): Problem[] =>
  runbooks.flatMap((runbook) =>
    secretNamesOf(runbook)
      .filter((name) => !namedVariable(env, name))
      .map((name) =>
        warningAt({ file: join(dir, runbook.file), line: 1 }, `secret ${name} is not set in this environment`),
      ),
  );

/** Returns the queries of `health` that measure another service, or probably all of them. */
async function scopeProblems(configDir: string, services: Services): Promise<Problem[]> {
  const { locate } = await readLocations(join(configDir, 'services.yaml'));
  return Object.entries(services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { health }]) =>
      health === undefined
        ? []
        : healthScopeProblems(services, service, health).map(({ key, level, text }) => {
            const path = ['services', service, 'environments', environment, 'health', key];
            return { ...locate(path), level, message: `${path.join('.')} ${text}`, suggestion: null };
          }),
    ),
  );
}

const WITHOUT_AUTH = 'has no "auth", so it is called without credentials (auth: { bearer: NAME })';

/** Kinds of deployers that can run instances of two versions. */
const LOOK_KINDS: ReadonlySet<string> = new Set(
  DEPLOYER_NOTES.flatMap(([kind, { look }]) => (look === undefined ? [] : [kind])),
);

/** Returns why a controlled look never starts. Null: it can. */
function lookProblem({ look, deployer, autoRollback }: EnvironmentEntry): { at: string; text: string } | null {
  if (look === undefined)
    return autoRollback.evidence === 'tested'
      ? { at: 'autoRollback', text: 'has evidence "tested" without look: {}, so Firebreak always asks: add look: {}' }
      : null;
  return deployer === undefined || LOOK_KINDS.has(deployer.kind)
    ? null
    : {
        at: 'look',
        text: `has no effect with a deployer of kind ${deployer.kind}: only ${[...LOOK_KINDS].join(' and ')} can run instances of two versions, so Firebreak asks`,
      };
}

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
      const problem = lookProblem(settings);
      const untested = problem === null ? [] : [{ path: [...settingsPath, problem.at], text: problem.text }];
      return [...withoutAuth, ...untested, ...(settings.autoRollback.evidence === 'time' ? [onTimeAlone] : [])];
    }),
  );
  if (warned.length === 0) return [];
  const { locate } = await readLocations(join(configDir, 'services.yaml'));
  return warned.map(({ path, text }) => {
    const { file, line } = locate(path);
    return `${file}:${line}: warning: ${path.join('.')} ${text}`;
  });
}
