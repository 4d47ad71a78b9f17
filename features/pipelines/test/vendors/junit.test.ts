import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { junitCases, TESTS_MAX } from '../../vendors/junit.ts';

const file = (name: string): string =>
  readFileSync(new URL(`../../../../test/fixtures/junit/${name}`, import.meta.url), 'utf8');

describe('files of test runners', () => {
  test('Node: passed, failed, and skipped tests', async () => {
    expect(await junitCases(file('node-attempt-1.xml'))).toEqual([
      { classname: 'cart', name: 'adds an item', outcome: 'passed', flaky: false },
      { classname: 'cart', name: expect.stringContaining('applies a <discount> &'), outcome: 'failed', flaky: false },
      { classname: 'cart', name: 'ships abroad', outcome: 'skipped', flaky: false },
    ]);
  });

  test('Surefire: a test that passed when it was run again is flaky; HTML in an output is text', async () => {
    expect(await junitCases(file('surefire-rerun.xml'))).toEqual([
      { classname: 'com.acme.CheckoutTest', name: 'pays', outcome: 'passed', flaky: false },
      { classname: 'com.acme.CheckoutTest', name: 'reserves', outcome: 'passed', flaky: true },
      { classname: 'com.acme.CheckoutTest', name: 'ships', outcome: 'failed', flaky: false },
    ]);
  });

  test('a test that is reported once per attempt, as by Gradle', async () => {
    const twice = '<testsuite><testcase name="a"><failure/></testcase><testcase name="a"/></testsuite>';
    expect(await junitCases(twice)).toEqual([{ classname: '', name: 'a', outcome: 'passed', flaky: true }]);
  });

  test('a file without tests', async () => {
    expect(await junitCases('\uFEFF<?xml version="1.0"?>\n<testsuites/>')).toEqual([]);
  });
});

describe('hostile files are refused', () => {
  const laughs = [
    '<!DOCTYPE lolz [<!ENTITY lol "lol">',
    ...Array.from({ length: 9 }, (_, n) => `<!ENTITY lol${n + 1} "${`&lol${n || ''};`.repeat(10)}">`),
    ']><testsuite><testcase name="&lol9;"/></testsuite>',
  ].join('\n');

  test.each([
    ['entities that expand to a billion words', laughs, 'line 11: a document type (<!DOCTYPE>) is not accepted'],
    ['an external document type', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuite/>', 'a document type'],
    ['an undeclared entity', '<testsuite><testcase name="&xxe;"/></testsuite>', 'line 1: Invalid character entity'],
    ['nesting', `<testsuites>${'<testsuite>'.repeat(100_000)}`, 'more than 64 levels of elements'],
    [
      'too many tests',
      `<testsuite>${'<testcase name="a"/>'.repeat(TESTS_MAX + 1)}</testsuite>`,
      'more than 20000 tests',
    ],
    [
      'an attribute without an end',
      `<testsuite name="${'a'.repeat(1_200_000)}`,
      'a name or an attribute of more than 1048576',
    ],
    [
      'too many elements and attributes together',
      `<testsuite>${'<a b=""/>'.repeat(250_000)}</testsuite>`,
      'more than 500000 elements and attributes',
    ],
    ['a name of a megabyte', `<${'a'.repeat(1_000_000)}/>`, 'the root is <aaaa'],
    ['another format', '<html><body/></html>', 'line 1: the root is <html>; JUnit XML has <testsuites> or <testsuite>'],
    ['no XML', '{"tests": []}', 'line 1: Non-whitespace before first tag'],
    ['a file that was cut off', '<testsuite><testcase name="a">', 'Unclosed root tag'],
    ['an empty file', '', 'line 1: the file has no elements'],
  ])('%s', async (_, text, reason) => {
    await expect(junitCases(text)).rejects.toThrow(reason);
  });
});

test('a large file is parsed in pieces, between which other work gets its turn', async () => {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const padding = `<!--${'x'.repeat(1000)}-->`.repeat(1300);
  const cases = await junitCases(`<testsuite>${padding}<testcase name="a"/></testsuite>`);
  isDone = true;
  expect(cases).toHaveLength(1);
  expect(turns).toBeGreaterThanOrEqual(10);
});
