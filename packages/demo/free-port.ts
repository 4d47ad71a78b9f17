import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral port range, so that the system does not assign the port to another program. */
const PORTS = { first: 20_000, count: 10_000 };

/** Ports that were returned, which their programs may not have opened yet. */
const returned = new Set<number>();

/** Returns a free port of the loopback address, another one for each call in a process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    if (returned.has(port)) continue;
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    returned.add(port);
    return port;
  }
}
