import { appendFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type FaultProxy, faultProxy, type FaultRates, type Service } from '../support/fault-proxy.ts';
import { RATES } from './faults.ts';
import { told } from './aws.ts';

/**
 * Loaded into the product before it starts (`node --import`). Some AWS endpoints run inside the product. This puts a
 * fault proxy in front of each of them: the product publishes the proxy's address instead of the endpoint's.
 *
 * FIREBREAK_FAULT_SEED is the seed, FIREBREAK_FAULT_LOG a file that gets a line for each fault.
 */
const { FIREBREAK_FAULT_SEED: seed = '0', FIREBREAK_FAULT_LOG: log = '' } = process.env;

/** The address of an endpoint is known only after the product has started it. */
async function startBefore<S extends Service>(service: S, rates: FaultRates<S>) {
  let endpoint: URL | undefined;
  const relay = createServer((near) => {
    const far = connect(Number(endpoint?.port), endpoint?.hostname);
    near.on('error', () => far.destroy()).pipe(far);
    far.on('error', () => near.destroy()).pipe(near);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  relay.unref();
  const upstream = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
  const proxy: FaultProxy = await faultProxy({ upstream, service, seed: Number(seed), rates });
  let written = 0;
  setInterval(() => {
    for (const line of told(service, proxy.log.slice(written))) appendFileSync(log, `${line}\n`);
    written = proxy.log.length;
  }, 50).unref();
  return (url: string): string => {
    endpoint = new URL(url);
    return proxy.url;
  };
}

const proxies = new Map([
  ['AWS_ENDPOINT_URL_LAMBDA', await startBefore('lambda', RATES.lambda)],
  ['AWS_ENDPOINT_URL_SSM', await startBefore('ssm', RATES.ssm)],
  ['AWS_ENDPOINT_URL_S3', await startBefore('s3', RATES.s3)],
]);

process.env = new Proxy(process.env, {
  set: (env, name, value: string) => Reflect.set(env, name, proxies.get(String(name))?.(value) ?? value),
});
