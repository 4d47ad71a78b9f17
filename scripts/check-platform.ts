/**
 * `npm run check:platform`: runs `sst.config.ts` on SST's own platform code, with Pulumi's mocks in place of AWS, and
 * checks what would be deployed. The first run downloads packages from npm. Needs no AWS account.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { namesIn } from '../schemas/config/variables.ts';
import { stopWithParent } from '../local/parent.ts';
import { ACCOUNT, REGION } from './platform/aws-answers.ts';
import { changesOf, clashesOf } from './platform/compare.ts';
import { type Deployment, deploymentOf } from './platform/deployment.ts';
import { EXCEPTIONS, type Exception } from './platform/exceptions.ts';
import { installPlatform, type Platform } from './platform/install.ts';
import type { RecordedResource, WorkerInput, WorkerOutput } from './platform/recorded.ts';
import { costDocument } from './aws-docs.ts';
import { idleMonth } from './platform/idle-cost.ts';
import { RULES, type Finding, type RuleOptions } from './platform/rules.ts';
import { typeProblems } from './platform/types.ts';

const root = resolve(import.meta.dirname, '..');

const RUN_MAX_MS = 180_000;

/**
 * The Node that runs npm, which can be older than the one of the project: the configuration must also deploy if `sst` is
 * started directly. A too new function would fail inside an `apply`, after half of the resources exist.
 */
const MACHINE_NODE = process.env['npm_node_execpath'] ?? process.execPath;

/** Sets everything that is optional. */
const FILE = {
  size: 'standard',
  account: ACCOUNT,
  vpc: { subnetIds: ['subnet-0a1b2c3d', 'subnet-4e5f6a7b'], securityGroupIds: ['sg-0a1b2c3d'] },
  region: REGION,
  publicUrl: 'https://firebreak.example.com',
  alarms: { critical: ['on-call@example.com'], warning: ['sre@example.com', 'https://alarms.example.com/sns'] },
  awsChanges: true,
  targets: { roles: ['arn:aws:iam::210987654321:role/firebreak-checkout'] },
  tags: { team: 'sre' },
};

/** Stages to check. `isRetained`: resources remain when the stage is removed. `dev` has no file: it uses the defaults. */
const STAGES = [
  { stage: 'production', isRetained: true, size: 'standard', vpc: FILE.vpc, optionalSecrets: true, file: FILE },
  {
    stage: 'small',
    isRetained: false,
    size: 'small',
    vpc: FILE.vpc,
    optionalSecrets: true,
    file: { ...FILE, size: 'small' },
  },
  { stage: 'dev', isRetained: false, size: 'small', optionalSecrets: false },
] as const;
type Checked = Pick<WorkerInput, 'stage' | 'optionalSecrets' | 'file'> & RuleOptions;

/** Files that production must not be deployed with. */
const REFUSED: readonly (readonly [why: string, stage: { file: object | undefined }])[] = [
  ['without a file', { file: undefined }],
  ['without a receiver of alarms', { file: { ...FILE, alarms: { warning: FILE.alarms.warning } } }],
  ['without an account', { file: { region: REGION, alarms: FILE.alarms } }],
  ['with an unknown key', { file: { ...FILE, alarmEmail: 'sre@example.com' } }],
];

/** A shell in which every variable of the product has a value. */
const FULL_SHELL = Object.fromEntries(
  namesIn('machine', 'access', 'vendors', 'client', 'targets', 'functions')
    .filter((name) => name !== 'FIREBREAK_PUBLIC_URL') // refused, because older versions read it
    .map((name) => [name, 'set']),
);

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
async function run(platform: Platform, { stage, optionalSecrets, file }: Checked, shell = {}): Promise<WorkerOutput> {
  const work = mkdtempSync(join(platform.folder, 'run-'));
  try {
    const input: WorkerInput = { platform: platform.folder, root, work, stage, optionalSecrets, file };
    const worker = join(work, 'worker.mjs');
    await bundleWorker(worker);
    const { status, signal, stderr } = spawnSync(MACHINE_NODE, ['--no-warnings', worker, JSON.stringify(input)], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, ...shell },
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

async function check(platform: Platform, stage: Checked, used: Set<Exception>): Promise<RecordedResource[]> {
  const { errors, resources } = await run(platform, stage);
  report(`${stage.stage}: SST ${platform.version} runs the configuration`, errors);
  if (errors.length > 0) return resources;
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
  return resources;
}

/** Compares what is deployed from other shells and to another Region. */
async function compare(platform: Platform, resources: readonly RecordedResource[]): Promise<void> {
  const [production] = STAGES;
  const again = await run(platform, production, FULL_SHELL);
  report('production: a deployment from another shell changes nothing', [
    ...again.errors,
    ...changesOf(resources, again.resources),
  ]);
  const elsewhere = await run(platform, { ...production, file: { ...FILE, region: 'eu-west-1' } });
  report('production in two Regions: the same resources, whose names are unique in the account', [
    ...elsewhere.errors,
    ...clashesOf(resources, elsewhere.resources),
  ]);
  for (const [why, file] of REFUSED) {
    const { errors } = await run(platform, { ...production, ...file });
    report(
      `production: refused ${why}`,
      errors.some((text) => text.includes('deploy/stages/production.yaml')) ? [] : ['deployed'],
    );
  }
}

/** Compares the table of costs in the docs with the deployments. With `--write`, writes it. */
function checkCosts(deployed: ReadonlyMap<string, Deployment>): void {
  const [small, standard] = ['small', 'production'].map((stage) => {
    const deployment = deployed.get(stage);
    return deployment === undefined ? [] : idleMonth(deployment);
  });
  const { page, before, after } = costDocument(small ?? [], standard ?? []);
  if (process.argv.includes('--write')) writeFileSync(page, after);
  const problem = 'the table differs: npm run check:platform -- --write';
  report('docs: what an idle month costs', before === after || process.argv.includes('--write') ? [] : [problem]);
}

stopWithParent();
try {
  const platform = installPlatform(root, console.log);
  report("types: the configuration fits SST's own types", typeProblems(root, platform.folder));
  const used = new Set<Exception>();
  const deployed = new Map<string, Deployment>();
  for (const stage of STAGES) {
    const resources = await check(platform, stage, used);
    deployed.set(stage.stage, deploymentOf(resources));
    if (stage.stage === 'production') await compare(platform, resources);
  }
  checkCosts(deployed);
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
