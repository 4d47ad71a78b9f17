import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { freePort } from '../../packages/demo/free-port.ts';
import { bareEnvironment, eventually } from '../support/firebreak.ts';
import {
  type AlertmanagerConfig,
  have,
  type Running,
  startAlertmanager,
  startPrometheus,
} from '../support/prometheus-stack.ts';

/*
 * Runs "Your own alerts" of docs/start/shadow-your-alerts.md as a reader does: every `sh` block in order, in terminals that
 * keep their folder and variables, with a real Alertmanager and Prometheus. What differs from the page: the home folder, the
 * three ports, the folder of Alertmanager's configuration, and the clone (this project).
 */

const ROOT = join(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/start/shadow-your-alerts.md');

/** Commands that change nothing, so a reader repeats them until the alert has arrived, or a busy machine has answered. */
const LOOKS = /^(\. \S+\n)?firebreak (doctor|incident (list|show)|report) /;

/** The configuration of the reader's Alertmanager before the tutorial. */
const OWN: AlertmanagerConfig = { route: { receiver: 'on-call' }, receivers: [{ name: 'on-call' }] };

type Block = { kind: string; text: string; line: number };

const page = await readFile(PAGE, 'utf8');
const begin = page.indexOf('\n## Your own alerts'); // test/docs/first-shadowed-alert.long.test.ts runs what is before
const blocks: Block[] = [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)]
  .filter(({ index }) => index > begin)
  .map(({ 1: kind = '', 2: text = '', index }) => ({
    kind,
    text,
    line: page.slice(0, index).split('\n').length,
  }));

/** Replaces what differs between two runs. */
const comparable = (line: string): string =>
  line
    .replaceAll(/\b01[0-9A-Z]{24}\b/g, 'ID')
    .replaceAll(/\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b/g, 'TIME')
    .replaceAll(/\bfinished \d+ (s|min)\b/g, 'finished N')
    .replaceAll(/\b0\.(\d)\d\b/g, '0.$1')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** Returns the lines of `shown` that `output` does not have in this order. `…` stands for any text. */
function missing(shown: string, output: string): string[] {
  const lines = output.split('\n').map(comparable);
  return shown.split('\n').filter((line) => {
    const parts = comparable(line)
      .split('…')
      .map((part) => RegExp.escape(part));
    const at = lines.findIndex((one) => new RegExp(`^${parts.join('.*')}$`).test(one));
    lines.splice(0, at + 1);
    return line !== '' && at === -1;
  });
}

describe.runIf(have('prometheus', 'alertmanager', 'amtool'))('docs/start/shadow-your-alerts.md', () => {
  const ports = { 8080: 0, 9090: 0, 9093: 0 };
  let home: string;
  let prometheus: Running, alertmanager: Running;
  let product: ChildProcess | undefined;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'firebreak-reader-'));
    for (const port of [8080, 9090, 9093] as const) ports[port] = await freePort();
    prometheus = await startPrometheus({ port: ports[9090], targets: [], alertmanagers: [], rules: 'groups: []' });
    alertmanager = await startAlertmanager({ port: ports[9093], config: OWN });
  });

  afterAll(async () => {
    if (product?.pid !== undefined && product.exitCode === null) {
      process.kill(-product.pid, 'SIGINT'); // Ctrl-C
      await once(product, 'exit');
    }
    await alertmanager.stop();
    await prometheus.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Returns a text of the page with what differs on this machine. */
  const here = (text: string): string =>
    Object.entries(ports)
      .reduce((all, [written, port]) => all.replaceAll(`:${written}`, `:${port}`), text)
      .replaceAll('/etc/alertmanager', alertmanager.folder)
      .replace(/^git clone .*\ncd firebreak$/m, `cd '${ROOT}'`);

  /** Returns a script that runs a block in the reader's terminal: it begins in the folder and with the variables of the last. */
  const inTerminal = (text: string): string =>
    `set -e; cd; if [ -f .terminal ]; then . ./.terminal; cd "$(cat .folder)"; fi\n${here(text)}\nexport -p > ~/.terminal; pwd > ~/.folder`;

  const environment = () => ({
    ...bareEnvironment(),
    HOME: home,
    PORT: String(ports[8080]),
    FIREBREAK_URL: `http://127.0.0.1:${ports[8080]}`,
  });

  async function run({ text, line }: Block): Promise<string> {
    try {
      const { stdout } = await promisify(execFile)('bash', ['-c', inTerminal(text)], { env: environment() });
      return stdout;
    } catch (error) {
      throw new Error(`the commands in line ${line} failed:\n${here(text)}`, { cause: error });
    }
  }

  /** Runs a block that goes on until Ctrl-C. Returns its output once it has printed what the page shows. */
  async function keepRunning({ text }: Block, shown: string): Promise<string> {
    let output = '';
    product = spawn('bash', ['-c', inTerminal(text)], {
      env: environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [product.stdout, product.stderr])
      stream?.on('data', (chunk: Buffer) => void (output += chunk.toString()));
    await eventually(() => {
      if (product?.exitCode !== null) throw new Error(output);
      return Promise.resolve(missing(here(shown), output).length === 0);
    }, shown);
    return output;
  }

  /** Adds the routes and receivers of the page to the reader's configuration. */
  async function configure({ text }: Block): Promise<void> {
    const { route, receivers } = parse(here(text)) as AlertmanagerConfig;
    const config = { route: { ...OWN.route, ...route }, receivers: [...OWN.receivers, ...receivers] };
    await writeFile(join(alertmanager.folder, 'alertmanager.yml'), stringify(config));
  }

  test('every command works, and prints what the page shows', async () => {
    expect(blocks.filter(({ kind }) => kind === 'sh').length).toBeGreaterThan(10);
    for (const [index, block] of blocks.entries()) {
      const next = blocks[index + 1];
      const shown = next?.kind === 'text' ? next.text : '';
      if (block.kind === 'yaml') await configure(block);
      if (block.kind !== 'sh') continue;
      if (block.text === 'npm start\n') {
        await keepRunning(block, shown);
        continue;
      }
      const look = async () => {
        const output = await run(block);
        expect(missing(here(shown), output), `not printed by line ${block.line}:\n${output}`).toEqual([]);
        return true;
      };
      if (LOOKS.test(`${block.text.trim()} `)) await eventually(look, 'what the page shows');
      else await look();
    }
  });
});
