import { randomInt } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '../endpoint.ts';
import { findDynoxide } from './binary.ts';
import { spawnTied, type TiedChild } from './tied-child.ts';
import { openTunnel } from './tunnel.ts';

export type LocalDynamoDb = Endpoint & {
  /** Resolves with the reason when the database exits by itself. Stays pending while it runs and after `close()`. */
  exited: Promise<Error>;
};

type Address = { host: string; port: number };

/** Milliseconds. Long, because the first start creates the file, perhaps on a slow disk. Later starts take tens of ms. */
const READY_WITHIN_MS = 10_000;
const READY_POLL_MS = 2;

/**
 * The program's error for a port that is in use. It refuses a port on which another process listens at any address,
 * even if the port is free at its own address. Another process can also take the port between the check and the start.
 */
const PORT_TAKEN = /already in use/i;
const START_TRIES = 5;

/**
 * Starts DynamoDB with the SQLite file `file`: the dynoxide program, and in front of it a tunnel that accepts only
 * callers who sign with `accessKeyId`. The program dies with this process.
 *
 * The program's own port checks no keys, and responds to web pages of any origin. Its only protection is an address
 * that is hard to find: a random one of the 16 million loopback addresses (if the system has more than 127.0.0.1) and a
 * random port, which are not published and not logged. A scan by a web page can't find it, but another *user* of this
 * machine can read it from the process list. On a machine shared with untrusted users, set `AWS_ENDPOINT_URL_DYNAMODB`
 * to a DynamoDB with real access control.
 *
 * @param options.binary the value of `FIREBREAK_DYNOXIDE_BIN`; undefined for the installed package for this platform
 * @throws Error with the program's output if it doesn't start
 */
export async function startDynamoDb(options: {
  file: string;
  accessKeyId: string;
  log?: (entry: object) => void;
  binary?: string | undefined;
}): Promise<LocalDynamoDb> {
  const { file, accessKeyId, log = () => {} } = options;
  const startedAt = performance.now();
  const { child, address, hideAddress } = await startProgram(findDynoxide(options.binary), file, log);
  const tunnel = await openTunnel(address, { accessKeyId });
  log({ event: 'dynamodb.ready', file, ms: Math.round(performance.now() - startedAt) });

  const closing = Promise.withResolvers<'closing'>();
  const exited = new Promise<Error>((resolve) => {
    void Promise.race([child.exited, closing.promise]).then((why) => {
      if (why !== 'closing') resolve(new Error(`DynamoDB for ${file} stopped: ${hideAddress(why)}`));
    });
  });
  return {
    url: tunnel.url,
    exited,
    close: async () => {
      closing.resolve('closing');
      await tunnel.close();
      await child.stop();
    },
  };
}

type Started = {
  child: TiedChild;
  address: Address;
  /** Removes the address from the program's output. */
  hideAddress(text: string): string;
};

/** Starts the program. Retries with another address if the port is in use. */
async function startProgram(program: string, file: string, log: (entry: object) => void): Promise<Started> {
  for (let tries = 1; ; tries += 1) {
    const address = await freeAddress();
    const { host, port } = address;
    const hideAddress = (text: string) => text.replaceAll(`${host}:${port}`, '(hidden)');
    const child = spawnTied(program, ['--host', host, '--port', `${port}`, '--db-path', file], (line) =>
      log({ event: 'dynamodb.output', line: hideAddress(line) }),
    );
    const exitReason = await untilReady(child, address);
    if (exitReason === undefined) return { child, address, hideAddress };
    if (!PORT_TAKEN.test(exitReason) || tries === START_TRIES) {
      throw new Error(
        `DynamoDB for ${file} did not start: ${exitReason}\nCheck that the folder exists, is writable, and has free space.`,
      );
    }
  }
}

/** Returns a free port on a random loopback address if there are several (Linux), otherwise on 127.0.0.1. */
async function freeAddress(): Promise<Address> {
  const randomHost = `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
  return (await freePort(randomHost).catch(() => undefined)) ?? (await freePort('127.0.0.1'));
}

async function freePort(host: string): Promise<Address> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { host, port };
}

/** Resolves with undefined when the program responds, or with the reason when it has exited or doesn't respond. */
async function untilReady(child: TiedChild, address: Address): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(READY_WITHIN_MS);
  let exitReason: string | undefined;
  void child.exited.then((why) => (exitReason = why));
  while (!(await isResponding(address, timeout))) {
    if (timeout.aborted) {
      await child.stop();
      exitReason = `no response within ${READY_WITHIN_MS / 1000} s`;
    }
    if (exitReason !== undefined) return exitReason;
    await sleep(READY_POLL_MS);
  }
  return undefined;
}

async function isResponding({ host, port }: Address, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(`http://${host}:${port}/`, { signal }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok ?? false;
}
