import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DynamoDBClient, ListTablesCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { findDynoxide } from '../../../local/aws/dynamodb/binary.ts';
import { startDynamoDb } from '../../../local/aws/dynamodb/start.ts';

const accessKeyId = randomUUID();
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-dynamodb-'));
  file = join(folder, 'dynamodb.sqlite');
});

afterEach(async () => {
  for (const pid of processesOver(file)) process.kill(pid, 'SIGKILL'); // only after a failed test
  await rm(folder, { recursive: true, force: true });
});

const source = (path: string) => JSON.stringify(new URL(`../../../local/aws/dynamodb/${path}`, import.meta.url).href);

/** Prints `ready`, then the number of each item after its put was acknowledged. Stops in an orderly way on SIGINT. */
const WRITER = `
  import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
  import { startDynamoDb } from ${source('start.ts')};
  const [file, accessKeyId] = process.argv.slice(1);
  const dynamodb = await startDynamoDb({ file, accessKeyId });
  const credentials = { accessKeyId, secretAccessKey: 'not checked' };
  const client = new DynamoDBClient({ endpoint: dynamodb.url, region: 'us-east-1', credentials, maxAttempts: 1 });
  await client.send(new CreateTableCommand({
    TableName: 'kept',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'N' }],
  }));
  const put = (n) => client.send(new PutItemCommand({ TableName: 'kept', Item: { pk: { N: String(n) } } }));
  let interrupted = false;
  process.once('SIGINT', () => setTimeout(() => (interrupted = true), 200));
  console.log('ready');
  for (let n = 0; !interrupted; n += 1) {
    await put(n);
    console.log(n);
  }
  await dynamodb.close();
  console.log('closed');
`;

/** Runs a script in its own process group. `lines` receives its output. */
function run(script: string, env: NodeJS.ProcessEnv = process.env): { child: ChildProcess; lines: string[] } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, file, accessKeyId], {
    cwd: new URL('../../..', import.meta.url),
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  if (child.stdout) createInterface(child.stdout).on('line', (line) => lines.push(line));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, lines };
}

/** Returns the running processes that have the data file as an argument: the database and its guardian. */
function processesOver(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => argumentsOf(pid).includes(path))
    .map(Number);
}

/** Returns the arguments of a process; empty if it has exited, even if its parent has not waited for it. */
function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

const databaseOver = (path: string) =>
  processesOver(path).filter((pid) => argumentsOf(`${pid}`)[0]?.endsWith('dynoxide'));

const clientOf = (url: string) =>
  new DynamoDBClient({
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'not checked' },
    maxAttempts: 2,
  });

async function storedNumbers(): Promise<number[]> {
  const dynamodb = await startDynamoDb({ file, accessKeyId });
  const numbers: number[] = [];
  for await (const page of paginateScan(
    { client: clientOf(dynamodb.url) },
    { TableName: 'kept', ConsistentRead: true },
  )) {
    numbers.push(...(page.Items ?? []).map(({ pk }) => Number(pk?.N)));
  }
  await dynamodb.close();
  return numbers.toSorted((a, b) => a - b);
}

const acknowledgedIn = (lines: string[]) => lines.filter((line) => /^\d+$/.test(line)).map(Number);
async function nobodyLeft() {
  await expect.poll(() => processesOver(file)).toEqual([]);
}

