/**
 * Returns a port whose code is loaded by the first call. For code that most starts don't need: each file that is loaded
 * delays the first request of a function, and takes memory on a machine.
 */
export function loadedOnUse<Port extends { [Method in keyof Port]: (...args: never[]) => Promise<unknown> }>(
  load: () => Promise<Port>,
): Port {
  let loading: Promise<Port> | undefined;
  const call = async (method: string, args: unknown[]): Promise<unknown> => {
    const port = await (loading ??= load());
    const called: unknown = Reflect.get(port, method);
    return Reflect.apply(called as (...all: unknown[]) => unknown, port, args);
  };
  return new Proxy({} as Port, {
    get: (_, method) =>
      // A promise that resolves with the port asks for `then`.
      typeof method === 'string' && method !== 'then' ? (...args: unknown[]) => call(method, args) : undefined,
  });
}
