import type { DatabaseSync } from 'node:sqlite';
import type { Hono } from 'hono';
import type { Store } from './store.ts';

/** What a stand-in lives on. Time comes from `now`, so that limits and durations can be tested without waiting. */
export type StandInDeps = {
  /** Every request is handled inside one transaction of it: change it freely, but neither begin nor commit. */
  db: DatabaseSync;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** At least 1: what the vendor takes time for, and the window of its rate limit, are divided by it. */
  timeScale: number;
};

/** The product, for a stand-in that tells it what people do. */
export type Product = {
  /** Its address, without a slash at the end. */
  url: string;
  /** What Slack signs with; absent when the product listens to the real one. */
  slackSigningSecret?: string;
  /** What PagerDuty signs with; absent when the product listens to the real one. */
  pagerDutyWebhookSecret?: string;
};

/** What a stand-in needs to tell the product something, and to be called back by it meanwhile. */
export type Outside = StandInDeps & {
  /** A transaction. The product must not be waited for inside of one: its calls back are transactions, too. */
  unit: Store['unit'];
  /** Where this stand-in listens, without a slash at the end. */
  url: string;
  /** `undefined` until it listens. */
  product(): Product | undefined;
  /** Aborted when the stand-ins shut down. */
  closing: AbortSignal;
};

/** What people do at a vendor that tells the product. */
export type People = {
  /** Served under `/sandbox/<vendor>`, outside any unit. */
  app: Hono;
  /** Takes up what was to be told when the process ended. Called once the product listens. */
  resume(): Promise<void>;
};

/**
 * One vendor, as it behaves seen from outside.
 *
 * A stand-in only knows its vendor's API. The journal, the faults, the port and what happens on a restart come from
 * `front.ts` and `index.ts`, the same for all. Its handlers must not wait for anything but the request's body: delays
 * are faults, and durations are computed from `now` when somebody asks, so that they go on while nothing runs.
 */
export type StandIn = {
  /** How it is called in the journal, in faults and in `urls`. */
  vendor: string;
  /** Its tables (`create … if not exists`), named after the vendor. What it knows survives restarts in them. */
  tables: string;
  /** JSON keys of request bodies that hold credentials: the journal shows their first and last characters only. */
  credentialKeys: readonly string[];
  /** What the vendor answers to a caller that exceeds its rate limit. */
  throttled(): Response;
  app(deps: StandInDeps): Hono;
  /** Helpers that the real vendor does not have, served under `/sandbox/<vendor>`. */
  sandbox?(deps: StandInDeps): Hono;
  /** What people do there that the product is told of. */
  people?(outside: Outside): People;
  /** What a person would see at this vendor now, as JSON for the sandbox page. Only reads; runs inside a unit. */
  view?(deps: StandInDeps): unknown;
};
