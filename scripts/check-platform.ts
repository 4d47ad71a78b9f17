/**
 * `npm run check:platform`: runs `sst.config.ts` on SST's own platform code, with Pulumi's mocks in place of AWS, and
 * checks what would be deployed. The first run downloads packages from npm. Needs no AWS account.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { stopWithParent } from '../local/parent.ts';
import { deploymentOf } from './platform/deployment.ts';
import { EXCEPTIONS, type Exception } from './platform/exceptions.ts';
import { installPlatform, type Platform } from './platform/install.ts';
import type { WorkerInput, WorkerOutput } from './platform/recorded.ts';
import { RULES, type Finding } from './platform/rules.ts';
import { typeProblems } from './platform/types.ts';

const root = resolve(import.meta.dirname, '..');

const RUN_MAX_MS = 180_000;

/**
 * The Node that runs npm, which can be older than the one of the project: the configuration must also deploy if `sst` is
 * started directly. A too new function would fail inside an `apply`, after half of the resources exist.
 */
const MACHINE_NODE = process.env['npm_node_execpath'] ?? process.execPath;

/**
 * Stages to check. `isRetained`: resources remain when the stage is removed. One stage sets what is optional, the other uses
 * the defaults.
 */
const STAGES = [
  { stage: 'production', isRetained: true, optionalSecrets: true, variables: { FIREBREAK_AWS_CHANGES: 'on' } },
  { stage: 'dev', isRetained: false, optionalSecrets: false, variables: { FIREBREAK_AWS_CHANGES: '' } },
] as const;

let passed = 0;
let failed = 0;

function report(name: string, problems: readonly string[], accepted: readonly string[] = []): void {
  if (problems.length === 0) passed += 1;
  else failed += 1;
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'}  ${name}`);
  for (const problem of problems) console.log(`      ${problem}`);
  for (const finding of accepted) console.log(`      accepted: ${finding}`);
}

/** The worker as JavaScript, because the Node of the machine may not run TypeScript. */
const bundleWorker = (outfile: string) =>
  build({
    entryPoints: [join(import.meta.dirname, 'platform/worker.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });

/** @throws Error if the process exits without a result */
async function run(platform: Platform, { variables, ...stage }: (typeof STAGES)[number]): Promise<WorkerOutput> {
  const work = mkdtempSync(join(platform.folder, 'run-'));
  try {
    const input: WorkerInput = { platform: platform.folder, root, work, ...stage };
    const worker = join(work, 'worker.mjs');
    await bundleWorker(worker);
    const { status, signal, stderr } = spawnSync(MACHINE_NODE, ['--no-warnings', worker, JSON.stringify(input)], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ...variables },
      timeout: RUN_MAX_MS,
    });
    if (status !== 0) throw new Error(`the platform exited with ${status ?? signal}: ${stderr.slice(-3000)}`);
    return JSON.parse(readFileSync(join(work, 'output.json'), 'utf8')) as WorkerOutput;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const shortName = (rule: string): string => rule.split(':')[0] ?? rule;
const exceptionFor = (rule: string, { id }: Finding): Exception | undefined =>
  EXCEPTIONS.find((exception) => exception.rule === shortName(rule) && exception.id === id);

/** Groups accepted findings by reason. */
function acceptedOf(findings: readonly (Finding & { exception: Exception | undefined })[]): string[] {
  const accepted = findings.filter(({ exception }) => exception !== undefined);
  return [...Map.groupBy(accepted, ({ exception }) => exception?.reason)].map(
    ([reason, all]) => `${all.map(({ id }) => id).join(', ')}: ${reason}`,
  );
}

async function check(platform: Platform, stage: (typeof STAGES)[number], used: Set<Exception>): Promise<void> {
  const { errors, resources } = await run(platform, stage);
  report(`${stage.stage}: SST ${platform.version} runs the configuration`, errors);
  if (errors.length > 0) return;
  const deployment = deploymentOf(resources);
  for (const { name, find } of RULES) {
    const findings = find(deployment, stage).map((finding) => ({ ...finding, exception: exceptionFor(name, finding) }));
    for (const { exception } of findings) if (exception) used.add(exception);
    report(
      `${stage.stage}: ${name}`,
      findings.filter(({ exception }) => !exception).map(({ id, problem }) => `${id}: ${problem}`),
      acceptedOf(findings),
    );
  }
}

stopWithParent();
try {
  const platform = installPlatform(root, console.log);
  report("types: the configuration fits SST's own types", typeProblems(root, platform.folder));
  const used = new Set<Exception>();
  for (const stage of STAGES) await check(platform, stage, used);
  const unused = failed > 0 ? [] : EXCEPTIONS.filter((exception) => !used.has(exception));
  report(
    'no unused exceptions',
    unused.map(({ rule, id }) => `${rule} ${id}`),
  );
} catch (error) {
  report('the check ran', [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) process.exitCode = 1;
