import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, FaultRule, Faults } from '../core/faults.ts';
import type { Journal } from '../core/journal.ts';
import type { StandInDeps } from '../core/stand-in.ts';
import type { Store } from '../core/store.ts';
import { type Reply, startSmtp } from './smtp.ts';

/** The vendor name in the journal and in faults. */
export const MAILBOX = 'mail';

/** Reply code for an accepted recipient or message. RFC 5321, 4.2.3 */
const ACCEPTED_CODE = 250;
const ACCEPTED: Reply = [ACCEPTED_CODE, 'Accepted'];

/** Reply code for too many messages: try again later. RFC 5321, 4.2.3 */
const RATE_LIMITED_CODE = 451;

type MailboxDeps = { store: Store; journal: Journal; faults: Faults; deps: StandInDeps; closing: AbortSignal };

/** Kinds of faults that let the message in: they apply after it is received. */
const FAULTS_AFTER_MESSAGE: readonly Fault['kind'][] = ['slow', 'lost'];

/** Returns why a fault does not apply to the mail server, or undefined if it does. */
export function mailFault({ vendor, fault }: Pick<FaultRule, 'vendor' | 'fault'>): string | undefined {
  if (vendor !== MAILBOX) return undefined;
  if (fault.kind === 'late') return 'the mail server has no fault "late"; use "slow" or "lost"';
  if (fault.kind === 'status' && fault.status < 400)
    return `a status of the mail server must be from 400 to 599 (4xx: temporary, 5xx: permanent), not ${fault.status}`;
  return undefined;
}

/**
 * Starts a mail server that accepts all messages and delivers none. The journal has one call for each recipient, with
 * the message as sent. Faults apply at the recipient, `RCPT /ada@example.com`. Faults that let the message in, and all
 * faults for `DATA`, apply after the message is received.
 */
export async function startMailbox(parts: MailboxDeps): Promise<{ url: string; close(): Promise<void> }> {
  const { store, journal, faults, deps, closing } = parts;
  /** Faults by connection and recipient that apply after the message is received. */
  const heldFaults = new WeakMap<Socket, Map<string, Fault>>();

  const recordArrival = (address: string, fault: Fault | undefined, body = ''): number => {
    const request = { vendor: MAILBOX, method: 'RCPT', path: `/${address}`, query: null, headers: {}, body };
    return journal.arrived({ ...request, at: deps.now(), fault: fault?.kind ?? null });
  };

  const acceptRecipient = async (address: string, socket: Socket): Promise<Reply | undefined> => {
    const refused = await store.transaction(() => {
      const fault = faults.take(MAILBOX, 'RCPT', `/${address}`);
      if (fault === undefined) return undefined;
      if (FAULTS_AFTER_MESSAGE.includes(fault.kind)) {
        heldFaults.set(socket, new Map(heldFaults.get(socket)).set(address, fault));
        return undefined;
      }
      const code = replyCode(fault);
      const seq = recordArrival(address, fault);
      if (code !== undefined) journal.answered(seq, code);
      return fault;
    });
    return refused ? refuse(refused, socket) : ACCEPTED;
  };

  const acceptMessage = async (to: readonly string[], body: string, socket: Socket): Promise<Reply | undefined> => {
    const { fault, calls } = await store.transaction(() => {
      const faultOf = (address: string) =>
        heldFaults.get(socket)?.get(address) ?? faults.take(MAILBOX, 'DATA', `/${address}`);
      const [firstFault] = to.flatMap((address) => faultOf(address) ?? []);
      heldFaults.delete(socket);
      const all = to.map((address) => recordArrival(address, firstFault, body));
      const outcome =
        firstFault === undefined || FAULTS_AFTER_MESSAGE.includes(firstFault.kind) ? ACCEPTED_CODE : undefined;
      for (const seq of all) if (outcome !== undefined) journal.handled(seq, outcome);
      return { fault: firstFault, calls: all };
    });
    const answered = (status: number) => store.transaction(() => calls.forEach((seq) => journal.answered(seq, status)));
    const code = fault === undefined ? ACCEPTED_CODE : replyCode(fault);
    if (fault?.kind === 'slow') await delay(fault.delay_ms, undefined, { signal: closing });
    if (code !== undefined) await answered(code);
    return fault === undefined || fault.kind === 'slow' ? ACCEPTED : refuse(fault, socket);
  };

  const { port, close } = await startSmtp({ recipient: acceptRecipient, message: acceptMessage });
  return { url: `smtp://127.0.0.1:${port}`, close };
}

/** Returns the reply code of a fault, or undefined for no reply. */
function replyCode(fault: Fault): number | undefined {
  if (fault.kind === 'status') return fault.status;
  if (fault.kind === 'rate_limit') return RATE_LIMITED_CODE;
  return fault.kind === 'slow' ? ACCEPTED_CODE : undefined;
}

/** Returns the reply with the fault's code. A fault without a code leaves the caller without a reply. */
function refuse(fault: Fault, socket: Socket): Reply | undefined {
  const code = replyCode(fault);
  if (code !== undefined) return [code, replyText(fault)];
  if (fault.kind === 'reset') socket.resetAndDestroy();
  if (fault.kind === 'lost') socket.destroy();
  return undefined;
}

function replyText(fault: Fault): string {
  if (fault.kind === 'status' && typeof fault.body === 'string') return fault.body;
  return fault.kind === 'rate_limit' ? '4.7.1 Too many messages, try again later' : 'Fault set in the sandbox';
}
