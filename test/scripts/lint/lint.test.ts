import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Rule } from '@oxlint/plugins';
import { RuleTester } from 'oxlint/plugins-dev';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import plugin from '../../../scripts/lint/plugin.mjs';

RuleTester.describe = describe;
RuleTester.it = it;
const tester = new RuleTester({ languageOptions: { parserOptions: { lang: 'ts' } }, cwd: '/project' });

/** Names of cases are the code itself, so a failure shows what was judged wrongly. */
function check(name: string, valid: RuleTester.TestCases['valid'], invalid: RuleTester.TestCases['invalid']): void {
  const rule: Rule | undefined = plugin.rules[name];
  if (!rule) throw new Error(`the plugin has no rule ${name}`);
  tester.run(name, rule, { valid, invalid });
}

const at = (filename: string, code: string) => ({ filename: `/project/${filename}`, code });
const bad = (code: string, message: RegExp | string, times = 1) => ({
  code,
  errors: Array.from({ length: times }, () => ({ message })),
});
const badAt = (filename: string, code: string, message: RegExp) => ({ ...at(filename, code), errors: [{ message }] });

check(
  'import-direction',
  [
    at('schemas/signal.ts', `import { z } from 'zod'; import { Name } from './names.ts';`),
    at('schemas/sources/grafana.ts', `import { Signal } from '../signal.ts';`),
    at(
      'core/domain/rollback/rollback.ts',
      `import type { Change } from '../../../schemas/change.ts'; import './suspects.ts';`,
    ),
    at(
      'vendors/pagerduty/pager.ts',
      `import { createHash } from 'node:crypto'; import '../../core/domain/ports/paging.ts';`,
    ),
    at('workflows/incident-response.ts', `import type { DurableContext } from '@aws/durable-execution-sdk-js';`),
    at('functions/assembly/deps/paging.ts', `import { pagerDuty } from '../../../vendors/pagerduty/pager.ts';`),
    at('functions/route.ts', `import { deps } from './assembly/deps.ts'; import '../workflows/incident-response.ts';`),
    at('local/main.ts', `import '../functions/route.ts'; import './front/front.ts';`),
    at('local/main.ts', `import manifest from '../package.json' with { type: 'json' };`),
    at('test/local/main.test.ts', `import '../../local/main.ts';`),
    at('packages/sandbox/test/core/sandbox.test.ts', `import '../../../../local/main.ts';`),
    at('schemas/access/access.ts', `import { FEATURE_ACTIONS } from '../../features/names.ts';`),
    at('entrances/http/features.ts', `import { FEATURES } from '../../features/index.ts';`),
    at('features/index.ts', `import { canary } from './canary/feature.ts';`),
    at('features/names.ts', `import { names } from './canary/names.ts';`),
    at(
      'features/canary/routes.ts',
      `import '../../entrances/http/endpoint.ts'; import './store.ts'; import '../manifest.ts';`,
    ),
    at(
      'features/canary/decisions/judge.ts',
      `import * as z from 'zod'; import '../canary.ts'; import '../../../core/domain/changes/x.ts';`,
    ),
    at('features/canary/test/store.test.ts', `import '../store.ts'; import '../../../test/core/stores/stores.ts';`),
    at('vendors/targets.ts', `import { aws } from './aws/schema.ts'; const load = () => import('./aws/target.ts');`),
    at('schemas/rollback/targets.ts', `import { ROLLBACK_TARGETS } from '../../vendors/targets.ts';`),
    at('vendors/aws/ecs.ts', `import type { EcsDeployer } from './schema.ts';`),
    at('vitest.config.ts', `import { stopWithParent } from './local/parent.ts';`),
  ],
  [
    badAt(
      'schemas/signal.ts',
      `import { decide } from '../core/domain/rollback/rollback.ts';`,
      /may not import core\/domain\//,
    ),
    badAt('schemas/signal.ts', `import { createHash } from 'node:crypto';`, /pure.*node:crypto/),
    badAt('schemas/signal.ts', `import YAML from 'yaml';`, /no package but zod and .*, not yaml/),
    badAt(
      'core/domain/rollback/rollback.ts',
      `import type { Table } from '../../stores/table.ts';`,
      /may not import core\/stores\//,
    ),
    badAt(
      'core/domain/rollback/rollback.ts',
      `type T = import('../../stores/table.ts').Table;`,
      /may not import core\/stores\//,
    ),
    badAt('core/domain/rollback/rollback.ts', `export { Hono } from 'hono/tiny';`, /not hono\/tiny/),
    badAt('vendors/pagerduty/pager.ts', `import '../../platforms/queues.ts';`, /may not import platforms\//),
    badAt(
      'vendors/gitlab/receive.ts',
      `import '../../core/actions/alerts/enqueue.ts';`,
      /may not import core\/actions\//,
    ),
    badAt('vendors/gitlab/merge.ts', `import '../../core/actions/changes/forge-event.ts';`, /core\/actions\//),
    badAt('core/stores/queues/signals.ts', `import '../../../vendors/pagerduty/pager.ts';`, /may not import vendors\//),
    badAt('workflows/incident-response.ts', `import '../vendors/pagerduty/pager.ts';`, /vendors\//),
    badAt(
      'workflows/steps/page.ts',
      `export * from '../../functions/assembly/deps.ts';`,
      /may not import functions\/assembly\//,
    ),
    badAt('workflows/steps/page.ts', `const name = 'zod'; await import(name);`, /named literally/),
    badAt(
      'core/actions/incidents/acknowledge.ts',
      `import '../../../entrances/http/problem.ts';`,
      /may not import entrances\/http\//,
    ),
    badAt(
      'core/actions/incidents/acknowledge.ts',
      `import '../../../vendors/github/rest.ts';`,
      /may not import vendors\//,
    ),
    badAt('vendors/github/receive.ts', `import '../../entrances/http/problem.ts';`, /may not import entrances\/http\//),
    badAt('core/jobs/sweep/sweep.ts', `import '../../../entrances/http/app.ts';`, /may not import entrances\/http\//),
    badAt('entrances/http/app.ts', `import '../console/layout.ts';`, /may not import entrances\/console\//),
    badAt('core/projectors/tickets.ts', `import '../actions/incidents/resolve.ts';`, /may not import core\/actions\//),
    badAt('packages/sandbox/slack/slack.ts', `import '../../../local/main.ts';`, /may not import local\//),
    badAt(
      'entrances/http/app.ts',
      `import '../../packages/sandbox/core/index.ts';`,
      /may not import packages\/sandbox\//,
    ),
    badAt(
      'entrances/cli/main.ts',
      `import '../../functions/assembly/deps.ts';`,
      /may not import functions\/assembly\//,
    ),
    badAt('functions/ingest.ts', `import { start } from '../local/main.ts';`, /may not import local\//),
    badAt(
      'packages/demo/stage.ts',
      `import { parse } from '../../core/domain/messages/markdown.ts';`,
      /may not import core\/domain\//,
    ),
    badAt('packages/lab/run.ts', `const { start } = await import('../../local/main.ts');`, /may not import local\//),
    badAt(
      'entrances/http/app.ts',
      `import { routes } from '../../features/canary/routes.ts';`,
      /may not import features\/canary\//,
    ),
    badAt('schemas/config.ts', `import '../features/canary/canary.ts';`, /may not import features\/canary\//),
    badAt('features/index.ts', `import '../features/canary/routes.ts';`, /may not import features\/canary\//),
    badAt('features/digests/jobs.ts', `import '../canary/store.ts';`, /may not import features\/canary\//),
    badAt(
      'features/canary/routes.ts',
      `import '../../functions/assembly/deps.ts';`,
      /may not import functions\/assembly\//,
    ),
    badAt('features/canary/decisions/judge.ts', `import 'node:crypto';`, /pure.*node:crypto/),
    badAt(
      'features/canary/decisions/judge.ts',
      `import '../../../core/stores/table.ts';`,
      /may not import core\/stores\//,
    ),
    badAt(
      'test/entrances/http/app.test.ts',
      `import '../../../features/canary/routes.ts';`,
      /may not import features\/canary\//,
    ),
    badAt('vendors/targets.ts', `import { clients } from './aws/target.ts';`, /may not import vendors\//),
    badAt('vendors/targets.ts', `const load = () => import('./aws/ecs.ts');`, /may not import vendors\//),
    badAt('vendors/aws/schema.ts', `import './ecs.ts';`, /may not import vendors\//),
    badAt('schemas/config/config.ts', `import '../../vendors/aws/schema.ts';`, /may not import vendors\/schemas\//),
    badAt('local/main.ts', `import { fixture } from '../test/fixture.ts';`, /may not import test\//),
  ],
);

check(
  'pure',
  [
    `export const later = (at: number, seconds: number): number => at + seconds * 1000;`,
    `export function f(fetch: () => string, process: { env: string }) { return fetch() + process.env; }`,
    `type At = Date; export const size = (at: At, x: typeof fetch) => [at, x].length;`,
    `export const smallest = Math.min(1, 2); export const name = { console: 1, Date: 2 }.console;`,
    { code: `new Date(millis).toISOString(); Date.parse(text); Date.UTC(2026, 1);`, options: [{ dates: true }] },
  ],
  [
    bad(`const now = Date.now();`, /not pure: Date;.*schemas\/time\/time\.ts/),
    bad(`const at = new Date(millis);`, /Date/),
    bad(`const clock = Date;`, /Date/),
    bad(`const now = (Date as { now(): number }).now();`, /Date/),
    bad(`const roll = Math.random();`, /Math\.random/),
    bad(`const began = performance.now();`, /performance/),
    bad(`const id = crypto.randomUUID();`, /crypto/),
    bad(`const mode = process.env.MODE;`, /process/),
    bad(`await fetch('http://x');`, /fetch.*core\/domain\/ports/),
    bad(`setTimeout(() => {}, 1); setInterval(() => {}, 1); setImmediate(() => {});`, /durable engine/, 3),
    bad(`console.log('x');`, /console.*Log/),
    bad(`globalThis.Date.now();`, /globalThis/),
    { ...bad(`const now = Date.now();`, /Date/), options: [{ dates: true }] },
    { ...bad(`const now = new Date();`, /Date/), options: [{ dates: true }] },
    { ...bad(`const at = new Date(...parts);`, /Date/), options: [{ dates: true }] },
  ],
);

check(
  'aws-client-limits',
  [
    `import { S3Client } from '@aws-sdk/client-s3'; awsClient(S3Client, SHARED_LIMITS);`,
    `import { ECSClient } from '@aws-sdk/client-ecs'; const at = cachedByAccess((settings) => new ECSClient(settings));`,
    `import { GetObjectCommand } from '@aws-sdk/client-s3'; new GetObjectCommand({});`,
    `import { WebClient } from '@slack/web-api'; new WebClient(token);`,
  ],
  [
    bad(`import { S3Client } from '@aws-sdk/client-s3'; new S3Client({});`, /platforms\/aws\/client\.ts/),
    bad(
      `import { S3Client as Bucket } from '@aws-sdk/client-s3'; new Bucket(awsLimits);`,
      /platforms\/aws\/client\.ts/,
    ),
    bad(`import * as s3 from '@aws-sdk/client-s3'; new s3.S3Client();`, /platforms\/aws\/client\.ts/),
    bad(
      `import { ECSClient } from '@aws-sdk/client-ecs'; cachedByAccess(() => new ECSClient({}));`,
      /platforms\/aws\/client\.ts/,
    ),
    bad(
      `import { ECSClient } from '@aws-sdk/client-ecs'; cachedByAccess((settings) => new ECSClient({ ...settings, requestHandler }));`,
      /platforms\/aws\/client\.ts/,
    ),
  ],
);

check(
  'no-environment',
  [
    `export const pager = (url: string) => url;`,
    `const context = { env: { a: 1 } }; context.env.a; process.exit(1);`,
    `import { argv } from 'node:process';`,
  ],
  [
    bad(`const mode = process.env.MODE ?? 'act';`, /passed in as arguments/),
    bad(`const mode = process['env'];`, /passed in/),
    bad(`const { env } = process;`, /passed in/),
    bad(`import { argv, env } from 'node:process';`, /passed in/),
  ],
);

/** In a workflow, beside a run. */
const beside = (code: string) => `async (run: Run, deps: Deps) => { ${code} };`;

check(
  'deps-in-steps',
  [
    beside(`const found = await run.step('find', () => deps.changes.recent(place));`),
    beside(`await run.effect('page', (key) => deps.pager.send({ key }));`),
    beside(`await run.effect('page', { act: async (key) => { await deps.pager.send({ key }); } });`),
    beside(`await run.step('one', async () => { const { log } = deps; log.info('x'); });`),
    beside(`await run.step('judge', () => judge(deps, id));`),
    beside(`await close(run, id, deps); await run.childContext('page', (b) => page(b, { id }, deps));`),
    beside(`await run.childContext('page', (b) => b.effect('page', (key) => deps.pager.send({ key })));`),
    beside(`return follow(run.withLogFields({ id }), deps, new Branches(run, deps));`),
    `class Branches { #deps; constructor(run: Run, deps: Deps) { this.#deps = deps; } }`,
    `class Branches { #deps; #run; start() { this.#run.childContext('page', (b) => page(b, this.#deps)); } }`,
    // Handed no run, it is what a step does.
    `async function judge(deps: Deps, id: string) { return [await deps.changes.get(id), await guard(deps)]; }`,
    `async function wake({ incidents, engine }: Pick<Deps, 'incidents' | 'engine'>) { return incidents.read(engine); }`,
  ],
  [
    bad(beside(`const found = await deps.changes.recent(place);`), /outside a step/),
    bad(beside(`await run.step('find', deps.changes.recent);`), /outside a step/),
    bad(beside(`await run.childContext('page', (b) => deps.pager.send({}));`), /outside a step/),
    bad(beside(`const { pager } = deps;`), /outside a step/),
    bad(`class Branches { #deps; start(run: Run) { return this.#deps.pager.send({}); } }`, /outside a step/),
    bad(beside(`const ports = deps; other = deps;`), /outside a step/, 2),
    bad(beside(`await judge(deps, id);`), /outside a step/),
    bad(beside(`await judge({ run, deps });`), /outside a step/),
    bad(`async (run: Run, input: Input) => { await input.deps.clock.now(); };`, /outside a step/),
    bad(`async ({ run, deps }: Context) => { await deps.clock.now(); };`, /outside a step/),
    bad(`async (b: Run, deps: Deps) => { await deps.clock.now(); };`, /outside a step/),
    bad(`function page(run: Run, { pager }: Deps) { return pager; }`, /one parameter named deps/),
    bad(`const page = (run: Run, ports: Pick<Deps, 'pager'>) => ports;`, /one parameter named deps/),
  ],
);

check(
  'no-nested-operations',
  [
    `const a = await run.step('a', () => 1); const b = await run.step('b', () => a + 1);`,
    `await run.childContext('page', async (b) => { await b.step('one', () => 1); await b.waitFor('x'); });`,
    `await run.step('list', () => [1, 2].map((n) => n + 1));`,
    `await run.childContext('page', (run) => run.step('own context of the same name', () => 1));`,
    `await run.step('named', () => describe(run.id));`,
  ],
  [
    bad(`await run.step('a', () => run.step('b', () => 1));`, /^step\(…\) inside step\(…\)/),
    bad(`await run.step('a', async () => { await run.waitFor('approval'); });`, /^waitFor\(…\) inside step/),
    bad(`await run.effect('a', { act: () => run.step('b', () => 1) });`, /^step\(…\) inside effect/),
    bad(`await run.childContext('x', (b) => b.step('a', () => run.map('m', [])));`, /^map\(…\) inside step/),
    bad(`await run.step('a', () => context.step('b', () => 1));`, /^step\(…\) inside step/),
    bad(`await run.childContext('x', (b) => run.step('a', () => 1));`, /of the outer run inside childContext/),
    bad(`await run.step('a', () => helper(run, 1));`, /run is handed on inside step/),
    bad(`await run.step('a', async () => { await callback.settled(); });`, /^settled\(…\) inside step/),
    bad(`await run.childContext('x', (b) => helper(run));`, /run is handed on inside childContext/),
  ],
);

check(
  'no-outer-state',
  [
    `await run.step('a', () => { let sum = 0; for (const n of [1, 2]) sum += n; return sum; });`,
    `let round = 0; for (;;) { round += 1; await run.step('a', () => 1); }`,
    `let round = 0; for (;;) { round += 1; const now = round; await run.step('a', () => now); }`,
    `let never = 1; await run.step('a', () => never);`,
    `await run.step('a', (counter: { n: number }) => { counter.n += 1; });`,
    `await run.childContext('page', async (b) => { let tries = 0; tries++; await b.step('one', () => 1); });`,
    `for (let n = 0; n < 3; n += 1) await run.step('a', () => n);`,
  ],
  [
    bad(`let found; await run.step('a', async () => { found = await find(); });`, /found lives outside step/),
    bad(`let n = 0; await run.effect('a', () => { n++; });`, /n lives outside effect/),
    bad(`const seen: string[] = []; await run.step('a', () => { seen[0] = 'x'; });`, /seen lives outside/),
    bad(`let a, b; await run.step('a', () => { [a, { b }] = find(); });`, /lives outside/, 2),
    bad(`let n = 0; for (;;) { n += 1; await run.step('a', () => n); }`, /^n changes, and step\(…\) may read it late/),
    bad(`for (let n = 0; n < 3; n += 1) { n += 1; await run.step('a', () => n); }`, /^n changes/),
    bad(
      `let s = { n: 0 }; await run.childContext('a', (b) => other(b, s.n)); s = { n: 1 };`,
      /^s changes, and childContext/,
    ),
    bad(`let n = 0; await run.step('a', () => { [1].forEach(() => { n += 1; }); });`, /n lives outside/),
  ],
);

describe('the configuration puts each rule in force where it belongs', () => {
  const project = resolve(import.meta.dirname, '../../..');
  let folder: string;
  let report: readonly string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firebreak-lint-'));
    await Promise.all(['.oxlintrc.json', 'tsconfig.json'].map((file) => cp(join(project, file), join(folder, file))));
    await Promise.all(['scripts', 'node_modules'].map((name) => symlink(join(project, name), join(folder, name))));
    for (const [file, code] of CASES) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), code);
    }
    report = (await oxlint(folder, ...CASES.map(([file]) => file))).split('\n');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const CASES: readonly [file: string, code: string, rules: readonly string[]][] = [
    ['schemas/a.ts', `export const now = Date.now();`, ['firebreak(pure)']],
    ['schemas/b.ts', `export const at = new Date(0);`, []],
    ['core/domain/x/a.ts', `export const at = new Date(0);`, ['firebreak(pure)']],
    ['core/domain/x/b.ts', `export * from '../../stores/table.ts';`, ['firebreak(import-direction)']],
    [
      'workflows/a.ts',
      `export const f = (run: unknown, deps: { at: number }) => deps.at;`,
      ['firebreak(deps-in-steps)'],
    ],
    ['functions/a.ts', `export const f = (deps: { at: number }) => deps.at;`, []],
    ['functions/b.ts', `export const mode = process.env['MODE'];`, ['firebreak(no-environment)']],
    ['functions/assembly/env.ts', `export const mode = process.env['MODE'];`, ['firebreak(no-environment)']],
    ['local/storage.ts', `export const mode = process.env['MODE'];`, ['firebreak(no-environment)']],
    ['functions/assembly/aws.ts', `export const mode = process.env['MODE'];`, []],
    ['local/run.ts', `export const mode = process.env['MODE'];`, []],
    [
      'platforms/aws/c.ts',
      `export const f = (): void => { Promise.resolve(1); };`,
      ['typescript(no-floating-promises)'],
    ],
    [
      'platforms/aws/d.ts',
      `export const f = (a: any): number => a.b;`,
      ['typescript(no-explicit-any)', 'typescript(no-unsafe-member-access)', 'typescript(no-unsafe-return)'],
    ],
  ];

  test.each(CASES)('%s: %s', (file, _, rules) => {
    const broken = report
      .filter((line) => line.startsWith(`${file}:`))
      .flatMap((line) => /\[Error\/(.+)\]$/.exec(line)?.[1] ?? []);
    expect([...new Set(broken)].toSorted()).toEqual(rules);
  });
});

/** Its report, one problem a line. It ends with 1 when there are any, which is no failure here. */
function oxlint(cwd: string, ...files: string[]): Promise<string> {
  const program = join(cwd, 'node_modules/oxlint/bin/oxlint');
  return new Promise((done, fail) => {
    execFile(process.execPath, [program, '-f', 'unix', ...files], { cwd }, (error, stdout, stderr) => {
      if (error && error.code !== 1) fail(new Error(`oxlint failed: ${stderr}${stdout}`, { cause: error }));
      else done(stdout);
    });
  });
}
