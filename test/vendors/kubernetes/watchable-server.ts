import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Stored = { version: number; type: string; object: object };

/**
 * An API server in front of the stand-in's cluster that also serves watches of one object, as the documentation
 * describes them: it has the changes of a limited time, sends bookmarks if the client allows them, closes streams, and
 * answers 410 for a version whose changes it no longer has.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class WatchableServer {
  readonly url: string;
  /** Queries of the watches, in order. */
  readonly watches: URLSearchParams[] = [];
  /** Status of the next watches. */
  refusal: number | undefined;
  /** How a version that is too old is answered: by the response's status, or in a stream. */
  expiry: 'status' | 'event' = 'status';
  lists = 0;
  readonly #server: Server;
  readonly #upstream: string;
  readonly #path: string;
  readonly #open = new Set<ServerResponse>();
  #events: Stored[] = [];
  #oldest = 0;
  #version = 0;

  private constructor(server: Server, upstream: string, path: string) {
    this.#server = server;
    this.#upstream = upstream;
    this.#path = path;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param path of the object, such as `/apis/apps/v1/namespaces/default/deployments/checkout` */
  static async start(upstream: string, path: string): Promise<WatchableServer> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const made = new WatchableServer(server, upstream, path);
    server.on('request', (request, response) => {
      const url = new URL(request.url ?? '', made.url);
      if (url.searchParams.get('watch') === 'true') made.#watch(url.searchParams, response);
      else
        void made.#forward(url, request.headers.authorization ?? '').then(
          ({ status, text }) => response.writeHead(status, { 'content-type': 'application/json' }).end(text),
          (error: unknown) => response.writeHead(502).end(String(error)),
        );
    });
    return made;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Sends the present state of the object as a change. `pieces`: the event arrives in several. */
  async change({ pieces = 1 } = {}): Promise<void> {
    const { text } = await this.#forward(new URL(this.#path, this.url), 'Bearer test');
    const object = JSON.parse(text) as { metadata: { resourceVersion: string } };
    this.#version = Number(object.metadata.resourceVersion);
    const event = { version: this.#version, type: 'MODIFIED', object };
    this.#events.push(event);
    const line = Buffer.from(lineOf(event));
    const size = Math.ceil(line.length / pieces);
    for (const stream of this.#open)
      for (let at = 0; at < line.length; at += size) stream.write(line.subarray(at, at + size));
  }

  /** Sends a bookmark: there is no change of the object up to this version. */
  bookmark(version: number): void {
    this.#version = version;
    const object = {
      kind: 'Deployment',
      apiVersion: 'apps/v1',
      metadata: { resourceVersion: String(version), creationTimestamp: null },
    };
    for (const stream of this.#open) stream.write(lineOf({ type: 'BOOKMARK', object }));
  }

  /** Ends all streams with a line instead of a change. */
  endWith(line: string): void {
    for (const stream of this.#open) stream.end(`${line}\n`);
    this.#open.clear();
  }

  /** Closes all streams: after their time, or as if the connection had broken within an event. */
  close(how: 'in-time' | 'broken' = 'in-time'): void {
    for (const stream of this.#open) {
      if (how === 'in-time') stream.end();
      else stream.write('{"type":"MODIF', () => stream.destroy());
    }
    this.#open.clear();
  }

  /** Forgets all changes, so that older versions are too old. */
  compact(): void {
    this.#events = [];
    this.#oldest = this.#version + 1;
  }

  async stop(): Promise<void> {
    this.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #watch(query: URLSearchParams, response: ServerResponse): void {
    this.watches.push(query);
    const since = Number(query.get('resourceVersion'));
    const gone = status(410, 'Expired', `too old resource version: ${since} (${this.#oldest})`);
    if (this.refusal !== undefined) return send(response, this.refusal, status(this.refusal, 'Forbidden', 'no'));
    if (since < this.#oldest && this.expiry === 'status') return send(response, 410, gone);
    response.writeHead(200, { 'content-type': 'application/json' });
    if (since < this.#oldest) return void response.end(lineOf({ type: 'ERROR', object: gone }));
    response.flushHeaders();
    for (const event of this.#events.filter(({ version }) => version > since)) response.write(lineOf(event));
    this.#open.add(response);
    response.on('close', () => this.#open.delete(response));
  }

  async #forward({ pathname, search }: URL, authorization: string): Promise<{ status: number; text: string }> {
    if (!pathname.startsWith(this.#path) && this.#path.startsWith(pathname)) this.lists += 1;
    const answer = await fetch(this.#upstream + pathname + search, { headers: { authorization } });
    return { status: answer.status, text: await answer.text() };
  }
}

const lineOf = ({ type, object }: Pick<Stored, 'type' | 'object'>): string => `${JSON.stringify({ type, object })}\n`;

const status = (code: number, reason: string, message: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  code,
});

const send = (response: ServerResponse, code: number, body: object): void =>
  void response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
