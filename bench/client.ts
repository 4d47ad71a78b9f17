import { Agent, request as httpRequest } from 'node:http';

/** Connections to one server, at most. Who asks more at once waits for one of them. */
const CONNECTIONS = 64;

/** Asks one server over connections that are kept. What it costs us to ask is little beside what is measured. */
export type Client = {
  /**
   * Resolves when the whole answer has arrived.
   *
   * @throws Error when the answer is not 2xx, or none comes
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
