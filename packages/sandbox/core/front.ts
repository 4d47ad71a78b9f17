import { setTimeout as delay } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Fault, Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { requestOf, type LateCalls, type RawCall } from './late.ts';
import { redactBody, redactHeaders } from './redact.ts';
import type { StandIn, StandInDeps } from './stand-in.ts';
import type { Store } from './store.ts';

export type FrontParts = {
  store: Store;
  journal: Journal;
  faults: Faults;
  late: LateCalls;
  deps: StandInDeps;
  /** Waits before a late effect, like `pause`. */
  holdBack: (ms: number, closing: AbortSignal) => Promise<boolean>;
  /** Aborted when the stand-ins shut down, which ends all waits. */
  closing: AbortSignal;
};

/**
 * The request handler of a stand-in's server. It records every call and applies faults before the vendor handles it.
 */
export type Front = {
  fetch(request: Request, env: HttpBindings): Promise<Response>;
  /** Schedules the late effects that were pending when the process ended. */
  resume(): void;
};

/** A call in progress, with the actions that faults are made of. */
type Call = {
  /** Lets the vendor handle the call. The effect and its outcome in the journal are one transaction. */
  handle(): Promise<Response>;
  /** Records the response before it is sent. Records and sends nothing if the caller has gone. */
  answer(response: Response): Promise<Response>;
  /** Ends the connection without a response. */
  drop(how: 'reset' | 'close'): Response;
  /** Waits for a number of milliseconds, or until the caller gives up. */
  whileCallerWaits(ms: number): Promise<void>;
  /**
   * Waits for a number of milliseconds, even if the caller gives up. Returns false if the stand-ins shut down first.
   */
  waitRegardless(ms: number): Promise<boolean>;
  throttled(): Response;
};

/** The behavior of each fault. */
const faultBehaviors: { [K in Fault['kind']]: (call: Call, fault: Extract<Fault, { kind: K }>) => Promise<Response> } =
  {
    status: (call, fault) => call.answer(statusAnswer(fault)),
    rate_limit: (call) => call.answer(call.throttled()),
    hang: async (call) => {
      await call.whileCallerWaits(Number.POSITIVE_INFINITY);
      return RESPONSE_ALREADY_SENT;
    },
    reset: async (call) => call.drop('reset'),
    lost: async (call) => {
      await call.handle();
      return call.drop('close');
    },
    slow: async (call, { delay_ms }) => {
      const response = await call.handle();
      await call.whileCallerWaits(delay_ms);
      return call.answer(response);
    },
    late: async (call, { delay_ms }) => {
      const isOver = await call.waitRegardless(delay_ms);
      // If it is not over, `resume()` handles the call at the next start.
      return isOver ? call.answer(await call.handle()) : RESPONSE_ALREADY_SENT;
    },
  };

export function front(standIn: StandIn, parts: FrontParts): Front {
  const { store, journal, late, deps, closing } = parts;
  const app = standIn.app(deps).onError((error) => {
    throw error; // rethrow outside the transaction, so that a failed handler changes nothing
  });

  const handle = async (seq: number, raw: RawCall): Promise<Response> => {
    const handleOnce = async () => finish(seq, await app.fetch(requestOf(raw)));
    return store
      .transaction(handleOnce)
      .catch((error: unknown) => store.transaction(() => finish(seq, standInError(error))));
  };
  const finish = (seq: number, response: Response): Response => {
    journal.handled(seq, response.status);
    late.done(seq);
    return response;
  };

  return {
    async fetch(request, env) {
      try {
        const raw = await receive(request);
        const { seq, fault } = await store.transaction(() => recordArrival(standIn, raw, parts));
        const call = callInProgress({ seq, env, parts, standIn, handle: () => handle(seq, raw) });
        return await (fault ? applyFault(call, fault) : call.handle().then(call.answer));
      } catch (error) {
        if (closing.aborted || env.outgoing.destroyed) return RESPONSE_ALREADY_SENT;
        throw error;
      }
    },
    resume() {
      for (const { seq, dueAt, call } of late.pending(standIn.vendor)) {
        const remaining = Math.max(0, dueAt - deps.now());
        void pause(remaining, closing)
          .then((isOver) => (isOver ? handle(seq, call) : undefined))
          .catch(ignoreWhen(closing));
      }
    },
  };
}

async function receive(request: Request): Promise<RawCall> {
  const body = new Uint8Array(await request.arrayBuffer());
  return { method: request.method, url: request.url, headers: [...request.headers], body };
}

/** Records the call, decrements the fault, and stores a late effect in one transaction. */
function recordArrival({ vendor, credentialKeys }: StandIn, raw: RawCall, parts: FrontParts) {
  const { pathname, search } = new URL(raw.url);
  const fault = parts.faults.take(vendor, raw.method, pathname);
  const seq = parts.journal.arrived({
    vendor,
    method: raw.method,
    path: pathname,
    query: search === '' ? null : search.slice(1),
    headers: redactHeaders(new Headers(raw.headers)),
    body: redactBody(new TextDecoder().decode(raw.body), credentialKeys),
    at: parts.deps.now(),
    fault: fault?.kind ?? null,
  });
  if (fault?.kind === 'late') parts.late.hold(seq, vendor, parts.deps.now() + fault.delay_ms, raw);
  return { seq, fault };
}

function callInProgress(options: {
  seq: number;
  env: HttpBindings;
  parts: FrontParts;
  standIn: StandIn;
  handle: () => Promise<Response>;
}): Call {
  const { env, parts } = options;
  const callerGone = new AbortController();
  env.outgoing.once('close', () => callerGone.abort());
  if (env.outgoing.destroyed) callerGone.abort();

  return {
    handle: options.handle,
    throttled: options.standIn.throttled,
    async answer(response) {
      if (env.outgoing.destroyed) return RESPONSE_ALREADY_SENT;
      await parts.store.transaction(() => parts.journal.answered(options.seq, response.status));
      return response;
    },
    drop(how) {
      if (how === 'reset') env.incoming.socket.resetAndDestroy();
      else env.incoming.socket.destroy();
      return RESPONSE_ALREADY_SENT;
    },
    whileCallerWaits: async (ms) => void (await pause(ms, AbortSignal.any([callerGone.signal, parts.closing]))),
    waitRegardless: (ms) => parts.holdBack(ms, parts.closing),
  };
}

const applyFault = <K extends Fault['kind']>(call: Call, fault: Extract<Fault, { kind: K }>): Promise<Response> =>
  faultBehaviors[fault.kind](call, fault);

function statusAnswer({ status, body, retry_after }: Extract<Fault, { kind: 'status' }>): Response {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const headers = new Headers({ 'content-type': 'application/json' });
  if (retry_after !== undefined) headers.set('retry-after', String(retry_after));
  return new Response(status === 204 || status === 304 ? null : (text ?? ''), { status, headers });
}

/** Returns the response to an error in the stand-in itself. It must not look like a vendor's response. */
const standInError = (error: unknown): Response =>
  new Response(`the stand-in failed: ${error instanceof Error ? error.stack : String(error)}`, { status: 500 });

/**
 * Waits for a number of milliseconds, or indefinitely if `ms` is infinite. Returns true when the time is over, and
 * false if `signal` aborts first.
 */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  if (!Number.isFinite(ms)) return new Promise((resolve) => signal.addEventListener('abort', () => resolve(false)));
  return delay(ms, true, { signal }).catch(() => false);
}

const ignoreWhen = (closing: AbortSignal) => (error: unknown) => {
  if (!closing.aborted) throw error;
};
