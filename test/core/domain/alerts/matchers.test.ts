import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matches } from '../../../../core/domain/alerts/matchers.ts';
import {
  type Matcher,
  MatcherSyntaxError,
  parseMatcher,
  parseMatchers,
} from '../../../../schemas/alerts/matcher-syntax.ts';
import { anyCharacter } from '../../../support/any-character.ts';
import { runs } from '../../../support/runs.ts';

const labels = (entries: Record<string, string> = {}) => new Map(Object.entries(entries));
const equal = (name: string, value: string): Matcher => ({ name, value, isRegex: false, isEqual: true });
const regex = (name: string, value: string): Matcher => ({ name, value, isRegex: true, isEqual: true });
const not = (matcher: Matcher): Matcher => ({ ...matcher, isEqual: false });

describe('matchers hold', () => {
  const alert = labels({ severity: 'critical', service: 'checkout', note: 'two\nlines' });
  test.each([
    ['severity="critical"', true],
    ['severity="critic"', false],
    ['severity!="critical"', false],
    ['severity!="warning"', true],
    ['service=~"check.*"', true],
    ['service=~"check"', false], // the whole value
    ['service=~"eck|check"', false],
    ['service=~"cart|checkout"', true],
    ['service!~"cart|checkout"', false],
    ['service!~"cart"', true],
    ['missing=""', true],
    ['missing!=""', false],
    ['missing=~".*"', true],
    ['missing=~".+"', false],
    ['missing!~".+"', true],
    ['note=~"two.lines"', false], // a dot does not match a line break
    ['note=~"(?s)two.lines"', true],
    ['note=~"two\\\\nlines"', true],
    ['severity="critical", service="cart"', false],
    ['severity="critical", service="checkout"', true],
    ['{}', true],
    ['', true],
  ])('%s: %s', (text, expected) => {
    expect(matches(parseMatchers(text), alert)).toBe(expected);
  });

  test.each([
    ['severity="critical"', true],
    ['severity="page"', true],
    ['severity="warning"', false],
    ['severity!="page"', false],
    ['severity!="critical"', false],
    ['severity=~"pa.*"', true],
    ['severity!~"pa.*"', false],
    ['severity="critical", severity="page"', true],
  ])('for a label with two values, %s: %s', (text, expected) => {
    expect(matches(parseMatchers(text), new Map([['severity', ['critical', 'page']]]))).toBe(expected);
  });

  test('a name of an object property is an ordinary label', () => {
    expect(matches([equal('__proto__', '')], labels())).toBe(true);
    expect(matches([equal('constructor', '')], labels())).toBe(true);
  });

  test('a regular expression that Go rejects never holds, even if negated', () => {
    for (const bad of ['[a', '(?=a)', 'a**', '(a)\\1'])
      for (const matcher of [regex('a', bad), not(regex('a', bad))]) {
        expect(matches([matcher], labels({ a: 'a' }))).toBe(false);
        expect(matches([matcher], labels())).toBe(false);
      }
  });

  test('a regular expression matches the first 4,096 characters', () => {
    expect(matches([regex('a', 'x*')], labels({ a: `${'x'.repeat(4096)}y` }))).toBe(true);
    expect(matches([regex('a', 'x*')], labels({ a: `${'x'.repeat(4095)}y` }))).toBe(false);
    expect(matches([equal('a', 'x'.repeat(4096))], labels({ a: 'x'.repeat(4097) }))).toBe(false);
  });

  test('catastrophic backtracking in JavaScript is avoided', () => {
    const value = labels({ a: `${'a'.repeat(4095)}!` });
    for (const evil of ['(a+)+', '(a|a)*', '(a*)*b', '(.*a){20}', '([a-z]+\\s?)+', '(a?){100}a{100}'])
      expect(matches([regex('a', evil)], value)).toBe(false);
  });

  test('a pattern that would expand without bounds is rejected', () => {
    for (const huge of [
      '((a{1000}){1000}){1000}',
      '((((){1000}){1000}){1000}){1000}',
      `${'('.repeat(999)}${')'.repeat(999)}`,
    ])
      expect(matches([not(regex('a', huge))], labels({ a: 'b' }))).toBe(false);
  });

  test('the order of matchers does not matter', () => {
    const one = fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      value: fc.constantFrom('', 'x', 'y', 'x|y', '.+'),
      isRegex: fc.boolean(),
      isEqual: fc.boolean(),
    });
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('', 'x', 'y', 'z'));
    fc.assert(
      fc.property(fc.array(one), values, (all, given) => {
        const holds = matches(all, labels(given));
        expect(matches(all.toReversed(), labels(given))).toBe(holds);
        expect(holds).toBe(all.every((each) => !matches([{ ...each, isEqual: !each.isEqual }], labels(given))));
      }),
    );
  });
});

