import { createServer, type Server } from 'node:http';
import { close, listen } from './server.ts';

/** How often somebody uses it. */
const REQUEST_EVERY_MS = 50;

/** A service that people use all the time. Whether it fails them depends on the version that runs. */
export class ToyService {
  readonly name: string;
  /** The version that runs. */
  version = 'v1';
  /** The versions that answer every request with 500. */
  readonly broken = new Set<string>();
  url = '';
  readonly #answered = new Map([200, 500].map((code) => [code, 0]));
  readonly #server: Server;
  #users: NodeJS.Timeout | undefined;

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer((request, response) => {
      if (request.url === '/metrics') {
        response.setHeader('content-type', 'text/plain; version=0.0.4').end(this.#metrics());
        return;
      }
      const code = this.broken.has(this.version) ? 500 : 200;
      this.#answered.set(code, (this.#answered.get(code) ?? 0) + 1);
      response.writeHead(code).end();
    });
  }

  /** Starts it with version v1, which works, and with people who use it. */
  static async start(name: string): Promise<ToyService> {
    const service = new ToyService(name);
    service.url = await listen(service.#server);
    const use = () =>
      void fetch(service.url)
        .then((response) => response.text())
        .catch(() => undefined);
    service.#users = setInterval(use, REQUEST_EVERY_MS);
    return service;
  }

  /** Where Prometheus finds it, and what it is called there. */
  get target(): { url: string; labels: Record<string, string> } {
    return { url: this.url, labels: { service: this.name, environment: 'production' } };
  }

  async stop(): Promise<void> {
    clearInterval(this.#users);
    await close(this.#server);
  }

  #metrics(): string {
    const samples = [...this.#answered].map(([code, count]) => `requests_total{code="${code}"} ${count}\n`);
    return `# TYPE requests_total counter\n${samples.join('')}`;
  }
}
