/**
 * Runs `sst.config.ts` for one stage on SST's platform code, with Pulumi's mocks in place of AWS, and writes the resources
 * that would be deployed. Runs in its own process, because the platform has global state.
 *
 *   node scripts/platform/worker.ts <WorkerInput as JSON>
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { calledFunction, createdResource, ACCOUNT, answerAs, REGION, type Values } from './aws-answers.ts';
import { bundleConfig } from './config-bundle.ts';
import { type RecordedResource, SECRET_TEXT, type WorkerInput, type WorkerOutput } from './recorded.ts';

const {
  platform,
  root,
  stage,
  work,
  optionalSecrets,
  file: stageFile,
} = JSON.parse(process.argv[2] ?? '') as WorkerInput;
/** Loads packages of the platform instead of this project's. */
const load = createRequire(join(platform, 'package.json'));

/** The parts of Pulumi that this file uses. */
type Mocks = {
  newResource(args: { type: string; name: string; inputs: Values }): { id: string; state: Values };
  call(args: { token: string; inputs: Values }): Values;
};
type Pulumi = {
  runtime: {
    setMocks(mocks: Mocks, project: string, stack: string, preview: boolean, organization: string): Promise<void>;
    setAllConfig(config: Record<string, string>): void;
    runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>;
    waitForRPCs(): Promise<void>;
  };
};
type Request = Record<string, () => unknown> & { getName(): string; getType(): string; getParent(): string };
type Response = { getId(): string; getObject(): unknown };
type Callback = (error: unknown, response: Response) => void;
type Monitor = { newUrn(parent: string, type: string, name: string): string } & Record<
  'registerResource',
  (request: Request, done: Callback) => unknown
>;

const REQUIRED_SECRETS = ['FIREBREAK_ADMIN_TOKEN', 'FIREBREAK_AUDIT_KEY'];
const errors: string[] = [];
const resources = new Map<string, RecordedResource>();
const addError = (error: unknown): void => {
  const message = error instanceof Error ? error.message : String(error);
  if (!errors.includes(message)) errors.push(message);
};
process.on('unhandledRejection', addError);
process.on('uncaughtException', addError);

for (const name of Object.keys(process.env)) if (/^(AWS|PULUMI|SST)_/.test(name)) delete process.env[name];
process.env = new Proxy(process.env, { get: (env, name) => secretOf(env, String(name)) ?? env[String(name)] });

/** `sst` passes a secret in the variable `SST_SECRET_` followed by its name. */
function secretOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const [, secret] = /^SST_SECRET_(\w+)$/.exec(name) ?? [];
  if (secret === undefined || (!optionalSecrets && !REQUIRED_SECRETS.includes(secret))) return undefined;
  return env[name] ?? `${SECRET_TEXT} ${secret}`;
}

/** The project, whose stage has the given file. */
const project = join(work, 'project');
mkdirSync(join(project, 'deploy/stages'), { recursive: true });
for (const name of readdirSync(root).filter((entry) => entry !== 'deploy'))
  symlinkSync(join(root, name), join(project, name));
if (stageFile !== undefined) writeFileSync(join(project, 'deploy/stages', `${stage}.yaml`), JSON.stringify(stageFile));
process.chdir(project);

type App = {
  name: string;
  home?: string;
  removal?: string;
  protect?: boolean;
  stage?: string;
  providers?: { aws?: { region?: string } };
};

/** Evaluates `app()` alone, as `sst` does first. */
async function readApp(): Promise<App> {
  const outfile = join(work, 'app.mjs');
  const code = `import config from ${JSON.stringify(join(root, 'sst.config.ts'))};
    export default await config.app({ stage: ${JSON.stringify(stage)} });`;
  await bundleConfig({ platform, root, outfile, code, banner: 'function $config(input) { return input }' });
  const { default: app } = (await import(pathToFileURL(outfile).href)) as { default: App };
  return { ...app, stage, protect: app.protect ?? false };
}

/** RPC methods that `sst` offers to the platform during a deployment. */
const RPC: Record<string, (params: Values) => unknown> = {
  'Provider.Aws.Bootstrap': () => ({
    asset: 'sst-asset',
    state: 'sst-state',
    assetEcrRegistryId: ACCOUNT,
    assetEcrUrl: '',
  }),
  'Runtime.AddTarget': () => null,
  'Runtime.Build': ({ functionID, handler }) => {
    const out = join(work, 'functions', String(functionID));
    mkdirSync(out, { recursive: true });
    const [, file = '', name = ''] = /^(.+)\.(\w+)$/.exec(String(handler)) ?? [];
    const source = join(root, `${file}.ts`);
    if (!existsSync(source)) addError(`${String(functionID)}: ${file}.ts does not exist`);
    else if (!new RegExp(`^export const ${name}\\b`, 'm').test(readFileSync(source, 'utf8'))) {
      addError(`${String(functionID)}: ${file}.ts does not export ${name}`);
    }
    writeFileSync(join(out, 'bundle.mjs'), `export const ${name} = async () => {};\n`);
    return { handler: `bundle.${name}`, out, errors: [], sourcemaps: [] };
  },
};

/** @returns the address */
async function startRpc(): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(answer(Buffer.concat(chunks).toString())));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(body: string): object {
  const { method, params } = JSON.parse(body) as { method: string; params: [Values] };
  const handler = RPC[method];
  // The platform recognizes an unknown method by this text.
  return handler === undefined ? { error: `rpc: can't find method ${method}` } : { result: handler(params[0]) };
}

