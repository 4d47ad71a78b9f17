import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as overTls } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { freePort } from '../../../packages/demo/free-port.ts';
import { spawnTied, type TiedChild } from '../../support/tied-child.ts';
import { eventually } from '../../support/firebreak.ts';
import { programPath } from '../../support/prometheus-stack.ts';

const DEPLOY = join(import.meta.dirname, '../../../deploy');

/** A name for this machine, for which the certificate is issued. */
const NAME = 'localhost';

/** A proxy with TLS, as shipped except for names, ports, and the certificate. */
export type Proxy = {
  /** Sends a request over TLS. Resolves with the complete response. */
  ask(path: string, options?: RequestOptions): Promise<Answer>;
  /** Sends a request over TLS. Resolves when the response starts, with its parts as they arrive. */
  open(path: string): Promise<AsyncIterator<string>>;
  url: string;
  /** The URL of its port without TLS. */
  plainUrl: string;
  /** The file with the certificate of its authority. */
  ca: string;
  stop(): Promise<void>;
};
type RequestOptions = { method?: string; headers?: Record<string, string>; body?: string };
type Answer = { status: number; headers: Record<string, unknown>; body: string };

export type Kind = 'nginx' | 'caddy';

/** @param upstream `http://127.0.0.1:PORT` */
export async function startProxy(kind: Kind, upstream: string): Promise<Proxy> {
  const folder = await mkdtemp(join(tmpdir(), `firebreak-${kind}-`));
  const [port, plainPort] = [await freePort(), await freePort()];
  const certificate = await selfSigned(folder);
  const around = { folder, port, plainPort, upstream: new URL(upstream).host, ...certificate };
  const lines: string[] = [];
  const child = await (kind === 'nginx' ? nginx(around, lines) : caddy(around, lines));
  const ca = await readFile(certificate.cert, 'utf8');
  const answering = (path: string, { method = 'GET', headers = {}, body }: RequestOptions = {}) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const request = overTls({ host: NAME, port, path, method, headers, ca, agent: false }, resolve);
      request.once('error', reject);
      request.end(body);
    });
  const stop = async () => {
    await child.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  await Promise.race([
    eventually(async () => (await answering('/sandbox')).statusCode === 404, `${kind} answers`),
    child.exited.then((why) => Promise.reject(new Error(why))),
  ]).catch(async (error: unknown) => {
    await stop();
    throw new Error(`${kind} did not start:\n${lines.join('\n')}`, { cause: error });
  });
  return {
    ask: async (path, options) => {
      const answer = await answering(path, options);
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
    },
    open: async (path) => {
      const answer = await answering(path);
      answer.setEncoding('utf8');
      return (answer as AsyncIterable<string>)[Symbol.asyncIterator]();
    },
    url: `https://${NAME}:${port}`,
    ca: certificate.cert,
    plainUrl: `http://${NAME}:${plainPort}`,
    stop,
  };
}

type Around = { folder: string; port: number; plainPort: number; upstream: string; cert: string; key: string };

/** Starts deploy/nginx.conf within a minimal configuration. */
async function nginx({ folder, port, plainPort, upstream, cert, key }: Around, lines: string[]): Promise<TiedChild> {
  const shipped = replaced(await readFile(join(DEPLOY, 'nginx.conf'), 'utf8'), [
    [/^ *listen \[::\].*\n/gm, ''],
    ['listen 80;', `listen 127.0.0.1:${plainPort};`],
    ['listen 443 ', `listen 127.0.0.1:${port} `],
    ['server 127.0.0.1:8080;', `server ${upstream};`],
    [/ssl_certificate [^;]*;/, `ssl_certificate ${cert};`],
    [/ssl_certificate_key [^;]*;/, `ssl_certificate_key ${key};`],
    [/server_name firebreak\.example\.com;/g, `server_name ${NAME};`],
  ]);
  await writeFile(join(folder, 'firebreak.conf'), shipped);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(folder, 'nginx.conf'),
    [
      ...(process.getuid?.() === 0 ? ['user root;'] : []), // only this account can read the folder
      'daemon off;',
      'master_process off;', // one process, so that a kill leaves no others
      `pid ${folder}/pid;`,
      'error_log stderr;',
      'events {}',
      `http { access_log off; ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}`,
      `include ${folder}/firebreak.conf; }`,
    ].join('\n'),
  );
  return spawnTied(pathOf('nginx'), ['-e', 'stderr', '-c', join(folder, 'nginx.conf')], (line) => lines.push(line));
}

/** Starts deploy/Caddyfile with its own certificate, as its first comment describes. */
async function caddy({ folder, port, plainPort, upstream, cert, key }: Around, lines: string[]): Promise<TiedChild> {
  const options = `{\n\tadmin off\n\thttp_port ${plainPort}\n\thttps_port ${port}\n}\n`;
  const shipped = replaced(await readFile(join(DEPLOY, 'Caddyfile'), 'utf8'), [
    ['\theader Strict', `\ttls ${cert} ${key}\n\theader Strict`],
  ]);
  await writeFile(join(folder, 'Caddyfile'), options + shipped);
  const settings = [`PUBLIC_HOSTNAME=${NAME}`, `UPSTREAM=${upstream}`, `HOME=${folder}`];
  const run = [...settings, pathOf('caddy'), 'run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
  return spawnTied('/usr/bin/env', run, (line) => lines.push(line));
}

function pathOf(program: Kind | 'openssl'): string {
  const path = programPath(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return path;
}

/** @throws Error if a text is missing, since the tested file would differ from the shipped one */
function replaced(shipped: string, all: readonly (readonly [string | RegExp, string])[]): string {
  return all.reduce((before, [from, to]) => {
    const after = typeof from === 'string' ? before.replaceAll(from, to) : before.replace(from, to);
    if (after === before) throw new Error(`${String(from)} is not in the file`);
    return after;
  }, shipped);
}

async function selfSigned(folder: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`, '-out', cert, '-keyout', key];
  await promisify(execFile)(pathOf('openssl'), [...request, ...names]);
  return { cert, key };
}
