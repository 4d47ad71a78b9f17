import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PROGRAMS = ['prometheus-alertmanager', 'alertmanager'];
const READY_TRIES = 100;

/** A running Alertmanager that notifies nobody. */
export type Alertmanager = { url: string; stop(): Promise<void> };

/** Starts a real Alertmanager. Undefined: none is installed. */
export async function startAlertmanager(folder: string): Promise<Alertmanager | undefined> {
  const program = PROGRAMS.find(isInstalled);
  if (program === undefined) return undefined;
  const file = join(folder, 'alertmanager.yml');
  await writeFile(file, 'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n');
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    program,
    [
      `--config.file=${file}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  );
  const stop = () => stopped(child);
  const end = () => void child.kill('SIGKILL'); // it does not end by itself with this process
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  for (let tries = 0; ; tries += 1) {
    const isReady = await fetch(`http://${address}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return { url: `http://${address}`, stop };
    if (tries > READY_TRIES) {
      await stop();
      throw new Error(`${program} is not ready`);
    }
    await sleep(100);
  }
}

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
