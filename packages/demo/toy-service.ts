import { once } from 'node:events';
import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ErrorRatio } from './error-ratio.ts';

export type ToyOptions = {
  name: string;
  version: string;
  /** Services that are called for each request. If one of them fails, the request fails. */
  dependencies: readonly ToyService[];
  /** Window of the error ratio in milliseconds, converted to a number of requests. */
  windowMs: number;
  /** Interval between requests in milliseconds. */
  requestEveryMs: number;
};

/** A real HTTP service with constant traffic. Its error ratio depends on the running version. */
export class ToyService {
  readonly name: string;
  /** Running version. */
  version: string;
  /** Share of failing requests by version, 0 to 1. Other versions fail none. */
  readonly failing = new Map<string, number>();
  /** Whether every request fails, whatever the version. */
  down = false;
  readonly #dependencies: readonly ToyService[];
  readonly #recentRequests: ErrorRatio;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: Server;
  #traffic: NodeJS.Timeout | undefined;
  /** Accumulates the share of failures; each whole number is one failed request. Keeps the ratio steady without chance. */
  #failureDebt = 0;

  private constructor({ name, version, dependencies, windowMs, requestEveryMs }: ToyOptions) {
    this.name = name;
    this.version = version;
    this.#dependencies = dependencies;
    this.#recentRequests = new ErrorRatio(windowMs / requestEveryMs);
    this.#server = createServer((_, response) => {
      void this.#serve().then((ok) => response.writeHead(ok ? 200 : 500).end());
    });
  }

  /** Starts the service and its traffic. */
  static async start(options: ToyOptions): Promise<ToyService> {
    const toy = new ToyService(options);
    toy.#server.listen(0, '127.0.0.1');
    await once(toy.#server, 'listening');
    toy.#traffic = setInterval(() => void toy.#sendRequest(), options.requestEveryMs);
    return toy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Share of recent requests that failed, 0 to 1; `null` before the minimum number of requests. */
  get errorRatio(): number | null {
    return this.#recentRequests.errorRatio;
  }

  async stop(): Promise<void> {
    clearInterval(this.#traffic);
    this.#agent.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(): Promise<boolean> {
    if (this.down) return false;
    this.#failureDebt += this.failing.get(this.version) ?? 0;
    if (this.#failureDebt >= 1) {
      this.#failureDebt -= 1;
      return false;
    }
    const answers = await Promise.all(this.#dependencies.map(({ url }) => this.#isHealthy(url)));
    return answers.every(Boolean);
  }

  async #sendRequest(): Promise<void> {
    const ok = await this.#isHealthy(this.url);
    this.#recentRequests.served({ failed: !ok });
  }

  /** Returns whether a URL responds with 200. */
  #isHealthy(url: string): Promise<boolean> {
    return new Promise((resolve) => {
      const request = get(url, { agent: this.#agent }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode === 200));
      });
      request.once('error', () => resolve(false));
    });
  }
}
