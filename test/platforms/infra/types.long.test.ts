import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const FOLDER = 'platforms/aws/infra';
const INFRA = readdirSync(join(ROOT, FOLDER)).filter((file) => file.endsWith('.ts'));
const FILES = ['sst.config.ts', ...INFRA.map((file) => `${FOLDER}/${file}`)];

/**
 * SST's own types are installed by `npx sst install` from the network. These replacements accept anything, so the rest
 * is checked against the product's own numbers and names.
 */
test('the description of the deployment type-checks against the product', () => {
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-types-'));
  try {
    const code = FILES.map((file) => readFileSync(join(ROOT, file), 'utf8')).join('\n');
    writeFileSync(
      join(folder, 'globals.d.ts'),
      [GLOBALS, ...standIns('sst', code), ...standIns('aws', code)].join('\n'),
    );
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.json'),
        compilerOptions: {
          typeRoots: [join(ROOT, 'node_modules/@types')],
          noUnusedLocals: true,
          noUnusedParameters: true,
        },
        include: [],
        exclude: [],
        files: [join(folder, 'globals.d.ts'), ...FILES.map((file) => join(ROOT, file))],
      }),
    );
    const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['--project', folder, '--pretty', 'false'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const problems = stdout.split('\n').filter((line) => line !== '' && !line.includes('.sst/platform/config.d.ts'));
    expect(problems).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const GLOBALS = `
declare namespace $util {
  type Input<T> = T | Output<T>;
  interface Output<T> { apply<U>(use: (value: T) => U): Output<U> }
  function output<T>(value: T): Output<T>;
  interface CustomResourceOptions { customTimeouts?: { create?: string; update?: string; delete?: string } }
  function all<T>(values: readonly Output<T>[]): Output<T[]>;
  function secret<T>(value: T): Output<T>;
  function jsonStringify(value: unknown): Output<string>;
}
declare const $app: { readonly name: string; readonly stage: string; readonly protect: boolean };
declare function $interpolate(parts: TemplateStringsArray, ...values: $util.Input<string>[]): $util.Output<string>;
declare function $config<T extends { app(input: { stage: string }): object; run(): Promise<object> }>(config: T): T;
`;

/** Declares everything that the code uses below `root`: capitalized names as classes, others as functions. */
function standIns(root: string, code: string): string[] {
  const names = new Set(code.match(new RegExp(`\\b${root}(\\.\\w+)+`, 'g')));
  return [...names].map((path) => {
    const parts = path.split('.');
    const name = parts.pop() ?? '';
    const declared = /^[A-Z]/.test(name)
      ? `class ${name} { constructor(name: string, args?: any); [member: string]: any }`
      : `function ${name}(): any;`;
    return `declare namespace ${parts.join('.')} { ${declared} }`;
  });
}
