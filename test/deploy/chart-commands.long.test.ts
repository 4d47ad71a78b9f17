import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TOOLS_RUN_HERE } from '../../scripts/kubernetes/tools.ts';
import { layOut, rendered, variablesOf } from './chart.ts';
import { ROOT } from './containerfile.ts';

const VALUES = 'examples/kubernetes/values-shadow.yaml';

describe.skipIf(!TOOLS_RUN_HERE)(
  'docs/how-to/kubernetes-install.md, with the volumes and variables of the chart',
  () => {
    let root: string;
    let product: ChildProcess;
    let env: Record<string, string>;

    /** Runs a command of the page, `kubectl exec … -- firebreak …`, beside the product instead of in its pod. */
    async function inPod(command: string): Promise<string> {
      const [, args = '', , input] = / -- firebreak (.*?)( < (.*))?$/.exec(command) ?? [];
      const running = promisify(execFile)(process.execPath, ['dist/cli.mjs', ...args.split(' ')], { cwd: ROOT, env });
      if (input !== undefined) running.child.stdin?.write(await readFile(join(ROOT, input)));
      running.child.stdin?.end();
      return (await running).stdout;
    }

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), 'firebreak-pod-'));
      const objects = await rendered(VALUES);
      await layOut(objects, root, '..2026_01');
      const { NODE_EXTRA_CA_CERTS: _, ...variables } = variablesOf(objects);
      env = {
        PATH: process.env['PATH'] ?? '',
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
        ...variables,
        PORT: '0',
        FIREBREAK_CONFIG_DIR: join(root, variables['FIREBREAK_CONFIG_DIR'] ?? ''),
        FIREBREAK_DATA_DIR: join(root, 'data'),
        // No cluster: the port is one that fetch refuses to call.
        KUBERNETES_URL: 'https://127.0.0.1:1',
        KUBERNETES_TOKEN: 'token',
      };
      product = spawn(process.execPath, ['dist/main.mjs'], {
        cwd: ROOT,
        env,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // ends with the test runner
      });
      product.stderr?.resume();
      await new Promise<void>((resolve, reject) => {
        let output = '';
        product.stdout?.on('data', (data: Buffer) => {
          output += data.toString();
          if (output.includes('firebreak ready on')) resolve();
        });
        product.once('exit', () => reject(new Error(output)));
      });
    });
    afterAll(async () => {
      product.kill('SIGTERM');
      if (product.exitCode === null) await once(product, 'exit');
      await rm(root, { recursive: true });
    });

    test('three commands lead to the first shadowed alert', async () => {
      const page = await readFile(join(ROOT, 'docs/how-to/kubernetes-install.md'), 'utf8');
      const block = /## From the chart to the first shadowed alert[^]*?```sh\n([^]*?)```/.exec(page)?.[1] ?? '';
      const [install = '', send = '', show = '', ...more] = block.trim().split('\n');
      expect(more).toEqual([]);
      expect(install).toContain(`--values ${VALUES}`);
      expect(await inPod(send)).toContain('1 alert accepted');
      await expect.poll(() => inPod(show).catch(String)).toContain('decision 1: Look at checkout in production.');
      await expect.poll(() => inPod(show)).toContain('Not paged: the service is in shadow mode');
    });

    test('a changed ConfigMap is loaded without a restart', async () => {
      await layOut(
        await rendered(VALUES, { config: { services: { services: { cart: { environments: { production: {} } } } } } }),
        root,
        '..2026_02',
      );
      const doctor = () => inPod(' -- firebreak doctor --all').catch(({ stdout }: { stdout: string }) => stdout);
      await expect.poll(doctor).toContain('cart/production');
    });
  },
);
