import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withoutFences } from './doc-paths.ts';
import { isOneOf, projectFiles } from './files.ts';

/** Matches commands that run a package by its name and download it if needed. */
const RUNNER = /\b(?:npx|bunx|npm (?:exec|x)|pnpm dlx|pnpx|yarn dlx)(?: +-\S+)*(?: +--)? +([^\s`"']+)/;

/** Matches commands that install a package or pull an image: each word after them can be its name. */
const INSTALLER =
  /\b(?:(?:npm|pnpm|yarn|bun) (?:global )?(?:install|i|add|create|init)|(?:docker|podman|nerdctl) (?:run|pull|create)|pip3? install|brew install|helm (?:install|pull)|go install|apt(?:-get)? install)\b([^|;&#]*)/;

/** Matches the image, the repository of images, or the action that a field or an option names. */
const REFERENCE =
  /(?:\b(?:image|repository|newName|uses)["']?: *|--image[= ]|\bimage\.repository=|^ *FROM )["']?([^\s"',}]+)/;

/** What people copy from or run: documents, examples, and what they install. */
export const COPIED = ['**/*.{md,yaml,yml,sh}', 'examples/**', 'deploy/**'];

/** Records of the past. */
export const NOT_COPIED = ['docs/adr/**', 'CHANGELOG.md'];

const isCopied = (file: string): boolean => isOneOf(file, COPIED) && !isOneOf(file, NOT_COPIED);

/** Returns whether a word is the name of the product in a public registry, with or without a version. */
const isPublicName = (word: string): boolean => /^(?:docker\.io\/)?(?:library\/)?@?firebreak(?:[@:/]\S*)?$/.test(word);

/**
 * Returns lines that get `firebreak` from a public registry: a package runner, an installation, or an image without a
 * registry. The package of that name is not ours: the command would run foreign code, in CI with the credentials of the
 * job. The prose of documents may name such a command beside the word "clone", to warn of it; code that is copied never.
 * Also returns lines that run the project's own tools without scripts/bootstrap.mjs, on whatever Node the machine has.
 */
export function packageRunnerProblems(root: string): string[] {
  return projectFiles(root)
    .filter(isCopied)
    .flatMap((file) => {
      const lines = readFileSync(join(root, file), 'utf8').split('\n');
      const prose = file.endsWith('.md') ? withoutFences(lines) : [];
      return lines.flatMap((line, index) => {
        const warns = /\bclone\b/.test(prose[index] ?? '');
        return problemsOf(line, warns).map((problem) => `${file}:${index + 1}: ${problem}`);
      });
    });
}

function problemsOf(line: string, warns: boolean): string[] {
  const [found = '', name = ''] = RUNNER.exec(line) ?? [];
  if (/^(sst|node)$/.test(name)) return [`"${found}" runs on the Node of the machine: use npm run`];
  if (isPublicName(name)) return warns ? [] : [`"${found}" runs a package that is not ours outside a clone`];
  const [reference = '', named = ''] = REFERENCE.exec(line) ?? [];
  if (isPublicName(named) && !warns) return [`"${reference}" names something that is not ours`];
  const [command = '', words = ''] = INSTALLER.exec(line) ?? [];
  const all = words.split(/[\s`"']+/).filter(Boolean);
  // The first word is what the release is called in the cluster, the second one is the chart, and a namespace can follow.
  const names = /\bhelm install\b/.test(command) ? all.slice(1, 2) : all;
  if (warns || !names.some(isPublicName)) return [];
  return [`"${command.trim()}" gets something that is not ours`];
}
