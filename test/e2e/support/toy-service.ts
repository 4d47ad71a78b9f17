import { createServer, type Server } from 'node:http';
import { close, listen } from './server.ts';

/** Interval between requests, in milliseconds. */
const REQUEST_EVERY_MS = 50;

/**
 * A service with constant traffic. Requests fail depending on the version that responds, and on the service that it
 * needs.
 */
export class ToyService {
  readonly name: string;
  /** The last version that was deployed. */
  version = 'v1';
  /** During a canary: the version for the other requests, and the share of the canary as one of this number. */
  beside: { version: string; oneOf: number } | null = null;
  /** The versions that respond to every request with 500. */
  readonly broken = new Set<string>();
  /** The service that every response needs: if it fails, this one does too. */
  needs: ToyService | null = null;
  url = '';
  /** Number of requests by version and status. */
  readonly #answered = new Map<string, Map<number, number>>();
  #requests = 0;
  readonly #server: Server;
  #users: NodeJS.Timeout | undefined;

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer((request, response) => {
      if (request.url === '/metrics') {
        response.setHeader('content-type', 'text/plain; version=0.0.4').end(this.#metrics());
        return;
      }
      void this.#answer().then((code) => response.writeHead(code).end());
    });
  }

  /** Starts it with the working version v1, and with traffic. */
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

  /** The target for Prometheus: its URL and labels. */
  get target(): { url: string; labels: Record<string, string> } {
    return { url: this.url, labels: { service: this.name, environment: 'production' } };
  }

  async stop(): Promise<void> {
    clearInterval(this.#users);
    await close(this.#server);
  }

  async #answer(): Promise<number> {
    this.#requests += 1;
    const { version, beside } = this;
    const by = beside !== null && this.#requests % beside.oneOf !== 0 ? beside.version : version;
    const well = !this.broken.has(by) && (this.needs === null || (await answersWell(this.needs)));
    const code = well ? 200 : 500;
    const answered = this.#answeredBy(by);
    answered.set(code, (answered.get(code) ?? 0) + 1);
    return code;
  }

  /**
   * Initializes both counters of a version with zero, since Prometheus would not see an increase for its first error
   * otherwise.
   */
  #answeredBy(version: string): Map<number, number> {
    const known = this.#answered.get(version);
    if (known !== undefined) return known;
    const fresh = new Map([200, 500].map((code) => [code, 0]));
    this.#answered.set(version, fresh);
    return fresh;
  }

  #metrics(): string {
    const samples = [...this.#answered].flatMap(([version, codes]) =>
      [...codes].map(([code, count]) => `requests_total{version="${version}",code="${code}"} ${count}\n`),
    );
    return `# TYPE requests_total counter\n${samples.join('')}`;
  }
}

const answersWell = ({ url }: ToyService): Promise<boolean> =>
  fetch(url).then(
    async (response) => {
      await response.text();
      return response.ok;
    },
    () => false,
  );
