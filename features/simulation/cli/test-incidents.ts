import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type CaseResult, runCase } from '../decisions/expectation.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { RecordedIncident } from '../recording.ts';
import { CommandFailure, type CommandContext, UsageError } from '../../../entrances/cli/command-context.ts';
import { policyIn } from './policy.ts';
import { oneLine } from '../../../entrances/cli/table.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

type Options = { config?: string; runbooks?: string; junit?: string };

/** A test case with its file, as it was given. */
type CaseRun = CaseResult & { file: string };

/** Adds the command that runs exported incidents as test cases of the policy. */
export function addTest(program: Command, context: CommandContext): void {
  program
    .command('test')
    .description(
      'Run exported incidents as test cases of the policy in config/ and runbooks/; exits with 1 if one fails',
    )
    .argument('<path...>', 'Files of firebreak incident export, or folders with them')
    .option('--config <dir>', 'Configuration folder')
    .option('--runbooks <dir>', 'Runbooks folder')
    .option('--junit <file>', 'Write the results as JUnit XML')
    .action((paths: string[], options: Options) => test(context, paths, options));
}

async function test(context: CommandContext, paths: string[], options: Options): Promise<void> {
  const files = (await Promise.all(paths.map((path) => filesIn(context, path)))).flat();
  if (files.length === 0) throw new UsageError(`no incidents: there is no .json file in ${paths.join(', ')}`);
  const policy = await policyIn(context, options);
  const runs: CaseRun[] = [];
  for (const file of files) runs.push({ file, ...(await runFile(resolve(context.cwd, file), policy)) });
  for (const { file, failures, unknown } of runs) {
    context.out(oneLine(`${failures.length === 0 ? 'ok  ' : 'FAIL'}  ${file}`));
    for (const failure of failures) context.out(oneLine(`      ${failure}`));
    for (const text of unknown) context.out(oneLine(`      ? ${text}`));
  }
  if (options.junit !== undefined) await writeFile(resolve(context.cwd, options.junit), junit(runs));
  const failed = runs.filter(({ failures }) => failures.length > 0).length;
  if (failed > 0) throw new CommandFailure(`${failed} of ${runs.length} incidents fail`);
  context.out(`${runs.length} passed`);
}

/** @throws UsageError if the path does not exist */
async function filesIn({ cwd }: CommandContext, path: string): Promise<string[]> {
  const found = await stat(resolve(cwd, path)).catch(() => undefined);
  if (found === undefined) throw new UsageError(`${path} does not exist`);
  if (!found.isDirectory()) return [path];
  const names = await readdir(resolve(cwd, path));
  return names
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => join(path, name));
}

/** Runs a file. Hand-edited inputs can be inconsistent, which fails this case only. */
async function runFile(file: string, policy: Config): Promise<CaseResult> {
  try {
    const parsed = RecordedIncident.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return parsed.success ? runCase(parsed.data, policy) : { failures: [inputProblemText(parsed.error)], unknown: [] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { failures: [`the file cannot be read or replayed: ${why}`], unknown: [] };
  }
}

const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\uFFFD\u{10000}-\u{10FFFF}]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

function junit(runs: readonly CaseRun[]): string {
  const failed = runs.filter(({ failures }) => failures.length > 0).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="incidents" tests="${runs.length}" failures="${failed}">`,
    ...runs.map(({ file, failures }) =>
      failures.length === 0
        ? `  <testcase classname="incidents" name="${escapeXml(file)}"/>`
        : `  <testcase classname="incidents" name="${escapeXml(file)}"><failure message="${escapeXml(failures[0] ?? '')}">${escapeXml(failures.join('\n'))}</failure></testcase>`,
    ),
    '</testsuite>',
    '',
  ].join('\n');
}
