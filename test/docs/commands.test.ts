import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { projectFiles } from '../../scripts/checks/files.ts';
import { cli } from '../entrances/cli/support.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Words after the name in sentences about the product. */
const NO_COMMAND = new Set(['could not', 'from any', 'or a', 'ready on']);

/** A command in a text, but not a command of Slack, a user, a namespace, or a container of this name, nor the purpose of a key. */
const WRITTEN = /(?<![\w/.-]|-n |-u |exec )firebreak (?!firebreak |[a-z ]+ v\d)([a-z][a-z-]*)((?: [a-z][a-z|-]*)*)/g;

/** Returns the words that can follow each command: of `firebreak` itself all commands, of `incident` `ack` and others. */
async function subcommands(): Promise<Map<string, Set<string>>> {
  const { out } = await cli(['completion', 'fish']);
  const found = new Map<string, Set<string>>();
  for (const [, path = '', word = ''] of out.matchAll(/'__firebreak_at "([^"]*)"' -f -a '([^']*)'/g))
    found.set(path, new Set([...(found.get(path) ?? []), ...word.split(' ')]));
  return found;
}

test('every command that texts of the product and the documents name exists', async () => {
  const commands = await subcommands();
  expect(commands.get('')).toContain('incident');
  const files = projectFiles(ROOT);
  const texts = files.filter(
    (path) =>
      /\.(?:ts|mjs|md|yaml|sh)$/.test(path) && !/(?:^|\/)test\/|^docs\/adr\/|^CHANGELOG\.md$|\.test\.ts$/.test(path),
  );
  const unknown: string[] = [];
  let count = 0;
  for (const path of texts)
    for (const [, first = '', rest = ''] of (await readFile(join(ROOT, path), 'utf8')).matchAll(WRITTEN)) {
      const words = rest.trim().split(' ');
      if (NO_COMMAND.has(`${first} ${words[0] ?? ''}`)) continue;
      count += 1;
      const second = commands.has(first) && rest !== '' ? (words[0]?.split('|') ?? []) : [];
      const known = commands.get(first);
      const isKnown = commands.get('')?.has(first) && second.every((word) => known?.has(word));
      if (isKnown !== true) unknown.push(`${path}: firebreak ${first}${rest}`);
    }
  expect(unknown).toEqual([]);
  expect(count).toBeGreaterThan(100);
});
