import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import * as z from 'zod';

/** A received call. `at`: when its headers were read, in milliseconds by this process's `performance.now()`. */
export type Arrival = { at: number; body: unknown };

/** The CD system, the pager, and the endpoint of the reference's last call: receives all measured calls. */
export type Vendors = {
  cdUrl: string;
  pagerUrl: string;
  /** The reference posts to this address followed by its own name. */
  referenceUrl: string;
  /** Resolves with the first call for this key, also if it has already arrived. */
  rollback(service: string): Promise<Arrival>;
  page(service: string): Promise<Arrival>;
  /** Sources of the received pages. A page that is sent again with more details has the same key, and is not another one. */
  pages(): ReadonlyMap<string, string>;
  reference(name: string): Promise<Arrival>;
  close(): Promise<void>;
};

/** Time limit for a call to arrive. Milliseconds. */
const ARRIVES_WITHIN_MS = 120_000;

const Rollback = z.object({ service: z.string(), idempotency_key: z.string() });
const Page = z.object({
  payload: z.object({ source: z.string(), custom_details: z.object({ incident: z.string() }) }),
  dedup_key: z.string(),
});

const Event = z.object({ event_action: z.string(), dedup_key: z.string() });

const isPage = (body: unknown): body is z.infer<typeof Page> => Page.safeParse(body).success;

/** Returns the incident id of a page. */
export const incidentOf = ({ body }: Arrival): string => Page.parse(body).payload.custom_details.incident;

export async function startVendors(): Promise<Vendors> {
  const arrivals = new Map<string, PromiseWithResolvers<Arrival>>();
  const arrival = (key: string): PromiseWithResolvers<Arrival> => {
    const known = arrivals.get(key) ?? Promise.withResolvers<Arrival>();
    arrivals.set(key, known);
    return known;
  };
  const pages = new Map<string, string>();
  const server = createServer((request, response) => {
    const at = performance.now();
    void take(request).then(({ key, body, status, answer }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      if (isPage(body)) pages.set(body.dedup_key, body.payload.source);
      arrival(key).resolve({ at, body });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    cdUrl: `${url}/cd`,
    pagerUrl: `${url}/pager`,
    referenceUrl: `${url}/reference/`,
    rollback: (service) => inTime(arrival(`rollback ${service}`).promise, `a rollback of ${service}`),
    pages: () => pages,
    page: (service) => inTime(arrival(`page ${service}`).promise, `a page for ${service}`),
    reference: (name) => inTime(arrival(`/reference/${name}`).promise, `the end of the reference ${name}`),
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Taken = { key: string; body: unknown; status: number; answer: object };

/** Returns the vendor's successful response. */
async function take(request: IncomingMessage): Promise<Taken> {
  const path = request.url ?? '';
  const body = await json(request);
  if (path === '/cd') {
    const { service, idempotency_key: id } = Rollback.parse(body);
    return { key: `rollback ${service}`, body, status: 200, answer: { id, status: 'succeeded' } };
  }
  if (path === '/pager/v2/enqueue') {
    const { event_action, dedup_key } = Event.parse(body);
    const answer = { status: 'success', message: 'Event processed', dedup_key };
    const key = event_action === 'trigger' ? `page ${Page.parse(body).payload.source}` : `${event_action} ${dedup_key}`;
    return { key, body, status: 202, answer };
  }
  return { key: path, body, status: 200, answer: {} };
}

async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what} has not arrived within ${ARRIVES_WITHIN_MS / 1000} s`)),
    ARRIVES_WITHIN_MS,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
