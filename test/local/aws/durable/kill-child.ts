import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { startLambda } from '../../../../local/aws/lambda/lambda.ts';
import { stopWithParent } from '../../../../local/parent.ts';
import { ACCESS_KEY_ID, clientOf } from './bench.ts';
import { killWorkflow } from './kill-workflow.ts';

/**
 * A process that a test kills: runs the workflow in `dir`, and exits as by `kill -9` at boundary number `killAt`.
 * Prints `url <endpoint>` after the start, and `boundaries <n>` when the workflow has ended.
 */
const [dir = '', killAt = '0'] = process.argv.slice(2);
stopWithParent();

let boundaries = 0;
const lambda = clientOf(() => endpoint.url);
const functions = killWorkflow(lambda, dir, () => {
  boundaries += 1;
  if (boundaries === Number(killAt)) process.kill(process.pid, 'SIGKILL');
});
const endpoint = await startLambda({
  file: join(dir, 'durable.sqlite'),
  accessKeyId: ACCESS_KEY_ID,
  functions,
  timeScale: 100_000,
  log: (entry) => {
    const { event, function: name } = entry as { event?: string; function?: string };
    if (event === 'execution-ended' && name === 'incident') process.stdout.write(`boundaries ${boundaries}\n`);
  },
});
flushCompileCache(); // for the many processes that start later
process.stdout.write(`url ${endpoint.url}\n`);
endpoint.resume();
