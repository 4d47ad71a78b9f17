import type { Log } from '../../domain/ports.ts';
import type { Scope } from '../../domain/access.ts';
import type { Principal } from '../../schemas/access.ts';
import type { Who } from '../acts/who.ts';

/** What every handler finds in its context. */
export type Env = {
  Variables: {
    requestId: string;
    trace: string;
    log: Log;
    /** Whose credential it is: see credentials.ts. */
    principalOf: (authorization: string | undefined) => Promise<Principal | undefined>;
    /** Once it is read: see body.ts. */
    body: Uint8Array<ArrayBuffer> | undefined;
    principal: Principal;
    /** The same, for what they do. */
    who: Who;
    /** Refuses (403) unless the caller may do this route's action there. */
    allow: (scope: Scope) => void;
    /** Whether the caller may. */
    may: (scope: Scope) => boolean;
  };
};
