import { randomBytes, timingSafeEqual } from 'node:crypto';
import { problem } from './problem.ts';

export type SandboxGuard = {
  /** Returns the address of the sandbox page, with the permission to act in it. */
  pageAt(url: string): string;
  /** Undefined: allowed. */
  refusal(request: Request): Response | undefined;
};

const KEY_HEADER = 'x-sandbox-key';

/**
 * Protects actions in the sandbox once Firebreak is connected to a real system. Reading and faults stay open on this
 * machine. All other actions need the key of this start, which the page's address contains, or the admin token:
 * otherwise, every user of this machine could act as a person and change real systems.
 *
 * @param real systems that Firebreak currently writes to and that are not stand-ins
 */
export function sandboxGuard(options: { adminToken: string; real: () => string[] }): SandboxGuard {
  const key = randomBytes(24).toString('base64url');
  const isAuthorized = ({ headers }: Request): boolean =>
    isSame(headers.get(KEY_HEADER), key) || isSame(headers.get('authorization'), `Bearer ${options.adminToken}`);
  return {
    // The fragment of an address is never sent, so it does not get into logs.
    pageAt: (url) => `${url}/sandbox#key=${key}`,
    refusal(request) {
      const { pathname } = new URL(request.url);
      if (request.method === 'GET' || request.method === 'HEAD' || pathname === '/sandbox/faults') return undefined;
      const real = options.real();
      if (real.length === 0 || isAuthorized(request)) return undefined;
      const shown = real.slice(0, 3).join(', ') + (real.length > 3 ? ` and ${real.length - 3} more` : '');
      return problem(
        403,
        `Firebreak is connected to real systems (${shown}), so actions in the sandbox require the key of this start. ` +
          `Open the page with the address that npm start printed, or send the header ${KEY_HEADER} or the admin token.`,
      ).getResponse();
    },
  };
}

function isSame(given: string | null, wanted: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
