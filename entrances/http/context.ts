import type { Log } from '../../core/domain/ports/system.ts';
import type { Scope } from '../../core/domain/access/access.ts';
import type { Action, Principal } from '../../schemas/access/access.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Caller } from '../../core/actions/people/caller.ts';

/** The person who looks at a page of the console, or a program with a bearer token. */
export type Viewer = {
  caller: Caller;
  may: (action: Action, scope: Scope) => boolean;
  /** Name under which actions are counted that are requested by alerts of this viewer. */
  sender: string;
  /** What the viewer may do and see. */
  grants: readonly Principal[];
  /** Hash of the session's ID. Null: authenticated by a bearer token. */
  session: string | null;
  /**
   * CSRF token, which each form of the session sends back. Empty: no session, so no cookie that another site could use.
   * On a page, the key of its load follows.
   */
  csrfToken: string;
};

/** Hono's environment: the variables in every handler's context. */
export type Env = {
  Variables: {
    requestId: string;
    trace: string;
    log: Log;
    /** Who sent the request, if its credential or signature is valid: `token:NAME`, `github:signature`, `person`. */
    source: string | undefined;
    /** Code of the response that refuses the request. Set by problem.ts. */
    refusedAs: string | undefined;
    /** The detail of that response. */
    refusedFor: string | undefined;
    /** Returns the principal of a credential. Set by credentials.ts. */
    principalOf: (authorization: string | undefined) => Promise<Principal | undefined>;
    /** Identifies a request with an `Idempotency-Key`, also when it is repeated. Set by idempotency.ts. */
    requestKey: string | undefined;
    /** When such a request was sent first. Set by idempotency.ts. */
    requestedAt: Timestamp | undefined;
    /** The request body after it was read. Set by body.ts. */
    body: Uint8Array<ArrayBuffer> | undefined;
    /** The credential's name and permissions. */
    principal: Principal;
    /** The principal as the caller of use cases. */
    caller: Caller;
    /** @throws Refusal 403 unless the caller may do this route's action in the scope */
    allow: (scope: Scope) => void;
    /** Returns whether the caller may do this route's action in the scope. */
    may: (scope: Scope) => boolean;
    /** Set by web/viewer.ts. */
    viewer: Viewer;
  };
};
