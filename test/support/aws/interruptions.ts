import { AsyncLocalStorage } from 'node:async_hooks';
import type { Platform } from '../../../platforms/platform.ts';

/**
 * What befalls a call to the platform, after the call had its effect:
 * - `abort`: the invocation ends without a trace, as when its function runs out of memory
 * - `lose`: the caller gets an error, as when all attempts of the AWS client got no response
 */
export type Interruption = 'abort' | 'lose';

/** Decides about the `n`-th call (from 1) of a function to an operation, such as `route store.write`. */
export type Plan = (operation: string, n: number) => Interruption | undefined;

/** A call that was interrupted, or only counted: `route store.write 3`. */
export type CountedCall = { operation: string; n: number; interruption: Interruption | undefined };

type Invocation = { isOver: boolean; abort: (error: Error) => void };

/** Runs invocations of functions, and interrupts their calls to the platform as a plan says. */
export class Interruptions {
  readonly calls: CountedCall[] = [];
  plan: Plan = () => undefined;
  readonly #counts = new Map<string, number>();
  readonly #current = new AsyncLocalStorage<Invocation>();

  /** @throws Error if the invocation is aborted. It then calls the platform no more, whatever it still does */
  async invocation<T>(work: (invocation: Readonly<Pick<Invocation, 'isOver'>>) => Promise<T>): Promise<T> {
    const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
    const invocation = { isOver: false, abort };
    return this.#current.run(invocation, () => Promise.race([work(invocation), aborted]));
  }

  /** Returns the platform of a function, whose calls can be interrupted. */
  platform(name: string, { store, queues, executions, blobs, publicFiles, secrets, commits }: Platform): Platform {
    return {
      store: this.#port(`${name} store`, store),
      queues: this.#port(`${name} queues`, queues),
      executions: this.#port(`${name} executions`, executions),
      blobs: this.#port(`${name} blobs`, blobs),
      publicFiles: this.#port(`${name} publicFiles`, publicFiles),
      secrets: this.#port(`${name} secrets`, secrets),
      commits,
    };
  }

  #port<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) =>
          this.call(`${name}.${String(property)}`, () => Reflect.apply(member, target, args) as Promise<unknown>);
      },
    });
  }

  async call<T>(operation: string, effect: () => Promise<T>): Promise<T> {
    const invocation = this.#current.getStore();
    if (invocation?.isOver) return NEVER;
    const n = (this.#counts.get(operation) ?? 0) + 1;
    this.#counts.set(operation, n);
    const interruption = this.plan(operation, n);
    this.calls.push({ operation, n, interruption });
    const result = await effect();
    if (invocation?.isOver) return NEVER;
    if (interruption === 'lose') throw new Error(`no response to ${operation}`);
    if (interruption === 'abort' && invocation) {
      invocation.isOver = true;
      invocation.abort(new Error(`aborted after ${operation}`));
      return NEVER;
    }
    return result;
  }
}

const NEVER: Promise<never> = new Promise(() => undefined);