/** Each result was compared with amtool 0.25.0, which uses Go. */
describe('a regular expression has Go semantics', () => {
  test.each<[string, string, boolean]>([
    ['', '', true],
    ['a|', '', true],
    ['a||b', 'b', true],
    ['(a|b)*c', 'ababc', true],
    ['a{2}', 'aa', true],
    ['a{2}', 'aaa', false],
    ['a{1,2}', 'aaa', false],
    ['a{2,}', 'aaaa', true],
    ['a{,2}', 'a{,2}', true],
    ['a{01}', 'a{01}', true],
    ['a{', 'a{', true],
    ['a}]', 'a}]', true],
    ['a+?b??', 'aa', true],
    ['[]a]+', ']a', true],
    ['[^]a]', ']', false],
    ['[a-]+', 'a-', true],
    ['[^a]', '\n', true],
    ['.', '\n', false],
    ['.', '\r', true],
    ['.', '\u2028', true],
    ['.', '🙂', true],
    ['(?s).', '\n', true],
    ['(?m)a$\n^b', 'a\nb', true],
    ['a$\n^b', 'a\nb', false],
    ['\\Aa\\z', 'a', true],
    ['a\\b.*', 'a b', true],
    ['a\\B.*', 'a b', false],
    ['\\bλ', 'λ', false],
    ['\\d\\D\\w\\W\\s\\S', '1aa- x', true],
    ['\\s', '\u00a0', false],
    ['\\s', '\v', false],
    ['[[:space:]]', '\v', true],
    ['[[:^digit:][:digit:]]', '5', true],
    ['[[:alpha:]_]+', 'aB_', true],
    ['\\w', 'é', false],
    ['\\pL', 'é', true],
    ['\\p{Greek}\\P{Greek}\\p{^Greek}', 'λaa', true],
    ['\\x41\\x{3bb}\\101\\07', 'AλA\x07', true],
    ['\\Qa.b*\\E+', 'a.b**', true],
    ['\\Qa.b*\\E', 'axb*', false],
    ['\\.\\-\\_\\/\\"', '.-_/"', true],
    ['(?i)straSSe', 'STRASSE', true],
    ['(?i)k', '\u212a', true],
    ['(?i)[r-t]', 'ſ', true],
    ['(?i)[^k]', '\u212a', false],
    ['(?i)\\w', '\u212a', true],
    ['(?i)a(?-i)b', 'AB', false],
    ['(?i:a)b', 'Ab', true],
    ['a(?i)b|c', 'C', true],
    ['(?P<name>a)(?:b)', 'ab', true],
    ['(a*)*(|b)+', 'aab', true],
  ])('%j with %j: %s', (pattern, value, expected) => {
    expect(matches([regex('a', pattern)], labels({ a: value }))).toBe(expected);
    expect(matches([not(regex('a', pattern))], labels({ a: value }))).toBe(!expected);
  });

  test.each([
    ['*a', /nothing to repeat/],
    ['a**', /another repetition/],
    ['a+{2}', /another repetition/],
    ['a{1001}', /the limit is 1000/],
    ['a{2,1}', /the limit is 1000/],
    ['(a', /missing "\)"/],
    ['a)', /unmatched "\)"/],
    ['a)(b', /unmatched "\)"/], // Alertmanager accepts it, because it adds a group around it
    ['[a', /missing "\]"/],
    ['[z-a]', /reverse order/],
    ['[[:letter:]]', /unknown class \[:letter:\]/],
    ['\\p{Klingon}', /unknown class \\p\{Klingon\}/],
    ['\\p{Alphabetic}', /unknown class/], // valid in JavaScript, but not in Go
    ['(a)\\1', /escape \\1/],
    ['\\C', /escape \\C/],
    ['\\Qa', /missing \\E/],
    ['(?=a)', /look-around/],
    ['(?<!a)b', /look-around/],
    ['(?>a)', /\(\?>a/],
    ['\\x{110000}', /is not a character/],
  ])('%j is invalid', (pattern, reason) => {
    expect(() => parseMatcher(`a=~${JSON.stringify(pattern)}`)).toThrow(MatcherSyntaxError);
    expect(() => parseMatcher(`a=~${JSON.stringify(pattern)}`)).toThrow(reason);
  });

  const piece = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '(?:a|b)', '(ab)', '(?:a|)');
  const pattern = fc.array(fc.tuple(piece, fc.constantFrom('', '', '*', '+', '?', '{1,2}')), { maxLength: 5 });
  test("and results equal JavaScript's where the syntax has the same meaning", () => {
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', '1', '-'), maxLength: 6 }), (pieces, value) => {
        const text = pieces.map((each) => each.join('')).join('');
        expect(matches([regex('a', text)], labels({ a: value }))).toBe(new RegExp(`^(?:${text})$`).test(value));
      }),
      { numRuns: runs(80) },
    );
  });
});