describe.skipIf(process.platform !== 'linux')('the database process', () => {
  test.each([
    ['the whole process group', (pid: number) => process.kill(-pid, 'SIGKILL')],
    ['only the parent', (pid: number) => process.kill(pid, 'SIGKILL')],
  ])('after kill -9 of %s, no process remains, and every acknowledged write is stored', async (_, kill) => {
    const { child, lines } = run(WRITER);
    await expect.poll(() => acknowledgedIn(lines).length).toBeGreaterThan(50);
    expect(databaseOver(file)).toHaveLength(1);
    kill(child.pid ?? Number.NaN);
    await once(child, 'close');
    await nobodyLeft();

    const acknowledged = acknowledgedIn(lines);
    const stored = await storedNumbers();
    expect(stored.slice(0, acknowledged.length)).toEqual(acknowledged);
    expect(stored.length - acknowledged.length).toBeLessThanOrEqual(1); // the one in progress
  });

  test('killing the parent just after the start of the guardian leaves no process', async () => {
    const marker = join(folder, 'guardian-went-on');
    const slowEnv = `#!/bin/sh\nsleep 0.2\ntouch '${marker}'\nexec /usr/bin/env "$@"\n`;
    await writeFile(join(folder, 'env'), slowEnv, { mode: 0o755 });
    await writeFile(file, '');
    // `tail -f` runs forever: like the database, it may not notice that nothing reads its output.
    const { child } = run(
      `
      import { spawnTied } from ${source('tied-child.ts')};
      spawnTied('tail', ['-f', process.argv[1]], () => {});
      process.kill(process.pid, 'SIGKILL');
      `,
      { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH']}` },
    );
    await once(child, 'exit');
    await expect.poll(() => stat(marker).catch(() => undefined)).toBeDefined();
    await nobodyLeft();
  });

  const envBlocksSignals = spawnSync('env', ['--block-signal=INT', 'true']).status === 0;
  test.skipIf(!envBlocksSignals)(
    'Ctrl-C reaches the whole group, but the database responds until it is closed',
    async () => {
      const { child, lines } = run(WRITER);
      await expect.poll(() => lines.length).toBeGreaterThan(5);
      process.kill(-(child.pid ?? Number.NaN), 'SIGINT');
      const [status] = (await once(child, 'close')) as [number];
      expect(lines.at(-1)).toBe('closed');
      expect(status).toBe(0);
      await nobodyLeft();
    },
  );

  test('an exit is reported with the reason, and later requests fail as retryable', async () => {
    const dynamodb = await startDynamoDb({ file, accessKeyId });
    const [pid] = databaseOver(file);
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    await expect(dynamodb.exited).resolves.toMatchObject({ message: expect.stringContaining('killed by signal 9') });
    const request = clientOf(dynamodb.url).send(new ListTablesCommand({}));
    await expect(request).rejects.toMatchObject({ $metadata: { httpStatusCode: 500, attempts: 2 } });
    await dynamodb.close();
    await nobodyLeft();
  });

  test('killing only its guardian also ends it, and that is reported', async () => {
    const dynamodb = await startDynamoDb({ file, accessKeyId });
    const [database] = databaseOver(file);
    const guardian = processesOver(file).find((pid) => pid !== database);
    process.kill(guardian ?? Number.NaN, 'SIGKILL');
    await expect(dynamodb.exited).resolves.toMatchObject({ message: expect.stringContaining('parent shell') });
    await nobodyLeft();
    await dynamodb.close();
  });

  test('closing ends it without a report, and its address is not logged', async () => {
    const log: object[] = [];
    const dynamodb = await startDynamoDb({ file, accessKeyId, log: (entry) => log.push(entry) });
    const [pid] = databaseOver(file);
    const given = argumentsOf(`${pid}`);
    let report: Error | undefined;
    void dynamodb.exited.then((why) => (report = why));
    await dynamodb.close();
    await nobodyLeft();
    expect(report).toBeUndefined();
    expect(log).toContainEqual(expect.objectContaining({ event: 'dynamodb.ready' }));
    expect(JSON.stringify(log)).not.toContain(`:${given[given.indexOf('--port') + 1]}`);
  });

  test('its files are readable by this user only, and it gets no secrets', async () => {
    process.env['FIREBREAK_TEST_SECRET'] = 'hunter2';
    onTestFinished(() => void delete process.env['FIREBREAK_TEST_SECRET']);
    const dynamodb = await startDynamoDb({ file, accessKeyId });
    const [pid] = databaseOver(file);
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).not.toContain('hunter2');
    expect((await stat(file)).mode & 0o077).toBe(0);
    await dynamodb.close();
  });
});

describe('a failed start reports how to fix it', () => {
  test('a missing folder', async () => {
    const start = startDynamoDb({ file: join(folder, 'missing', 'dynamodb.sqlite'), accessKeyId });
    await expect(start).rejects.toThrow(/did not start: it exited with status 1[^]*unable to open database file/);
  });

  test("a program that can't be executed", async () => {
    const start = startDynamoDb({ file, accessKeyId, binary: join(folder, 'no-dynoxide') });
    await expect(start).rejects.toThrow(/no-dynoxide cannot be executed. Set FIREBREAK_DYNOXIDE_BIN/);
  });

  test('a port in use, for example by a listener at another address: another port is used', async () => {
    const binary = await refusing('port 36083 is already in use (detected listener on 0.0.0.0:36083)');
    const dynamodb = await startDynamoDb({ file, accessKeyId, binary });
    await dynamodb.close();
    expect(await portsTried()).toHaveLength(2);
  });

  test('any other error is final', async () => {
    const binary = await refusing('unable to open database file');
    await expect(startDynamoDb({ file, accessKeyId, binary })).rejects.toThrow(/unable to open database file/);
    expect(await portsTried()).toHaveLength(1);
  });

  /** Returns a program that fails on its first start with this error, and works after that. */
  async function refusing(reason: string): Promise<string> {
    const path = join(folder, 'refusing-dynoxide');
    const script = `#!/bin/sh
      echo "$4" >> '${folder}/ports'
      [ "$(wc -l < '${folder}/ports')" -gt 1 ] && exec '${findDynoxide(undefined)}' "$@"
      echo 'error: ${reason}' >&2
      exit 1`;
    await writeFile(path, script, { mode: 0o700 });
    return path;
  }

  const portsTried = async (): Promise<string[]> => (await readFile(join(folder, 'ports'), 'utf8')).trim().split('\n');
});
