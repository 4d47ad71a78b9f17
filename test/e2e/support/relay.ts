import { createServer, type Server } from 'node:http';
import { close, listen, textOf } from './server.ts';

/** One request of an Alertmanager on its way to Firebreak. */
export type Delivery = {
  path: string;
  headers: Record<string, string>;
  text: string;
  /** The statuses of its alerts, in order. */
  statuses: string[];
  services: string[];
};

export type Answer = { status: number; text: string };

/**
 * The handling of a delivery. `forward` forwards it, and rejects if no program listens. `lost` closes the sender's
 * connection without a response, regardless of the response of Firebreak.
 */
export type Handling = (delivery: Delivery, forward: () => Promise<Answer>) => Promise<Answer | 'lost'>;

const handOn: Handling = (_, forward) => forward();

/** A relay between an Alertmanager and Firebreak, like a load balancer, that records deliveries. */
export class Relay {
  url = '';
  readonly deliveries: Delivery[] = [];
  /** Forwards all deliveries by default. */
  handling: Handling = handOn;
  readonly #server: Server;

  private constructor(target: string) {
    this.#server = createServer((request, response) => {
      void (async () => {
        const delivery = await read(request.url ?? '/', request.headers, textOf(request));
        this.deliveries.push(delivery);
        const answer = await this.handling(delivery, () => post(target, delivery)).catch(() => 'lost' as const);
        if (answer === 'lost') request.socket.destroy();
        else response.writeHead(answer.status).end(answer.text);
      })();
    });
  }

  /** @param target the URL of Firebreak, also after it was started again */
  static async start(target: string): Promise<Relay> {
    const relay = new Relay(target);
    relay.url = await listen(relay.#server);
    return relay;
  }

  stop(): Promise<void> {
    return close(this.#server);
  }

  /** Returns the deliveries about a service: the statuses of each request. */
  about(service: string): string[][] {
    return this.deliveries.filter(({ services }) => services.includes(service)).map(({ statuses }) => statuses);
  }
}

type Group = { alerts: { status: string; labels: Record<string, string> }[] };

async function read(path: string, all: NodeJS.Dict<string | string[]>, body: Promise<string>): Promise<Delivery> {
  const text = await body;
  const { alerts } = JSON.parse(text) as Group;
  const headers = Object.fromEntries(
    ['authorization', 'content-type', 'user-agent'].map((name) => [name, String(all[name] ?? '')]),
  );
  return {
    path,
    headers,
    text,
    statuses: alerts.map(({ status }) => status),
    services: alerts.map(({ labels }) => labels['service'] ?? ''),
  };
}

/** Sends a delivery to a Firebreak, like its sender. */
export async function post(target: string, { path, headers, text }: Delivery): Promise<Answer> {
  const response = await fetch(`${target}${path}`, { method: 'POST', headers, body: text });
  return { status: response.status, text: await response.text() };
}
