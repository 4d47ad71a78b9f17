import { appendFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { faultProxy } from '../support/fault-proxy.ts';
import { RATES } from './faults.ts';
import { told } from './aws.ts';

/**
 * Loaded into the product before it starts (`node --import`). Functions run inside the product, so their endpoint does,
 * too; this puts a fault proxy between the two: whoever the product tells the address of Lambda learns the proxy's.
 *
 * FIREBREAK_FAULT_SEED is the seed, FIREBREAK_FAULT_LOG a file that gets a line for each fault.
 */
const { FIREBREAK_FAULT_SEED: seed = '0', FIREBREAK_FAULT_LOG: log = '' } = process.env;
const NAME = 'AWS_ENDPOINT_URL_LAMBDA';

/** Where the endpoint really is is known only once the product has started it. */
let endpoint: URL | undefined;
const relay = createServer((near) => {
  const far = connect(Number(endpoint?.port), endpoint?.hostname);
  near.on('error', () => far.destroy()).pipe(far);
  far.on('error', () => near.destroy()).pipe(near);
});
await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
relay.unref();

const proxy = await faultProxy({
  upstream: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
  service: 'lambda',
  seed: Number(seed),
  rates: RATES.lambda,
});

let written = 0;
setInterval(() => {
  for (const line of told('lambda', proxy.log.slice(written))) appendFileSync(log, `${line}\n`);
  written = proxy.log.length;
}, 50).unref();

process.env = new Proxy(process.env, {
  set: (env, name, value: string) => {
    if (name === NAME) endpoint = new URL(value);
    return Reflect.set(env, name, name === NAME ? proxy.url : value);
  },
});
