import { expect, test } from 'vitest';
import { createLog, type LogSettings } from '../../../functions/assembly/log.ts';
import { readSettings } from '../../../local/settings.ts';
import { SetClock } from '../../support/fake-deps.ts';

function linesOf(format: LogSettings['format']) {
  const lines: string[] = [];
  const clock = new SetClock('2026-11-20T06:43:40.145Z');
  return { lines, log: createLog(clock, { level: 'info', format }, (line) => void lines.push(line)) };
}

test('JSON is one object per line, with time, level, message, and fields in this order', () => {
  const { lines, log } = linesOf('json');
  log.with({ trace: 't1' }).warn('a page was refused', { service: 'checkout', detail: 'two\nlines' });
  expect(lines).toEqual([
    '{"time":"2026-11-20T06:43:40.145Z","level":"warn","message":"a page was refused","trace":"t1","service":"checkout","detail":"two\\nlines"}\n',
  ]);
});

test('text is one line per record, with the fields as name=value', () => {
  const { lines, log } = linesOf('text');
  log.debug('not shown');
  log.with({ trace: 't1' }).info('incident opened', { service: 'checkout', run: 2, by: null, none: undefined });
  log.error('a page was refused', { reason: 'invalid "key"', children: ['a', 'b'], empty: '' });
  expect(lines).toEqual([
    '2026-11-20 06:43:40Z INFO  incident opened trace=t1 service=checkout run=2 by=null\n',
    String.raw`2026-11-20 06:43:40Z ERROR a page was refused reason="invalid \"key\"" children=["a","b"] empty=""` +
      '\n',
  ]);
});

test('text from outside can neither begin a record nor control the terminal', () => {
  const { lines, log } = linesOf('text');
  log.warn('received\n2026 \u001b[2J', {
    title: 'a\r\n2026-11-20 ERROR forged\u009b31m\u202e',
    ['na\nme']: 'a\u2028b',
  });
  expect(lines).toEqual([
    String.raw`2026-11-20 06:43:40Z WARN  received\n2026 \u001b[2J title="a\r\n2026-11-20 ERROR forged\u009b31m\u202e" na\nme="a\u2028b"` +
      '\n',
  ]);
});

test('the stack of an error follows its line, indented', () => {
  const { lines, log } = linesOf('text');
  log.error('a step failed', { error: 'Error: two\nlines\n    at work (a.ts:1:2)\n    at \u001b[2J', step: 'page' });
  expect(lines.join('').split('\n')).toEqual([
    '2026-11-20 06:43:40Z ERROR a step failed step=page',
    '    Error: two',
    '    lines',
    '        at work (a.ts:1:2)',
    String.raw`        at \u001b[2J`,
    '',
  ]);
});

test('credentials are in neither format', () => {
  for (const format of ['json', 'text'] as const) {
    const { lines, log } = linesOf(format);
    log.warn('refused: password=hunter2hunter', { detail: 'token=0a1b2c3d4e5f' });
    expect(lines.join('')).not.toMatch(/hunter2|0a1b2c/);
  }
});

test.each([
  [{}, true, 'text'],
  [{}, false, 'json'],
  [{ LOG_FORMAT: 'json' }, true, 'json'],
  [{ LOG_FORMAT: 'text' }, false, 'text'],
  [{ LOG_FORMAT: '' }, false, 'json'],
])('with %j, on a terminal: %s, the log is %s', (env, isTerminal, format) => {
  expect(readSettings(env, '/srv', isTerminal).log).toEqual({ level: 'info', format });
});
