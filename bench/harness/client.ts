import { Agent, request as httpRequest } from 'node:http';

/** Maximum connections to one server. Further requests wait for one of them. */
const CONNECTIONS = 64;

/** HTTP client for one server with persistent connections. Its own cost is small compared to the measurements. */
export type Client = {
  /**
   * Resolves when the whole response has arrived.
   *
   * @throws Error if the response is not 2xx or missing
   */
  send(method: 'GET' | 'POST', path: string, body?: object): Promise<void>;
  close(): void;
};

export function clientOf(url: string, headers: Readonly<Record<string, string>> = {}): Client {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const options = { hostname, port, agent, headers: { ...headers, 'content-type': 'application/json' } };
  return {
    send: (method, path, body) =>
      new Promise((resolve, reject) => {
        httpRequest({ ...options, method, path }, (response) => {
          const status = response.statusCode ?? 0;
          const done = () => (status >= 200 && status < 300 ? resolve() : reject(new Error(`answered ${status}`)));
          response.once('error', reject).once('end', done).resume();
        })
          .once('error', reject)
          .end(body && JSON.stringify(body));
      }),
    close: () => agent.destroy(),
  };
}
