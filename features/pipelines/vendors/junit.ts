import { setImmediate } from 'node:timers/promises';
import sax, { type QualifiedAttribute } from 'sax';
import type { TestCase, TestOutcome } from '../decisions/flaky-tests.ts';
import { truncated } from '../../../schemas/parsing/text.ts';

/** Maximum number of tests in one file. Their results are one item of the table. */
export const TESTS_MAX = 20_000;

/** Maximum nesting. Runners nest a few levels; the limit bounds the memory for malicious files. */
const DEPTH_MAX = 64;

/** Maximum number of elements and attributes together. */
const PARTS_MAX = 500_000;

/** Maximum length of a tag name, an attribute, or a comment. Runners write the output of a failure into attributes. */
const PART_MAX_CHARS = 1024 * 1024;

/** Number of UTF-16 units that are parsed before other requests get their turn: some milliseconds. */
const PIECE_CHARS = 64 * 1024;

/** Maximum number of UTF-16 units of a class or test name; longer names end in an ellipsis. */
const NAME_MAX_CHARS = 300;

/** Thrown for a file that is no JUnit XML, or that is not accepted. The message tells the line and the reason. */
export class JUnitError extends Error {
  override readonly name = 'JUnitError';
}

/** Elements by which runners report earlier attempts of a test in the same file (Maven Surefire and Failsafe). */
const RERUN_ELEMENTS: readonly string[] = ['flakyFailure', 'flakyError'];
const FAILURE_ELEMENTS: readonly string[] = ['failure', 'error'];

/**
 * Reads the tests of a JUnit XML file: `testcase` elements anywhere below `testsuites` or `testsuite`. A test that
 * occurs several times is reported once; it is flaky if it passed and failed. Document types are refused, so no entity
 * can be declared, and nothing outside the file is read. Large files are parsed in pieces, so that other requests don't wait.
 *
 * @throws JUnitError if the text is not well-formed, has another root, a document type, or too many tests or elements
 * @see https://github.com/testmoapp/junitxml
 */
export async function junitCases(text: string): Promise<TestCase[]> {
  const cases = new Map<string, TestCase>();
  const openElements: string[] = [];
  let current: { classname: string; name: string; outcome: TestOutcome; flaky: boolean } | undefined;
  let testCount = 0;
  let partCount = 0;
  let hasRoot = false;
  Object.assign(sax, { MAX_BUFFER_LENGTH: PART_MAX_CHARS }); // a setting of all its parsers, read here
  const xml = sax.parser(true, { position: true });
  const refuse = (reason: string): never => {
    throw new JUnitError(`line ${xml.line + 1}: ${reason}`);
  };
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a parser of sax is no event target
  xml.onerror = (error) => {
    const [reason = ''] = error.message.split('\n');
    refuse(
      reason.startsWith('Max buffer') ? `a name or an attribute of more than ${PART_MAX_CHARS} characters` : reason,
    );
  };
  const countPart = (): void => {
    partCount += 1;
    if (partCount > PARTS_MAX) refuse(`more than ${PARTS_MAX} elements and attributes; split the file`);
  };
  xml.onattribute = countPart;
  xml.ondoctype = () => refuse('a document type (<!DOCTYPE>) is not accepted; remove it');
  xml.onopentag = ({ name: qualified, attributes }) => {
    countPart();
    const name = localName(qualified);
    if (openElements.length === 0 && name !== 'testsuites' && name !== 'testsuite')
      refuse(`the root is <${qualified.slice(0, 64)}>; JUnit XML has <testsuites> or <testsuite>`);
    hasRoot = true;
    openElements.push(name);
    if (openElements.length > DEPTH_MAX) refuse(`more than ${DEPTH_MAX} levels of elements`);
    if (name === 'testcase') {
      testCount += 1;
      if (testCount > TESTS_MAX)
        refuse(`more than ${TESTS_MAX} tests; split the file, and give each part its own suite`);
      current = {
        classname: shortened(attributes['classname']),
        name: shortened(attributes['name']),
        outcome: 'passed',
        flaky: false,
      };
      return;
    }
    if (current === undefined || openElements.at(-2) !== 'testcase') return;
    if (FAILURE_ELEMENTS.includes(name)) current.outcome = 'failed';
    else if (name === 'skipped' && current.outcome === 'passed') current.outcome = 'skipped';
    else if (RERUN_ELEMENTS.includes(name)) current.flaky = true;
  };
  xml.onclosetag = () => {
    if (openElements.pop() !== 'testcase' || current === undefined) return;
    const key = JSON.stringify([current.classname, current.name]);
    cases.set(key, merged(cases.get(key), current));
    current = undefined;
  };
  for (let start = text.startsWith('\uFEFF') ? 1 : 0; start < text.length; start += PIECE_CHARS) {
    if (start > 1) await setImmediate();
    xml.write(text.slice(start, start + PIECE_CHARS));
  }
  xml.close();
  if (!hasRoot) refuse('the file has no elements');
  return [...cases.values()];
}

/** Combines two results of one test in a file: runners that retry tests report each attempt. */
function merged(before: TestCase | undefined, current: TestCase): TestCase {
  if (before === undefined) return current;
  const outcomes = new Set([before.outcome, current.outcome]);
  const isFlaky = before.flaky || current.flaky || (outcomes.has('passed') && outcomes.has('failed'));
  return { ...current, outcome: current.outcome === 'skipped' ? before.outcome : current.outcome, flaky: isFlaky };
}

const localName = (qualified: string): string => qualified.slice(qualified.indexOf(':') + 1);

const shortened = (value: string | QualifiedAttribute | undefined): string => {
  const text = typeof value === 'string' ? value : (value?.value ?? '');
  return truncated(text.replace(/\s+/g, ' ').trim(), NAME_MAX_CHARS);
};
