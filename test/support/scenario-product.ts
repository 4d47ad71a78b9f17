import { setTimeout as sleep } from 'node:timers/promises';
import { Firebreak, type FirebreakOptions } from './firebreak.ts';

type Answer = Awaited<ReturnType<Firebreak['request']>>;

/** How long a sender goes on sending until it has its answer. Milliseconds. */
const INSIST_MS = 60_000;
const PAUSE_MS = 25;

type EnvironmentOf = (life: number) => Record<string, string> | Promise<Record<string, string>>;

/** The product with somebody at its side who starts it again whenever it has died, as a supervisor does. */
export class AttendedProduct {
  /** How often it has died. */
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

  /** @param environmentOf more environment for each of its lives, the first of which is 1 */
  static async start(options: FirebreakOptions, environmentOf: EnvironmentOf = () => ({})): Promise<AttendedProduct> {
    const env = { LOG_LEVEL: 'debug', ...options.env }; // its steps are waited for
    return new AttendedProduct(await Firebreak.prepare({ ...options, env }), environmentOf);
  }

  /** Everything it has printed, of all its lives. */
  get output(): string {
    return this.#firebreak.output;
  }

  kill9(): Promise<void> {
    return this.#firebreak.kill9();
  }

  /** Asks until there is an answer that is no server error, as senders do which must not lose what they say. */
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
    throw new Error(`no answer to ${method} ${path} in ${INSIST_MS} ms`, { cause: last });
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

  /** It may be killed while it starts, too; one that ends in another way would do so again. */
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
