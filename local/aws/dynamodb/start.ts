import { randomInt } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint } from '../endpoint.ts';
import { findDynoxide } from './binary.ts';
import { spawnTied, type TiedChild } from './tied-child.ts';
import { openTunnel } from './tunnel.ts';

export type LocalDynamoDb = Endpoint & {
  /** Resolves with the reason when the database died by itself. Stays pending while it runs and after `close()`. */
  exited: Promise<Error>;
};

type Address = { host: string; port: number };

/** The first start on a slow disk creates the file; later ones answer in tens of milliseconds. */
const READY_WITHIN_MS = 10_000;
const READY_POLL_MS = 2;

/**
 * It refuses a port on which anybody listens at any address, though at its own address the port is free; and somebody
 * may take the port between our look and its start.
 */
const PORT_TAKEN = /already in use/i;
const START_TRIES = 5;

/**
 * Starts DynamoDB over the SQLite file `file`: the dynoxide program, and in front of it a tunnel that only lets in
 * callers who sign with `accessKeyId`. The program dies with this process.
 *
 * The program's own port knows no keys, and answers web pages of any origin. All that protects it is that its address
 * is hard to find: a random one of the 16 million of loopback (where the system has more than 127.0.0.1) and a random
 * port, told to nobody and kept out of the log. A scan by a web page will not hit it; another *user* of this machine can
 * read it from the process list, so a machine shared with people you do not trust needs a DynamoDB with real access
 * control, by `AWS_ENDPOINT_URL_DYNAMODB`.
 *
 * @param options.binary the value of `FIREBREAK_DYNOXIDE_BIN`; undefined: the installed package of this platform
 * @throws Error with what the program wrote when it did not start
 */
export async function startDynamoDb(options: {
  file: string;
  accessKeyId: string;
  log?: (entry: object) => void;
  binary?: string | undefined;
}): Promise<LocalDynamoDb> {
  const { file, accessKeyId, log = () => {} } = options;
  const begun = performance.now();
  const { child, address, hidden } = await startProgram(findDynoxide(options.binary), file, log);
  const tunnel = await openTunnel(address, { accessKeyId });
  log({ event: 'dynamodb.ready', file, ms: Math.round(performance.now() - begun) });

  const closing = Promise.withResolvers<'closing'>();
  const exited = new Promise<Error>((resolve) => {
    void Promise.race([child.exited, closing.promise]).then((why) => {
      if (why !== 'closing') resolve(new Error(`DynamoDB over ${file} has stopped: ${hidden(why)}`));
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
  /** Takes the address out of what the program says. */
  hidden(text: string): string;
};

/** Starts the program, on another address when it refuses one for its port. */
async function startProgram(program: string, file: string, log: (entry: object) => void): Promise<Started> {
  for (let tries = 1; ; tries += 1) {
    const address = await freeAddress();
    const { host, port } = address;
    const hidden = (text: string) => text.replaceAll(`${host}:${port}`, '(hidden)');
    const child = spawnTied(program, ['--host', host, '--port', `${port}`, '--db-path', file], (line) =>
      log({ event: 'dynamodb.output', line: hidden(line) }),
    );
    const gone = await untilReady(child, address);
    if (gone === undefined) return { child, address, hidden };
    if (!PORT_TAKEN.test(gone) || tries === START_TRIES) {
      throw new Error(`DynamoDB over ${file} did not start: ${gone}\nIs the folder there, writable, and not full?`);
    }
  }
}

/** A port that was free a moment ago, on a random loopback address where there are several (Linux), else 127.0.0.1. */
async function freeAddress(): Promise<Address> {
  const hidden = `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
  return (await freePort(hidden).catch(() => undefined)) ?? (await freePort('127.0.0.1'));
}

async function freePort(host: string): Promise<Address> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return { host, port };
}

/** Resolves when the program answers; with the reason when it has gone, or never did. */
async function untilReady(child: TiedChild, address: Address): Promise<string | undefined> {
  const gaveUp = AbortSignal.timeout(READY_WITHIN_MS);
  let gone: string | undefined;
  void child.exited.then((why) => (gone = why));
  while (!(await answers(address, gaveUp))) {
    if (gaveUp.aborted) {
      await child.stop();
      gone = `it did not answer within ${READY_WITHIN_MS / 1000} s`;
    }
    if (gone !== undefined) return gone;
    await sleep(READY_POLL_MS);
  }
  return undefined;
}

async function answers({ host, port }: Address, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(`http://${host}:${port}/`, { signal }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok ?? false;
}
