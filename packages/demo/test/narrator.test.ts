import { expect, test } from 'vitest';
import { type Line, stampOf, Narrator, wrap } from '../narrator.ts';

function told(lines: readonly Line[], { gathers = false, zero = 1000 } = {}): string[] {
  const written: string[] = [];
  const narrator = new Narrator({ colours: false, write: (text) => void written.push(text) }, gathers);
  narrator.setFirstAlert(zero);
  for (const line of lines) narrator.say(line);
  narrator.completeUntil(Infinity);
  return written;
}

test('lines are printed in order of time, not of arrival', () => {
  const lines = told([
    { at: 3000, speaker: 'Slack', text: 'second' },
    { at: 1250, speaker: 'Firebreak', text: 'first' },
  ]);
  expect(lines).toEqual(['+00:00.3  Firebreak     first', '+00:02.0  Slack         second']);
});

test('lines are held until no earlier line can follow', () => {
  const written: string[] = [];
  const narrator = new Narrator({ colours: false, write: (text) => void written.push(text) }, false);
  narrator.say({ at: 1000, speaker: 'a', text: 'one' });
  narrator.say({ at: 2000, speaker: 'b', text: 'two' });
  narrator.completeUntil(1500);
  expect(written).toHaveLength(1);
  narrator.completeUntil(2500);
  expect(written).toHaveLength(2);
});

test('equal lines within a second are merged into one that names three subjects and counts the rest', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const same = names.map((about, index): Line => ({ at: 1000 + index, speaker: 'toy', about, text: 'fails' }));
  const later: Line = { at: 9000, speaker: 'toy', about: 'f', text: 'fails' };
  expect(told([...same, later], { gathers: true })).toEqual([
    '+00:00.0  toy           a, b, c and 2 more: fails',
    '+00:08.0  toy           f: fails',
  ]);
});

test('a long line is wrapped between words at 100 characters and indented', () => {
  const [line = ''] = told([{ at: 1000, speaker: 'Firebreak', text: 'word '.repeat(40) }]);
  const [first, ...rest] = line.split('\n');
  expect(first).toMatch(/^\+00:00\.0 {2}Firebreak {5}word/);
  expect(rest.length).toBeGreaterThan(0);
  for (const one of rest) expect(one).toMatch(/^ {24}word/);
  expect(Math.max(...line.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
});

test('control characters and line breaks of untrusted text are removed', () => {
  expect(told([{ at: 1000, speaker: 'Slack', text: 'a\u001B[2Jb\nc\rd' }])).toEqual(['+00:00.0  Slack         ab c d']);
});

test('times are minutes, seconds, and tenths since the first alert, and blank before it', () => {
  expect(stampOf(61_250, 1000)).toBe('+01:00.3');
  expect(stampOf(60_999, 1000)).toBe('+01:00.0');
  expect(stampOf(999, 1000)).toBe('        ');
  expect(stampOf(1000, null)).toBe('        ');
});

test('a word longer than a line is split', () => {
  expect(wrap('ab cdefgh', 3)).toEqual(['ab', 'cde', 'fgh']);
});
