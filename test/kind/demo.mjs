/*
 * `node demo.mjs serve`: a service that fails as its version (FAULT) or its ConfigMap says.
 * `node demo.mjs load SERVICE=URL SERVICE~URL…`: ten requests per second to each, counted by service, version, and result, for
 * Prometheus. With ~, only responses count: nothing listens there most of the time.
 */
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';

const PORT = 8080;
const SLOW_MS = 500;
const LIMIT_MS = 2000;
const [mode, ...targets] = process.argv.slice(2);

/**
 * Returns the status and the version of a response; status 0 if there is none.
 *
 * @param {string} url
 * @returns {Promise<{ status: number | undefined, version: string }>}
 */
const request = (url) =>
  new Promise((resolve) => {
    const sent = get(url, { agent: false, timeout: LIMIT_MS }, (response) => {
      response.resume();
      response.once('close', () =>
        resolve({ status: response.statusCode, version: String(response.headers['x-version'] ?? '') }),
      );
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve({ status: 0, version: '' }));
  });

function serve() {
  const { VERSION, FAULT, DEPENDENCY } = process.env;
  const own = JSON.parse(FAULT ?? '{}');
  const settings = () => ({ ...own, ...JSON.parse(readFileSync('/etc/demo/settings.json', 'utf8')) });
  let share = 0;
  /** @param {import('node:http').ServerResponse} response */
  const answer = async (response) => {
    const { errors = 0, delayMs = 0 } = settings();
    share += errors;
    const fails = share >= 1;
    if (fails) share -= 1;
    const failed = fails || (DEPENDENCY !== undefined && (await request(DEPENDENCY)).status !== 200);
    setTimeout(() => response.writeHead(failed ? 500 : 200, { 'x-version': VERSION }).end(), delayMs);
  };
  createServer(({ url }, response) => (url === '/healthz' ? response.end() : void answer(response))).listen(PORT);
  if (own.crashAfterSeconds !== undefined) setTimeout(() => process.exit(1), own.crashAfterSeconds * 1000);
  process.once('SIGTERM', () => process.exit(0));
}

function load() {
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @param {string} target */
  const count = async (target) => {
    const [service = '', url = ''] = target.split(/[=~]/);
    const began = performance.now();
    const { status, version } = await request(url);
    if (status === 0 && target.includes('~')) return;
    const slow = performance.now() - began > SLOW_MS;
    const result = status !== 200 ? 'error' : slow ? 'slow' : 'ok';
    const series = `demo_requests_total{service="${service}",version="${version}",result="${result}"}`;
    counts.set(series, (counts.get(series) ?? 0) + 1);
  };
  for (const target of targets) setInterval(() => void count(target), 100);
  const exposition = () => [...counts].map(([series, value]) => `${series} ${value}\n`).join('');
  createServer((_, response) => response.end(exposition())).listen(PORT);
  process.once('SIGTERM', () => process.exit(0));
}

if (mode === 'serve') serve();
else load();
