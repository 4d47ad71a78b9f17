import { randomBytes, timingSafeEqual } from 'node:crypto';
import { problem } from './standins/problem.ts';

export type SandboxGuard = {
  /** Where a person opens the page with the right to act in it. */
  pageAt(url: string): string;
  /** Undefined: it may be done. */
  refusal(request: Request): Response | undefined;
};

const KEY_HEADER = 'x-sandbox-key';

/**
 * Protects what is done in the sandbox once Firebreak is connected with something real. Reading and faults stay open on
 * this machine; everything else needs the key of this start, which the page gets by its address, or the admin token: by
 * it anybody on this machine could play a person, and act on real systems.
 *
 * @param real what Firebreak writes to that is no stand-in, at this moment
 */
export function sandboxGuard(options: { adminToken: string; real: () => string[] }): SandboxGuard {
  const key = randomBytes(24).toString('base64url');
  const isKnown = ({ headers }: Request): boolean =>
    isSame(headers.get(KEY_HEADER), key) || isSame(headers.get('authorization'), `Bearer ${options.adminToken}`);
  return {
    // The fragment of an address is never sent, so that it gets into no log.
    pageAt: (url) => `${url}/sandbox#key=${key}`,
    refusal(request) {
      const { pathname } = new URL(request.url);
      if (request.method === 'GET' || request.method === 'HEAD' || pathname === '/sandbox/faults') return undefined;
      const real = options.real();
      if (real.length === 0 || isKnown(request)) return undefined;
      const shown = real.slice(0, 3).join(', ') + (real.length > 3 ? ` and ${real.length - 3} more` : '');
      return problem(
        403,
        `Firebreak is connected with real systems (${shown}), so acting in the sandbox needs the key of this start. ` +
          `Open the page by the address that npm start printed, or send the header ${KEY_HEADER} or the admin token.`,
      ).getResponse();
    },
  };
}

function isSame(given: string | null, wanted: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