describe('parsing', () => {
  test.each<[string, Matcher[]]>([
    ['{foo=bar}', [equal('foo', 'bar')]],
    ['foo=bar,', [equal('foo', 'bar')]],
    ['{foo = "bar", dings != "bums", }', [equal('foo', 'bar'), not(equal('dings', 'bums'))]],
    ['foo=~[a-z]+,bar!~x|y', [regex('foo', '[a-z]+'), not(regex('bar', 'x|y'))]],
    ['foo=🙂bar', [equal('foo', '🙂bar')]],
    ['"foo"="bar"', [equal('foo', 'bar')]],
    ['{"http.status code"="5\\t\\"x\\"\\n\\\\"}', [equal('http.status code', '5\t"x"\n\\')]],
    ['foo="\\xf0\\x9f\\x99\\x82\\U0001f642\\u00e4\\303\\244"', [equal('foo', '🙂🙂ää')]],
    ['quote="She said: \\"Hi, ladies! {}\\""', [equal('quote', 'She said: "Hi, ladies! {}"')]],
    ['statuscode=~"5.."', [regex('statuscode', '5..')]],
    ['name-with-dashes = "bar"', [equal('name-with-dashes', 'bar')]],
    ['foo="a,b", baz=~"x{2}"', [equal('foo', 'a,b'), regex('baz', 'x{2}')]],
    // Where Alertmanager falls back to its older syntax, the backslash belongs to the regular expression.
    ['foo=~"\\d+\\.\\\\d\\bx"', [regex('foo', '\\d+\\.\\d\\bx')]],
    ['foo="C:\\dir"', [equal('foo', 'C:\\dir')]],
    ['foo=~"\\u00e4"', [regex('foo', 'ä')]],
  ])('%s', (text, expected) => {
    expect(parseMatchers(text)).toEqual(expected);
  });

  test.each([
    [',', 'character 1 of ,: expected the name of a label, found ","'],
    ['{,}', 'character 2 of {,}: expected the name of a label, found ",}"'],
    ['{', 'character 2 of {: expected a comma or the closing brace, found the end'],
    ['}', 'character 1 of }: expected a comma, found "}"'],
    ['foo=bar}', 'character 8 of foo=bar}: expected a comma, found "}"'],
    ['{foo=bar', 'character 9 of {foo=bar: expected a comma or the closing brace, found the end'],
    ['{foo=bar} x', 'character 11 of {foo=bar} x: expected the end, found "x"'],
    ['🙂=a b=c', 'character 5 of 🙂=a b=c: expected a comma, found "b=c"'],
    ['foo', 'character 4 of foo: expected =, !=, =~ or !~ after foo, found the end'],
    ['foo!bar', 'character 4 of foo!bar: expected =, !=, =~ or !~ after foo, found "!bar"'],
    ['job=', 'character 5 of job=: expected a value, found the end; put it in double quotes, as in job="…"'],
    ["a='b'", `character 3 of a='b': expected a value, found "'b'"; put it in double quotes, as in a="…"`],
    ['foo="bar', 'character 5 of foo="bar: a " is not closed on its line'],
    ['foo="\\xf0\\x9f"', 'character 5 of foo="\\xf0\\x9f": the escaped bytes are not valid UTF-8'],
    ['foo="\\ud800"', 'character 5 of foo="\\ud800": \\ud800 is not a character'],
    ['""=a', 'character 1 of ""=a: the name of a label is empty'],
    ['a=b,c=~"["', 'character 8 of a=b,c=~"[": invalid regular expression [: missing "]"'],
  ])('%s is rejected', (text, message) => {
    expect(() => parseMatchers(text)).toThrow(new MatcherSyntaxError(message));
  });

  test.each(['a=b,c=d', 'a=b,', '{a=b}', ''])('%j is not a single matcher', (text) => {
    expect(() => parseMatcher(text)).toThrow(MatcherSyntaxError);
  });

  const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  test('accepts any formatted matcher', () => {
    const text = fc.string({ unit: anyCharacter }).map((any) => any.toWellFormed());
    const wanted = fc.record({ name: text.filter((name) => name !== ''), value: text, isEqual: fc.boolean() });
    fc.assert(
      fc.property(fc.array(wanted, { minLength: 1, maxLength: 3 }), (all) => {
        const written = all.map(({ name, value, isEqual }) => `${quoted(name)}${isEqual ? '=' : '!='}${quoted(value)}`);
        expect(parseMatchers(`{ ${written.join(' , ')} }`)).toEqual(all.map((each) => ({ ...each, isRegex: false })));
      }),
    );
  });

  test('or rejects, with any text', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '=', '~', '!', '"', '\\', ',', '{', '}', ' ', '(', '[', '\n'),
    });
    fc.assert(
      fc.property(text, (any) => {
        try {
          expect(Array.isArray(parseMatchers(any))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(MatcherSyntaxError);
        }
      }),
      { numRuns: runs(100) },
    );
  });
});
