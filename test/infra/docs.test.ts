import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PublishedConfig } from '../../aws/config-source.ts';

const ROOT = join(import.meta.dirname, '../..');

test('the publishing command in docs/how-to/aws.md produces what the functions read', () => {
  const [, code = ''] = /--eval '([^']+)'/.exec(readFileSync(join(ROOT, 'docs/how-to/aws.md'), 'utf8')) ?? [];
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const { config, problems } = PublishedConfig.parse(JSON.parse(output));
  expect(problems).toEqual([]);
  expect(config.version).toMatch(/^[0-9a-f]{16}$/);
  expect(Object.keys(config.services)).not.toEqual([]);
  expect(config.runbooks.runbooks).not.toEqual([]);
});
