import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BuildOptions, Metafile } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '..');

/** The options with which SST bundles a Lambda function. Some packages still call `require`, so it has this banner. */
export const BUNDLE = {
  absWorkingDir: ROOT,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  minify: true,
  keepNames: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: {
    js: `import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from 'url';
const __filename = topLevelFileUrlToPath(import.meta.url);
const __dirname = topLevelFileUrlToPath(new topLevelURL('.', import.meta.url));`,
  },
} satisfies BuildOptions;

/** Returns the imports on demand that take names of a CommonJS module: esbuild gives them only its default. */
export const namedImports = ({ inputs }: Metafile): string[] =>
  Object.entries(inputs).flatMap(([file, { imports }]) => {
    const onDemand = imports.filter(({ kind, path }) => kind === 'dynamic-import' && inputs[path]?.format === 'cjs');
    const text = onDemand.length > 0 ? readFileSync(join(ROOT, file), 'utf8') : '';
    return [...new Set(onDemand.map(({ original = '' }) => original))].flatMap((module) => {
      const call = `import\\(\\s*['"]${RegExp.escape(module)}['"]`;
      const count = (pattern: string): number => [...text.matchAll(new RegExp(pattern, 'g'))].length;
      const isRight = count(`\\{ default: \\w+ \\} = await ${call}`) === Math.max(1, count(call));
      return isRight ? [] : [`${file}: import('${module}')`];
    });
  });
