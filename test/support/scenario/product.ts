import { setTimeout as sleep } from 'node:timers/promises';
import { Firebreak, type FirebreakOptions } from '../firebreak.ts';

type Answer = Pick<Awaited<ReturnType<Firebreak['request']>>, 'status' | 'body'>;

/** Milliseconds for which a sender retries until it gets a response. Against hanging. */
const INSIST_MS = 120_000;
const PAUSE_MS = 25;

/** What a story needs of the product: requests, which are repeated until they have a response, and its log. */
export type Product = Pick<AttendedProduct, 'insist' | 'get' | 'output'>;

type EnvironmentOf = (life: number) => Record<string, string> | Promise<Record<string, string>>;

/** The product with a supervisor that starts it again whenever it has died. */
export class AttendedProduct {
  /** Number of deaths. */
  deaths = 0;
  readonly #firebreak: Firebreak;
  readonly #environmentOf: EnvironmentOf;
  #up: Promise<void>;
  #over = false;

  private constructor(firebreak: Firebreak, environmentOf: EnvironmentOf) {
    this.#firebreak = firebreak;
    this.#environmentOf = environmentOf;
    this.#up = this.#startUntilItIsUp();
    void this.#attend();
  }

  /** @param environmentOf additional environment for each life, starting at 1 */
  static async start(options: FirebreakOptions, environmentOf: EnvironmentOf = () => ({})): Promise<AttendedProduct> {
    const env = { LOG_LEVEL: 'debug', ...options.env }; // the tests wait for log lines of its steps
    return new AttendedProduct(await Firebreak.prepare({ ...options, env }), environmentOf);
  }

  /** The output of all its lives. */
  get output(): string {
    return this.#firebreak.output;
  }

  kill9(): Promise<void> {
    return this.#firebreak.kill9();
  }

  /** Repeats a request until the response is not a server error, like senders that must not lose data. */
  async insist(method: string, path: string, body?: unknown): Promise<Answer> {
    const end = Date.now() + INSIST_MS;
    let last: unknown;
    while (Date.now() < end) {
      await this.#up;
      try {
        const answer = await this.#firebreak.request(method, path, body);
        if (answer.status < 500) return answer;
        last = answer;
      } catch (error) {
        last = error; // it died meanwhile
      }
      await sleep(PAUSE_MS);
    }
    throw new Error(`no response to ${method} ${path} in ${INSIST_MS} ms`, { cause: last });
  }

  get = (path: string): Promise<Answer> => this.insist('GET', path);

  async remove(): Promise<void> {
    this.#over = true;
    await this.#isUp();
    await this.#firebreak.remove();
  }

  async #attend(): Promise<void> {
    for (;;) {
      if (!(await this.#isUp())) return;
      await this.#firebreak.exited();
      if (this.#over) return;
      this.deaths += 1;
      this.#up = this.#startUntilItIsUp();
    }
  }

  #isUp = (): Promise<boolean> =>
    this.#up.then(
      () => true,
      () => false,
    );

  /** Starts it until it is ready, since it can be killed while it starts. Other exits are errors. */
  async #startUntilItIsUp(): Promise<void> {
    for (;;) {
      try {
        return await this.#firebreak.start(await this.#environmentOf(this.deaths + 1));
      } catch (error) {
        if (this.#over || !String(error).includes('SIGKILL')) throw error;
        this.deaths += 1;
      }
    }
  }
}
