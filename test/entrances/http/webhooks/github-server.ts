import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Firebreak } from '../../../support/firebreak.ts';

export const SECRET = 'dev-github-webhook-secret';

export type Review = { path: string; authorization: string; environment_name: string; state?: string; comment: string };

/** GitHub's API for gates: records reviews, and responds as configured. */
export class GithubServer {
  url = '';
  readonly reviews: Review[] = [];
  /** Responses to the next calls of a run. `hang`: no response. Default: 204. */
  readonly answers = new Map<number, (number | 'hang')[]>();
  /** Repositories to which the token has no access. */
  readonly unreadable = new Set<string>();
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const repository = /^\/repos\/([^/]+\/[^/]+)/.exec(request.url ?? '')?.[1] ?? '';
      const isUnreadable = this.unreadable.has(repository);
      if (request.method === 'GET' || isUnreadable) {
        response.writeHead(isUnreadable ? 404 : 200, { 'content-type': 'application/json' });
        response.end('{"message":"Not Found"}');
        return;
      }
      const run = Number(/\/runs\/(\d+)\//.exec(request.url ?? '')?.[1]);
      const answer = this.answers.get(run)?.shift() ?? 204;
      const { authorization = '' } = request.headers;
      const told = JSON.parse(Buffer.concat(chunks).toString()) as Omit<Review, 'path'>;
      this.reviews.push({ path: request.url ?? '', ...told, authorization });
      if (answer === 'hang') return;
      response.writeHead(answer, { 'content-type': 'application/json' });
      response.end(answer === 204 ? '' : JSON.stringify({ message: 'Requested failure' }));
    });
  });

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  /** The reviews of a run, in order. */
  of = (run: number): Review[] => this.reviews.filter(({ path }) => path.includes(`/runs/${run}/`));

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

type Inbound = { headers: Record<string, string>; body: string };

export const github = (name: string): Inbound =>
  JSON.parse(
    readFileSync(new URL(`../../../fixtures/github/${name}.request.json`, import.meta.url), 'utf8'),
  ) as Inbound;

/** Sends a webhook as GitHub does, with a signature as the only credential. */
export async function deliver(
  firebreak: Firebreak,
  { headers, body }: Inbound,
): Promise<{ status: number; body: any }> {
  const sent = new Headers(headers);
  for (const name of ['host', 'content-length']) sent.delete(name);
  const url = `${firebreak.url}/integrations/github/webhook`;
  const answer = await fetch(url, { method: 'POST', headers: sent, body });
  return { status: answer.status, body: await answer.json() };
}

let deliveries = 0;

/** Adds GitHub's signature. */
export const signed = (payload: unknown, event = 'deployment_protection_rule', secret = SECRET): Inbound => {
  const body = JSON.stringify(payload);
  deliveries += 1;
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': `72d3162e-cc78-11e3-81ab-${String(deliveries).padStart(12, '0')}`,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
  };
};

type RequestedJob = { run: number; sha: string; environment?: string; repository?: string; ref?: string; url?: string };

/** The webhook of GitHub when a job reaches a protected environment. */
export function requested(job: RequestedJob): Inbound {
  const { run, sha, environment = 'production', repository = 'octo-org/checkout-api', ref = 'main' } = job;
  const payload = JSON.parse(github('deployment-protection-rule-requested').body);
  const path = `/repos/${repository}/actions/runs/${run}/deployment_protection_rule`;
  return signed({
    ...payload,
    environment,
    deployment_callback_url: `${job.url ?? 'https://api.github.com'}${path}`,
    deployment: { ...payload.deployment, id: run * 10, sha, ref, environment },
    repository: { ...payload.repository, full_name: repository },
  });
}
