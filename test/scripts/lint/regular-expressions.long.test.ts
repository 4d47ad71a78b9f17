import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Expression, parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';
import { foldersOf } from '../../../scripts/tree.mjs';
import { slowText } from '../../support/regex-steps.ts';

/*
 * Every regular expression of the product, on texts that repeat its parts: the steps must grow as the text does. One
 * pattern that grows faster stops the process, and with it the pages, for as long as it runs.
 */

const ROOT = join(import.meta.dirname, '../../..');

const FOLDERS = [...foldersOf('product'), 'packages/sandbox'];

/** Patterns that are slow on long texts, and what limits the length of theirs. */
const LIMITED: Readonly<Record<string, string>> = {
  '^.+ \\(token of (.+)\\)$': 'names of tokens have at most 128 characters, with those of their creators',
  '\\B(?=(\\d{3})+$)': 'a number as text has at most 22 characters',
  ',(?![^(]*\\))': 'only a stand-in: the query of an address, which Node limits to 16 KiB with the headers',
};

/** Files that make patterns while they run, and what limits these. */
const MADE: Readonly<Record<string, string>> = {
  'core/domain/catalogue/workloads.ts': 'names of the catalogue, escaped, with a suffix',
  'entrances/console/refused-form.ts': 'own names of fields, in own markup, in which texts of others are escaped',
  'features/postmortems/decisions/lint.ts': 'an escaped name',
  'features/pipelines/decisions/coverage.ts': 'own names of attributes, with one class',
  'features/pipelines/stores/pipeline-tests.ts': 'a number of characters',
  'core/domain/changes/version-identity.ts': 'a name before a pattern that is checked where it is written',
  'core/domain/runbooks/cel/check-expressions.ts': 'a name of an input: word characters',
  'core/domain/monitoring/rates.ts': 'the pattern of a string in PromQL, which is checked where it is written',
  'core/domain/slack/commands/duration.ts': 'own words',
  'features/postmortems/decisions/internal-texts.ts': 'an escaped name',
  'vendors/aws/naming.ts': 'an escaped version',
  'vendors/shared/webhook-signature.ts': 'an own prefix before a number of digits',
  'vendors/prometheus/health-query.ts':
    'an escaped name of a label, before white space that ends with another character',
  'packages/sandbox/argo-cd/image-updater.ts': 'only a stand-in: the annotation of an application',
  'packages/sandbox/aws/codedeploy.ts': 'only a stand-in: an own name',
  'packages/sandbox/core/redact.ts': 'only a stand-in: own names',
  'packages/sandbox/opentelemetry/opentelemetry.ts': 'a number of characters',
  'packages/sandbox/page/emoji.js': 'only a stand-in: own drawings',
  'packages/sandbox/page/slack/mrkdwn.js': 'only a stand-in: own marks',
  'schemas/parsing/re2/characters.ts': 'one character',
};

type Pattern = { file: string; pattern: string; flags: string };

/** Returns the patterns in the source, and the files that make others. */
function patternsInSource(): { written: Pattern[]; making: string[] } {
  const written: Pattern[] = [];
  const making = new Set<string>();
  for (const folder of FOLDERS)
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/\.(?:ts|mjs|js)$/.test(name) || /(?:^|\/)test\//.test(name)) continue;
      const file = `${folder}/${name}`;
      const made = (callee: Expression) => {
        if (callee.type === 'Identifier' && callee.name === 'RegExp') making.add(file);
      };
      new Visitor({
        Literal: (node) => {
          if ('regex' in node) written.push({ file, ...node.regex });
        },
        NewExpression: ({ callee }) => made(callee),
        CallExpression: ({ callee }) => made(callee),
      }).visit(parseSync(file, readFileSync(join(ROOT, file), 'utf8')).program);
    }
  return { written, making: [...making].toSorted() };
}

/** Returns the patterns that these files make when they are loaded. */
function patternsMadeBy(files: readonly string[]): Pattern[] {
  const script = `
    const made = [];
    globalThis.RegExp = new Proxy(RegExp, {
      construct(target, [pattern, flags = '']) {
        if (typeof pattern === 'string') made.push({ file: globalThis.file, pattern, flags });
        return new target(pattern, flags);
      },
    });
    for (const file of ${JSON.stringify(files)}) {
      globalThis.file = file;
      await import(${JSON.stringify(`${ROOT}/`)} + file);
    }
    console.log(JSON.stringify(made));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  return JSON.parse(output) as Pattern[];
}

test('no pattern of the product takes more than linear time, except on texts with a limit', () => {
  const { written, making } = patternsInSource();
  expect(written.length).toBeGreaterThan(900);
  const runnable = making.filter((file) => !file.startsWith('packages/sandbox/page/'));
  const made = patternsMadeBy(runnable);
  const all = new Map([...written, ...made].map((one) => [`/${one.pattern}/${one.flags}`, one]));
  const slow = [...all.values()].flatMap(({ file, pattern, flags }) => {
    const text = slowText(pattern, flags);
    return text === undefined ? [] : [{ file, pattern, text }];
  });
  expect(slow.filter(({ pattern }) => LIMITED[pattern] === undefined)).toEqual([]);
  expect(Object.keys(LIMITED).filter((limited) => !slow.some(({ pattern }) => pattern === limited))).toEqual([]);
  const complete = new Set(made.map(({ file }) => file));
  expect(making.filter((file) => MADE[file] === undefined && !complete.has(file))).toEqual([]);
});

test.each([
  ['^ {0,3}(#{1,6})(?:[ \\t]+(.*?))??(?:[ \\t]+#+)?[ \\t]*$', ''],
  ['(?:\\.git)?\\/*$', ''],
  ['^(?:a|b|ab)*$', ''],
  ['(a+)+$', ''],
  ['^\\s*(.*?)\\s*$', ''],
])('%s is known as slow', (pattern, flags) => {
  expect(slowText(pattern, flags)).toBeDefined();
});

test.each([
  ['^[a-z]+$', ''],
  ['(?<!\\/)\\/+$', ''],
  ['"(?:[^"\\\\]|\\\\[^])*(?:"|\\\\?$)', 'g'],
])('%s is known as linear', (pattern, flags) => {
  expect(slowText(pattern, flags)).toBeUndefined();
});
