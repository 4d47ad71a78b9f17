import { execFileSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { surviveLostOutput } from '../../local/unhandled.ts';

const SURVIVES = `
import { surviveRejections } from './local/unhandled.ts';
const stop = surviveRejections({ error: (message, { error }) => console.log(message, error.split('\\n')[0]) });
Promise.reject(new Error('left by a replay'));
setImmediate(() => {
  console.log('continues');
  stop();
  console.log(process.listenerCount('unhandledRejection'));
});
`;

test('a rejection without a handler is logged, and does not end the process', () => {
  const root = new URL('../..', import.meta.url);
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', SURVIVES], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(output.trim().split('\n')).toEqual([
    'A promise was rejected without a handler; the process continues Error: left by a replay',
    'continues',
    '0',
  ]);
});

test('a log on a full disk loses its lines, and other errors of an output stay errors', () => {
  const output = new Writable();
  surviveLostOutput(output);
  const failing = (code: string) => () => output.emit('error', Object.assign(new Error(code), { code }));
  expect(failing('ENOSPC')).not.toThrow();
  expect(failing('EFBIG')).not.toThrow();
  expect(failing('EPIPE')).toThrow('EPIPE');
});
