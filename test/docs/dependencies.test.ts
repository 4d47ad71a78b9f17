import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

/* docs/explanation/dependencies.md explains every dependency, and no others. */

const PAGE = new URL('../../docs/explanation/dependencies.md', import.meta.url);

/** Returns the rows of a section's tables, without their headings. */
function rowsOf(heading: string): string[][] {
  const [section = ''] = readFileSync(PAGE, 'utf8').split(`## ${heading}\n`)[1]?.split('\n## ') ?? [];
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

test.each([
  ['At run time', manifest.dependencies, 5],
  ['For development', manifest.devDependencies, 3],
])('%s', (heading, packages, columns) => {
  const rows = rowsOf(heading);
  expect(rows).toHaveLength(Object.keys(packages).length);
  expect(new Set(rows.map(([name]) => name))).toEqual(new Set(Object.keys(packages).map((name) => `\`${name}\``)));
  for (const row of rows) {
    expect(row.filter((cell) => cell !== '')).toHaveLength(columns);
    expect(row.at(-1)).toMatch(/^20\d\d-\d\d$|^before 20\d\d$/);
  }
});
