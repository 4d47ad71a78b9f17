import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VENDOR_CONNECTIONS } from '../../domain/catalogue/vendors.ts';

/* docs/reference/sandbox.md lists the vendors as the code has them. */

const code = (text: string): string => `\`${text}\``;

test('the table of vendors matches the code', () => {
  const rows = VENDOR_CONNECTIONS.map(({ name, url, publicUrl, credentials, also = [] }) =>
    [
      name,
      code(url),
      publicUrl === null ? 'none' : code(publicUrl),
      credentials.map((all) => all.map(code).join(' and ')).join(', or ') || 'none',
      also.map(code).join(', '),
    ].join(' | '),
  );
  const text = readFileSync(new URL('../../docs/reference/sandbox.md', import.meta.url), 'utf8');
  const table = /\| connection \|.*\n\|---.*\n((?:\|.*\n)+)/.exec(text)?.[1] ?? '';
  expect(table.trimEnd().split('\n')).toEqual(rows.map((row) => `| ${row} |`.replace('|  |', '| |')));
});
