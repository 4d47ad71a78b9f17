import type { DatabaseSync } from 'node:sqlite';
import type { Hono } from 'hono';
import type { Env } from '../../../schemas/config/variables.ts';
import type { Store } from './store.ts';

/** A token for stand-ins, which accept any. */
export const SANDBOX_TOKEN = 'sandbox-000000000000';

/** The author of notes and the sender of emails; the stand-ins accept any address. */
export const SANDBOX_USER = 'firebreak@example.com';

/** The environment of a stand-in. Time comes from `now`, so that limits and durations can be tested without waiting. */
export type StandInDeps = {
  /** The database. Every request is handled in one transaction: change data, but neither begin nor commit. */
  db: DatabaseSync;
  /** Returns milliseconds since the Unix epoch. */
  now(): number;
  /** Divisor for the vendor's durations and rate-limit windows, at least 1. */
  timeScale: number;
};

/** The product, for stand-ins that notify it of the actions of people. */
export type Product = {
  /** Its address, without a slash at the end. */
  url: string;
  /** Slack's signing secret; absent if the product uses the real Slack. */
  slackSigningSecret?: string;
  /** PagerDuty's webhook secret; absent if the product uses the real PagerDuty. */
  pagerDutyWebhookSecret?: string;
  /** The token with which the bad deploy of the page is reported; absent: it can't be played. */
  adminToken?: string;
  /** Returns the real systems that the product writes to. Absent: none. */
  real?(): string[];
};

/**
 * The environment of a stand-in at which people act, such as by pressing a button. It sends requests to the product, which
 * can call the stand-in meanwhile.
 */
export type UserActionDeps = StandInDeps & {
  /**
   * Runs a transaction. Do not wait for the product inside of it: the product's calls to the stand-in are transactions
   * too.
   */
  transaction: Store['transaction'];
  /** The stand-in's own address, without a slash at the end. */
  url: string;
  /** Returns the product, or `undefined` until it listens. */
  product(): Product | undefined;
  /** Aborted when the stand-ins shut down. */
  closing: AbortSignal;
};

/** The actions of people at a vendor that the product is notified about. */
export type UserActions = {
  /** Served under `/sandbox/<vendor>`, outside of any transaction. */
  app: Hono;
  /** Resumes the notifications that were pending when the process ended. Called once the product listens. */
  resume(): Promise<void>;
};

/**
 * One vendor, as it behaves to its callers.
 *
 * A stand-in implements only its vendor's API. In this folder, `front.ts` and `index.ts` add the journal, the faults,
 * the port, and restarts, the same for all stand-ins. Handlers must not wait for anything except the request's body: delays are
 * faults, and durations are computed from `now` on each request, so that they continue while the process is stopped.
 */
export type StandIn = {
  /** The name in the journal, in faults, and in `urls`. */
  vendor: string;
  /** Its tables (`create … if not exists`), named after the vendor. Data in them survives restarts. */
  tables: string;
  /** JSON keys of request bodies that contain credentials. The journal shows only their first and last characters. */
  credentialKeys: readonly string[];
  /**
   * Returns the environment variables that connect the product to the stand-in at `url`. They apply only if the user has set
   * no variable of this vendor. Null: nothing in the environment connects it.
   */
  settings: ((url: string) => Env) | null;
  /** Returns the vendor's response to a caller that exceeds its rate limit. */
  throttled(): Response;
  app(deps: StandInDeps): Hono;
  /** Endpoints that the real vendor does not have, served under `/sandbox/<vendor>`. */
  sandbox?(deps: StandInDeps): Hono;
  /** Actions of people that the product is notified about. */
  userActions?(deps: UserActionDeps): UserActions;
  /**
   * Returns what the page shows of this vendor now, as JSON. Only reads. Runs within a transaction. Null: the journal
   * shows the calls of this vendor.
   */
  view: ((deps: StandInDeps) => unknown) | null;
};
