import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plotAsset } from '../../../entrances/console/assets.ts';
import { CONSOLE_FILES } from '../../../functions/assembly/resources.ts';
import { BUNDLE, namedImports } from '../../../scripts/lambda-bundle.ts';
import { resourcesText } from '../../support/aws/resources.ts';

const ROOT = join(import.meta.dirname, '../../..');
const HANDLERS = [
  'http',
  'console',
  'status',
  'subscriptions',
  'slack',
  'inbound',
  'route',
  'project',
  'sweep',
  'evaluate',
  'digest',
  'snapshot',
  'incident-response',
] as const;
type Handler = (typeof HANDLERS)[number];

/** Limits of what a cold start reads. The largest two contain the pages of the console, or zod with all its languages. */
const MAX_BYTES = 2_450_000;
const LARGE_MAX_BYTES: Partial<Record<Handler, number>> = { http: 2_900_000, console: 2_800_000 };

/** Slack waits three seconds, including a cold start. The AWS clients are those of Lambda's runtime. */
const SLACK_MAX_BYTES = 660_000;
const OF_THE_RUNTIME = ['@aws-sdk/*', '@smithy/*'];

/** The environment of a function on Lambda, and nothing else: no home, no PATH, no file of the project. */
const ON_LAMBDA = {
  AWS_LAMBDA_FUNCTION_NAME: 'firebreak-test-http',
  LAMBDA_TASK_ROOT: '/var/task',
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'AKIATEST',
  AWS_SECRET_ACCESS_KEY: 'not-used',
  FIREBREAK_RESOURCES: resourcesText(),
};

const SWITCHES = ['FIREBREAK_TIME_SCALE', 'FIREBREAK_SANDBOX', 'FIREBREAK_DATA_DIR'];
const WITH_SWITCHES = { ...ON_LAMBDA, ...Object.fromEntries(SWITCHES.map((name) => [name, '1'])) };
const WITHOUT_TABLE = { ...ON_LAMBDA, FIREBREAK_RESOURCES: resourcesText({ table: '' }) };

const get = (path: string) => ({
  version: '2.0',
  routeKey: '$default',
  rawPath: path,
  rawQueryString: '',
  headers: { host: 'api.test', 'content-type': 'application/json' },
  requestContext: {
    http: { method: 'GET', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: '' },
    domainName: 'api.test',
    stage: '$default',
    requestId: 'r',
  },
  isBase64Encoded: false,
});

