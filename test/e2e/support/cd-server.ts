import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { close, listen, textOf } from './server.ts';
import type { ToyService } from './toy-service.ts';

export const CD_TOKEN = 'the-token-of-the-cd-system';

/** Duration of a rollback that is not held up, in milliseconds. */
const ROLLBACK_MS = 200;

/** The request of `kind: http`. */
type RollbackRequest = {
  service: string;
  environment: string;
  from_version: string;
  to_version: string;
  incident_id: string;
  reason: string;
  idempotency_key: string;
};

type Rollback = {
  id: string;
  key: string;
  service: string;
  from: string;
  to: string;
  state: 'in_progress' | 'succeeded';
};

/**
 * A team's own CD system, written only from the contract of `kind: http`. Its rollbacks really change the version of a
 * toy service.
 */
export class CdServer {
  url = '';
  /** All rollback requests in order of arrival, including repeats. */
  readonly requests: RollbackRequest[] = [];
  /** Number of status requests for rollbacks. */
  looks = 0;
  readonly #rollbacks: Rollback[] = [];
  readonly #services = new Map<string, ToyService>();
  readonly #server: Server;
  /** While set, rollbacks wait for `finish`, and their first responses for `answer`. */
  #finish = Promise.withResolvers<void>();
  #answer = Promise.withResolvers<void>();

  private constructor(services: readonly ToyService[]) {
    for (const service of services) this.#services.set(service.name, service);
    this.#finish.resolve();
    this.#answer.resolve();
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        if (!response.headersSent) send(response, 500, { error: String(error) });
      });
    });
  }

  static async start(services: readonly ToyService[]): Promise<CdServer> {
    const cd = new CdServer(services);
    cd.url = await listen(cd.#server);
    return cd;
  }

  stop(): Promise<void> {
    return close(this.#server);
  }

  /** Returns the started rollbacks of a service. Each one really changes the running version. */
  rollbacksOf(service: string): { from: string; to: string }[] {
    return this.#rollbacks.filter((rollback) => rollback.service === service).map(({ from, to }) => ({ from, to }));
  }

  /** Returns the distinct keys of the rollback requests for a service. */
  keysOf(service: string): string[] {
    return [...new Set(this.requestsOf(service).map((request) => request.idempotency_key))];
  }

  requestsOf(service: string): RollbackRequest[] {
    return this.requests.filter((request) => request.service === service);
  }

  /** Lets rollbacks start, but not end until the returned function is called. */
  holdUp(): () => void {
    this.#finish = Promise.withResolvers();
    return this.#finish.resolve;
  }

  /** Lets rollbacks start, but sends no response until the returned function is called. */
  keepSilent(): () => void {
    this.#answer = Promise.withResolvers();
    return this.#answer.resolve;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== `Bearer ${CD_TOKEN}`) return send(response, 401, { error: 'who are you?' });
    if (request.method === 'GET') return this.#look(request.url ?? '', response);
    const asked = JSON.parse(await textOf(request)) as RollbackRequest;
    const key = request.headers['idempotency-key'];
    if (key !== asked.idempotency_key) return send(response, 422, { error: 'Idempotency-Key is not idempotency_key' });
    this.requests.push(asked);
    const judged = this.#judge(asked);
    if ('refusal' in judged) return send(response, judged.status, judged.refusal);
    const { id, state } = judged;
    await this.#answer.promise;
    return send(response, state === 'in_progress' ? 202 : 200, { id, status: state, status_url: `/rollbacks/${id}` });
  }

  #look(path: string, response: ServerResponse): void {
    this.looks += 1;
    const rollback = this.#rollbacks.find(({ id }) => path === `/rollbacks/${id}`);
    if (rollback === undefined) return send(response, 404, { error: 'no such rollback' });
    return send(response, 200, { id: rollback.id, status: rollback.state });
  }

  /**
   * Returns the first rollback for a repeated key. Otherwise, starts a new one if the running version is the one to
   * roll back from.
   */
  #judge(asked: RollbackRequest): Rollback | { status: number; refusal: object } {
    const { service: name, from_version: from, to_version: to, idempotency_key: key } = asked;
    const first = this.#rollbacks.find((rollback) => rollback.key === key);
    if (first) return first;
    const service = this.#services.get(name);
    if (service === undefined) return { status: 404, refusal: { error: 'unknown service' } };
    if (service.version !== from) return { status: 409, refusal: { current_version: service.version } };
    const rollback: Rollback = {
      id: `rb-${this.#rollbacks.length + 1}`,
      key,
      service: name,
      from,
      to,
      state: 'in_progress',
    };
    this.#rollbacks.push(rollback);
    void this.#carryOut(rollback, service);
    return rollback;
  }

  async #carryOut(rollback: Rollback, service: ToyService): Promise<void> {
    await Promise.all([this.#finish.promise, sleep(ROLLBACK_MS)]);
    service.version = rollback.to;
    rollback.state = 'succeeded';
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
