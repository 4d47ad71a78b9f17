import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file with the version in it, and its new content. */
export type Edit = { file: string; content: string };

/** Matches a version that can be released: `1.2.3`, or `1.2.3-rc.1`. */
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-rc\.[1-9]\d*)?$/;

type Manifest = { version: string };
type Lock = Manifest & { packages: Record<string, { version?: string }> };

const json = <T>(root: string, file: string): T => JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
const edit = (file: string, value: object): Edit => ({ file, content: `${JSON.stringify(value, null, 2)}\n` });

/** Returns the version in package.json. */
export const currentVersion = (root: string): string => json<Manifest>(root, 'package.json').version;

/** Returns why `next` cannot follow `current`, or undefined. */
export function versionProblem(current: string, next: string): string | undefined {
  if (!VERSION.test(next)) return `"${next}" is not a version: use MAJOR.MINOR.PATCH, or MAJOR.MINOR.PATCH-rc.N`;
  if (compare(next, current) <= 0) return `${next} is not newer than ${current}`;
  return undefined;
}

/** Compares two versions as Semantic Versioning orders them: a release candidate is older than its release. */
function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => {
    const [numbers = '', candidate] = version.split('-rc.');
    return [...numbers.split('.').map(Number), candidate === undefined ? Infinity : Number(candidate)];
  }) as [number[], number[]];
  const index = left.findIndex((part, at) => part !== right[at]);
  return index === -1 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
}

/** Returns all files that state the version of the product, with the new one. */
export function versionEdits(root: string, version: string): Edit[] {
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  const manifests = ['package.json', ...packages.map((folder) => `${folder}/package.json`)];
  const lock = json<Lock>(root, 'package-lock.json');
  for (const own of ['', ...packages]) {
    const entry = lock.packages[own];
    if (entry) entry.version = version;
  }
  return [
    ...manifests.map((file) => edit(file, { ...json<Manifest>(root, file), version })),
    edit('package-lock.json', { ...lock, version }),
    ...textEdits(root, version),
  ];
}

/** What a person installs, with the version in its text: the chart, what it renders, and the page with its commands. */
const TEXTS = ['deploy/chart/Chart.yaml', 'docs/how-to/kubernetes-install.md'];
const RENDERED = 'deploy/kubernetes';

/**
 * Matches the version in these texts. A chart has one of its own in Helm; ours is released with the product, so both are
 * equal.
 */
const STATED =
  /(?<=^(?:version|appVersion): ['"]?|app\.kubernetes\.io\/version: ['"]|\/firebreak:)\d+\.\d+\.\d+(?:-rc\.\d+)?/gm;

function textEdits(root: string, version: string): Edit[] {
  const rendered = existsSync(join(root, RENDERED)) ? readdirSync(join(root, RENDERED)) : [];
  return [...TEXTS, ...rendered.map((name) => `${RENDERED}/${name}`)]
    .filter((file) => existsSync(join(root, file)))
    .map((file) => ({ file, content: readFileSync(join(root, file), 'utf8').replaceAll(STATED, version) }));
}
