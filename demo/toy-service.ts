import { once } from 'node:events';
import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Lately } from './lately.ts';

export type ToyOptions = {
  name: string;
  version: string;
  /** Services that are asked for each request; when one of them fails, so does this. */
  needs: readonly ToyService[];
  /** The error ratio is of as many requests as there are in so many milliseconds. */
  windowMs: number;
  /** How often somebody uses it. */
  requestEveryMs: number;
};

/** A real HTTP service that people use all the time. How many of them it fails depends on the version that runs. */
export class ToyService {
  readonly name: string;
  /** The version that runs. */
  version: string;
  /** The share of requests that a version fails, 0 to 1; those that are not named fail none. */
  readonly failing = new Map<string, number>();
  /** It is gone, whatever version runs: every request fails. */
  down = false;
  readonly #needs: readonly ToyService[];
  readonly #lately: Lately;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: Server;
  #users: NodeJS.Timeout | undefined;
  /** Grows by the share of failures; whole numbers are failures. So the ratio is steady, as with many more users. */
  #owed = 0;

  private constructor({ name, version, needs, windowMs, requestEveryMs }: ToyOptions) {
    this.name = name;
    this.version = version;
    this.#needs = needs;
    this.#lately = new Lately(windowMs / requestEveryMs);
    this.#server = createServer((_, response) => {
      void this.#serve().then((ok) => response.writeHead(ok ? 200 : 500).end());
    });
  }

  /** Starts it, with people who use it. */
  static async start(options: ToyOptions): Promise<ToyService> {
    const toy = new ToyService(options);
    toy.#server.listen(0, '127.0.0.1');
    await once(toy.#server, 'listening');
    toy.#users = setInterval(() => void toy.#use(), options.requestEveryMs);
    return toy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** The share of its users' requests that have failed lately, 0 to 1; `null` before enough were served. */
  get errorRatio(): number | null {
    return this.#lately.errorRatio;
  }

  async stop(): Promise<void> {
    clearInterval(this.#users);
    this.#agent.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(): Promise<boolean> {
    if (this.down) return false;
    this.#owed += this.failing.get(this.version) ?? 0;
    if (this.#owed >= 1) {
      this.#owed -= 1;
      return false;
    }
    const answers = await Promise.all(this.#needs.map(({ url }) => this.#ask(url)));
    return answers.every(Boolean);
  }

  async #use(): Promise<void> {
    const ok = await this.#ask(this.url);
    this.#lately.served({ failed: !ok });
  }

  /** Whether all is well there. */
  #ask(url: string): Promise<boolean> {
    return new Promise((resolve) => {
      const request = get(url, { agent: this.#agent }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode === 200));
      });
      request.once('error', () => resolve(false));
    });
  }
}
