import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { pathWithoutProjectPrograms } from '../setup.mjs';
import { readEmbeddedFiles } from './embedded.ts';

/** Time limit: npm resolves about 250 packages with about 290 MB. */
const NPM_MAX_MS = 10 * 60_000;

/** SST's platform code with its packages, ready to run. */
export type Platform = { version: string; folder: string };

/**
 * Installs the platform code of the project's SST version with its npm packages in `node_modules/.cache`. The first run
 * downloads from npm and takes up to a minute.
 *
 * @throws Error if SST is not installed or npm fails
 */
export function installPlatform(root: string, say: (text: string) => void): Platform {
  const manifest = readFileSync(join(root, 'node_modules/sst/package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const folder = join(root, 'node_modules/.cache/sst-platform', version);
  if (existsSync(folder)) return { version, folder };
  mkdirSync(dirname(folder), { recursive: true });
  const temporary = mkdtempSync(`${folder}-`);
  try {
    say(`installing the platform code of SST ${version} and its packages (once, about a minute)`);
    writeFiles(readEmbeddedFiles(executable(root, version, temporary)), temporary);
    npm(['install', '--omit=dev'], temporary);
    // Renamed as the last step, so that an interrupted install is not mistaken for a complete one.
    if (!existsSync(folder)) renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return { version, folder };
}

/** Returns an `sst` executable for Linux: the installed one or, on other systems, a downloaded one. */
function executable(root: string, version: string, temporary: string): string {
  const installed = ['x64', 'arm64'].map((cpu) => join(root, `node_modules/sst-linux-${cpu}/bin/sst`));
  const found = installed.find((path) => existsSync(path));
  if (found !== undefined) return found;
  const download = join(temporary, 'download');
  mkdirSync(download);
  npm(['install', '--os=linux', '--cpu=x64', `sst-linux-x64@${version}`], download);
  return join(download, 'node_modules/sst-linux-x64/bin/sst');
}

function writeFiles(files: ReturnType<typeof readEmbeddedFiles>, folder: string): void {
  for (const { name, data } of files) {
    const path = resolve(folder, name);
    if (!path.startsWith(folder + sep)) throw new Error(`SST's platform has a file outside its folder: ${name}`);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(path, data);
  }
}

/** Runs npm. @throws Error with npm's message */
function npm(args: string[], folder: string): void {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  const { status, error, stderr } = spawnSync('npm', [...args, ...options, '--prefix', folder], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: pathWithoutProjectPrograms() },
    timeout: NPM_MAX_MS,
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${error?.message ?? stderr.slice(-2000)}`);
}
