import { loadedOnce } from '../concurrency.ts';

/**
 * Returns a port whose code is loaded by the first call. For code that most starts don't need: each file that is loaded
 * delays the first request of a function, and takes memory on a machine.
 *
 * @param own methods that need no loading, because their callers can't wait
 */
export function loadedOnUse<
  Loaded extends { [Method in keyof Loaded]: (...args: never[]) => Promise<unknown> },
  Own extends object = object,
>(load: () => Promise<Loaded>, own?: Own): Loaded & Own {
  const loaded = loadedOnce(load);
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const port = await loaded();
    const called: unknown = Reflect.get(port, method);
    return Reflect.apply(called as (...all: unknown[]) => unknown, port, args);
  };
  return new Proxy({ ...own } as Loaded & Own, {
    get(target, method) {
      if (Object.hasOwn(target, method)) return Reflect.get(target, method) as unknown;
      // A promise that resolves with the port asks for `then`.
      return typeof method === 'string' && method !== 'then' ? (...args: unknown[]) => call(method, args) : undefined;
    },
  });
}
