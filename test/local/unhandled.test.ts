import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

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