/** Records each resource with details that Pulumi's mocks omit. Rejects duplicate URNs as the engine does. */
function recordResources(app: App): void {
  const { MockMonitor } = load('@pulumi/pulumi/runtime/mocks') as { MockMonitor: { prototype: Monitor } };
  const { deserializeProperties } = load('@pulumi/pulumi/runtime/rpc') as {
    deserializeProperties(properties: unknown): unknown;
  };
  const monitor = MockMonitor.prototype;
  monitor.newUrn = (parent, type, name) => {
    const above = parent.split('::')[2];
    const qualified = above === undefined || above === 'pulumi:pulumi:Stack' ? type : `${above}$${type}`;
    return `urn:pulumi:${stage}::${app.name}::${qualified}::${name}`;
  };
  const register = monitor.registerResource;
  monitor.registerResource = function (this: Monitor, request, done) {
    const [type, name, parent] = [request.getType(), request.getName(), request.getParent()];
    const urn = this.newUrn(parent, type, name);
    if (resources.has(urn)) addError(`Duplicate resource URN '${urn}'; try giving it a unique name`);
    const read = (properties: unknown) => plainValue(deserializeProperties(properties)) as Values;
    const recorded: RecordedResource = {
      urn,
      type,
      name,
      parent: parent === '' ? null : parent,
      inputs: read(request['getObject']?.()),
      outputs: {},
      secretInputs: secretPaths(deserializeProperties(request['getObject']?.())),
      retainOnDelete: request['getRetainondelete']?.() === true,
      deleteTimeout: deleteTimeout(request['getCustomtimeouts']?.()),
    };
    resources.set(urn, recorded);
    return register.call(this, request, (error, response) => {
      if (error === null || error === undefined) {
        recorded.outputs = { ...read(response.getObject()), id: response.getId() };
      }
      done(error, response);
    });
  };
}

const deleteTimeout = (timeouts: unknown): string | null =>
  (timeouts as { getDelete(): string } | undefined)?.getDelete() || null;

/** Markers with which Pulumi serializes secrets, resources, assets, and outputs. */
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';
const isSecret = (value: object): value is { value: unknown } => (value as Values)[SIGNATURE] === SECRET;

function plainValue(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? undefined : value;
  if (Array.isArray(value)) return value.map(plainValue);
  if (isSecret(value)) return plainValue(value.value);
  if ('__pulumiAsset' in value || '__pulumiArchive' in value || '__pulumiResource' in value) return '<object>';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

function secretPaths(value: unknown, path = ''): string[] {
  if (value === null || typeof value !== 'object') return [];
  if (isSecret(value)) return [path];
  if ('__pulumiAsset' in value || '__pulumiArchive' in value || '__pulumiResource' in value) return [];
  return Object.entries(value).flatMap(([key, inner]) => secretPaths(inner, path === '' ? key : `${path}.${key}`));
}

/** Uses plain values, because the mocks cannot read names and ARNs of resources with secret inputs. */
const mocks: Mocks = {
  newResource: ({ type, name, inputs }) => createdResource(type, name, plainValue(inputs) as Values),
  call: ({ token, inputs }) => calledFunction(token, inputs),
};

async function run(): Promise<void> {
  const app = await readApp();
  const region = app.providers?.aws?.region ?? REGION;
  answerAs(region);
  const server = await startRpc();
  Object.assign(process.env, { SST_SERVER: server, SST_AWS_REGION: region, AWS_REGION: region, SST_SECRETS: '{}' });
  Object.assign(process.env, { SST_AWS_ACCESS_KEY_ID: 'mock', SST_AWS_SECRET_ACCESS_KEY: 'mock' });
  const pulumi = load('@pulumi/pulumi') as Pulumi;
  await pulumi.runtime.setMocks(mocks, app.name, stage, false, 'organization');
  pulumi.runtime.setAllConfig({ 'aws:region': region });
  recordResources(app);
  const outfile = join(work, 'run.mjs');
  const components = join(platform, 'src/components');
  const cli = {
    command: 'deploy',
    dev: false,
    paths: { home: work, root: project, work, platform },
    state: { version: {} },
  };
  await bundleConfig({
    platform,
    root,
    outfile,
    globals: `import * as aws from '@pulumi/aws'; import * as sst from ${JSON.stringify(components)};`,
    inject: [join(platform, 'src/shim/run.js')],
    define: { $app: JSON.stringify(app), $cli: JSON.stringify(cli), $dev: 'false' },
    code: `import { run } from ${JSON.stringify(join(platform, 'src/auto/run.ts'))};
      import config from ${JSON.stringify(join(root, 'sst.config.ts'))};
      export const main = () => run(config.run);`,
  });
  const { main } = (await import(pathToFileURL(outfile).href)) as { main(): Promise<unknown> };
  await pulumi.runtime.runInPulumiStack(main);
  await pulumi.runtime.waitForRPCs();
}

// Outputs settle after `run` has returned. The process exits when all have settled.
process.once('beforeExit', () => {
  const output: WorkerOutput = { errors, resources: [...resources.values()] };
  writeFileSync(join(work, 'output.json'), JSON.stringify(output));
  process.exit(0);
});
await run().catch(addError);
