import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foldersOf } from '../tree.mjs';

/** Types that `sst install` writes next to the platform for this project's providers. */
const CONFIG_TYPES = `
import './src/global.d.ts';
import type { AppInput, App, Config } from './src/config';
import * as _aws from '@pulumi/aws';

declare global {
  // @ts-expect-error -- an import alias in a global declaration
  export import aws = _aws;
  export const $config: (
    input: Omit<Config, 'app'> & { app(input: AppInput): Promise<App> | App },
  ) => Config;
}
`;

/** What the configuration imports, directly or indirectly. */
const LINKED = ['sst.config.ts', ...foldersOf('product'), 'node_modules', 'package.json'];

/**
 * Type-checks `sst.config.ts` and `platforms/aws/infra/` with SST's and Pulumi's own types, which also describe the
 * arguments of resources; `npm run check` uses those of `platforms/aws/infra/sst.d.ts`. Ignores errors inside the
 * platform, which is written for another compiler version.
 *
 * @returns the compiler's messages
 */
export function typeProblems(root: string, platform: string): string[] {
  writeFileSync(join(platform, 'config.d.ts'), CONFIG_TYPES);
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-platform-types-'));
  try {
    for (const name of LINKED) symlinkSync(join(root, name), join(folder, name));
    mkdirSync(join(folder, '.sst'));
    symlinkSync(platform, join(folder, '.sst/platform'));
    const compilerOptions = {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2025', 'dom'],
      types: [],
      preserveSymlinks: true,
      // SST's own types do not distinguish a missing property from an undefined one.
      exactOptionalPropertyTypes: false,
    };
    const settings = { extends: join(root, 'tsconfig.json'), compilerOptions, include: [], exclude: [] };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ ...settings, files: ['.sst/platform/config.d.ts', 'sst.config.ts'] }),
    );
    const tsc = join(root, 'node_modules/.bin/tsc');
    const { error, stdout } = spawnSync(tsc, ['--project', folder, '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    if (error) throw error;
    return diagnostics(stdout).filter((text) => !text.startsWith('.sst/platform/'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Splits output into messages with their indented continuation lines. */
function diagnostics(output: string): string[] {
  const all: string[] = [];
  for (const line of output.split('\n').filter((one) => one !== '')) {
    if (line.startsWith(' ') && all.length > 0) all.push(`${all.pop()}\n      ${line}`);
    else all.push(line);
  }
  return all;
}