/** The first invocation of an execution, as Lambda sends it to a durable function. */
const EXECUTION = {
  DurableExecutionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:f:1/durable-execution/n/i',
  CheckpointToken: 'token',
  InitialExecutionState: {
    Operations: [
      {
        Id: 'execution',
        Type: 'EXECUTION',
        Status: 'STARTED',
        StartTimestamp: '2026-01-01T00:00:00.000Z',
        ExecutionDetails: { InputPayload: JSON.stringify({ incidentId: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B', run: 1 }) },
      },
    ],
  },
};

/** Requests that must be refused before any call to AWS. */
const EVENTS: Record<Handler, unknown> = {
  http: get('/healthz'),
  console: get('/login'),
  status: get('/nothing'),
  subscriptions: get('/nothing'),
  slack: get('/integrations/slack/nothing'),
  inbound: { Records: [] },
  route: { Records: [] },
  project: { Records: [] },
  sweep: {},
  evaluate: {},
  digest: {},
  snapshot: {},
  'incident-response': EXECUTION,
};

type Call = { event: unknown; env: Record<string, string> };
type Answer = { result?: unknown; error?: string };
type Answers = { switched: Answer; incomplete: Answer; good: Answer[] };

let folder: string;
const answers = new Map<Handler, Answers>();
const answersOf = (name: Handler): Answers => {
  const found = answers.get(name);
  if (found === undefined) throw new Error(`${name} was not called`);
  return found;
};

const bundleOf = (name: Handler): string => join(folder, name, `${name}.mjs`);
const outputs = new Map<Handler, Metafile['outputs']>();

/** Returns the size of the files that a cold start reads: not those that are imported on demand. */
function bytesAtStart(name: Handler): number {
  const all = outputs.get(name) ?? {};
  const read = new Set(Object.keys(all).filter((file) => all[file]?.entryPoint === `functions/${name}.ts`));
  for (const file of read)
    for (const { kind, path } of all[file]?.imports ?? [])
      if (kind === 'import-statement' && path in all) read.add(path);
  return [...read].reduce((sum, file) => sum + (all[file]?.bytes ?? 0), 0);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-bundles-'));
  await Promise.all(HANDLERS.map((name) => bundle(name, name === 'slack' ? OF_THE_RUNTIME : [])));
  // Stand for the runtime's own packages.
  await mkdir(join(folder, 'node_modules'));
  for (const scope of ['@aws-sdk', '@smithy'])
    await symlink(join(ROOT, 'node_modules', scope), join(folder, 'node_modules', scope));
  for (const path of CONSOLE_FILES) await cp(join(ROOT, path), join(folder, 'console', path));
  const good: Partial<Record<Handler, unknown[]>> = {
    http: [get('/healthz'), get('/nothing')],
    console: [get('/login'), get('/console'), get(plotAsset().path)],
    slack: [get('/integrations/slack/nothing'), get('/integrations/slack/events')],
    inbound: [{ Records: [] }],
    route: [{ Records: [] }],
    project: [{ Records: [] }],
  };
  for (const name of HANDLERS) {
    const [switched = {}, incomplete = {}, ...rest] = await invoke(name, [
      { event: EVENTS[name], env: WITH_SWITCHES },
      { event: EVENTS[name], env: WITHOUT_TABLE },
      ...(good[name] ?? []).map((event) => ({ event, env: ON_LAMBDA })),
    ]);
    answers.set(name, { switched, incomplete, good: rest });
  }
});
async function bundle(name: Handler, external: string[]): Promise<void> {
  const { metafile } = await build({
    ...BUNDLE,
    entryPoints: [`functions/${name}.ts`],
    outdir: join(folder, name),
    metafile: true,
    external,
    logLevel: 'silent',
  });
  expect(namedImports(metafile)).toEqual([]);
  outputs.set(name, metafile.outputs);
}

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Calls the bundle's handler like Lambda's runtime, in a process with only the given environment. */
async function invoke(name: Handler, calls: Call[]): Promise<Answer[]> {
  const code = `
    const { handler } = await import(${JSON.stringify(pathToFileURL(bundleOf(name)).href)});
    const context = { functionName: 'f', awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 };
    const answers = [];
    for (const { event, env } of ${JSON.stringify(calls)}) {
      for (const name of Object.keys(process.env)) delete process.env[name];
      Object.assign(process.env, env);
      const call = async () => handler(event, context);
      answers.push(await call().then((result) => ({ result }), (error) => ({ error: String(error) })));
    }
    process.stdout.write(JSON.stringify(answers), () => process.exit(0));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: folder,
    env: {},
  });
  return JSON.parse(stdout) as Answer[];
}

test.each(HANDLERS)('a cold start of %s reads no more than its limit', (name) => {
  const limit = name === 'slack' ? SLACK_MAX_BYTES : (LARGE_MAX_BYTES[name] ?? MAX_BYTES);
  expect(bytesAtStart(name)).toBeGreaterThan(0);
  expect(bytesAtStart(name)).toBeLessThanOrEqual(limit);
});

test("no function contains the table of domain names of PagerDuty's client, which Node makes unnecessary", async () => {
  const found: string[] = [];
  for (const name of HANDLERS)
    for (const file of (await readdir(join(folder, name))).filter((one) => one.endsWith('.mjs')))
      if ((await readFile(join(folder, name, file), 'utf8')).includes('disallowed_STD3_mapped')) found.push(file);
  expect(found).toEqual([]);
});

test('http responds to an API Gateway event', () => {
  expect(answersOf('http').good).toMatchObject([
    { result: { statusCode: 200, body: '{"ok":true}', isBase64Encoded: false } },
    { result: { statusCode: 404 } },
  ]);
});

test('slack responds to an API Gateway event, but only to POST', () => {
  expect(answersOf('slack').good).toMatchObject([{ result: { statusCode: 404 } }, { result: { statusCode: 405 } }]);
});

test('console has the files that it reads beside its bundle', () => {
  expect(answersOf('console').good[2]).toMatchObject({ result: { statusCode: 200, body: plotAsset().text } });
});

test.each(['inbound', 'route', 'project'] as const)('%s accepts an empty batch', (name) => {
  expect(answersOf(name).good).toEqual([{ result: { batchItemFailures: [] } }]);
});

test.each(HANDLERS)('%s refuses to run on Lambda with a local-only switch', (name) => {
  const answer = JSON.stringify(answersOf(name).switched);
  expect(answer).toContain('refused on Lambda');
  for (const one of SWITCHES) expect(answer).toContain(one);
});

test.each(HANDLERS)('%s reports what is missing in its environment', (name) => {
  expect(JSON.stringify(answersOf(name).incomplete)).toMatch(/environment is invalid.*FIREBREAK_RESOURCES.table/);
});
