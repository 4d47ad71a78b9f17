import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { callbackify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import type { Fault, FaultRule, Faults } from '../core/faults.ts';
import type { Journal } from '../core/journal.ts';
import type { StandInDeps } from '../core/stand-in.ts';
import type { Store } from '../core/store.ts';

/** The vendor name in the journal and in faults. */
export const MAILBOX = 'mail';

const EMAIL_MAX_BYTES = 1024 * 1024;

/** Reply code for an accepted recipient or message. RFC 5321, 4.2.3 */
const ACCEPTED_CODE = 250;

/** Reply code for too many messages: try again later. RFC 5321, 4.2.3 */
const RATE_LIMITED_CODE = 451;

type MailboxDeps = { store: Store; journal: Journal; faults: Faults; deps: StandInDeps; closing: AbortSignal };

/** A reply other than 250. */
class Reply extends Error {
  readonly responseCode: number;

  constructor(responseCode: number, message: string) {
    super(message);
    this.responseCode = responseCode;
  }
}

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
  /** Sockets by the caller's port. */
  const sockets = new Map<number, Socket>();
  /** Faults by connection and recipient that apply after the message is received. */
  const heldFaults = new Map<string, Fault>();

  const recordArrival = (address: string, fault: Fault | undefined, body = ''): number => {
    const request = { vendor: MAILBOX, method: 'RCPT', path: `/${address}`, query: null, headers: {}, body };
    return journal.arrived({ ...request, at: deps.now(), fault: fault?.kind ?? null });
  };

  /** Resolves when the recipient is accepted. @throws Reply if it is refused */
  const acceptRecipient = async ({ address }: { address: string }, { id, remotePort }: Session): Promise<void> => {
    const refused = await store.transaction(() => {
      const fault = faults.take(MAILBOX, 'RCPT', `/${address}`);
      if (fault === undefined) return undefined;
      if (FAULTS_AFTER_MESSAGE.includes(fault.kind)) return void heldFaults.set(`${id} ${address}`, fault);
      const code = replyCode(fault);
      const seq = recordArrival(address, fault);
      if (code !== undefined) journal.answered(seq, code);
      return fault;
    });
    if (refused) await refuse(refused, sockets.get(remotePort));
  };

  /** Resolves when the message is accepted, after faults are applied. @throws Reply if it is refused */
  const acceptMessage = async (stream: Readable, { id, remotePort, envelope }: Session): Promise<void> => {
    const body = await text(stream);
    const to = envelope.rcptTo.map(({ address }) => address);
    const { fault, calls } = await store.transaction(() => {
      const faultOf = (address: string) =>
        heldFaults.get(`${id} ${address}`) ?? faults.take(MAILBOX, 'DATA', `/${address}`);
      const [firstFault] = to.flatMap((address) => faultOf(address) ?? []);
      for (const address of to) heldFaults.delete(`${id} ${address}`);
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
    if (fault !== undefined && fault.kind !== 'slow') await refuse(fault, sockets.get(remotePort));
  };

  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    size: EMAIL_MAX_BYTES,
    logger: false,
    onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
    onRcptTo: (address, session, done) => callbackify(acceptRecipient)(address, session, done),
    onData: (stream, session, done) => callbackify(acceptMessage)(stream, session, done),
  });
  server.on('error', () => undefined); // ignore callers that disconnect
  server.server.on('connection', (socket: Socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.once('close', () => sockets.delete(port));
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets.values()) socket.destroy();
      await closed;
    },
  };
}

type Session = { id: string; remotePort: number; envelope: { rcptTo: readonly { address: string }[] } };

/** Returns the reply code of a fault, or undefined for no reply. */
function replyCode(fault: Fault): number | undefined {
  if (fault.kind === 'status') return fault.status;
  if (fault.kind === 'rate_limit') return RATE_LIMITED_CODE;
  return fault.kind === 'slow' ? ACCEPTED_CODE : undefined;
}

/** @throws Reply with the fault's code. Without a code, never resolves, so that the caller gets no reply */
async function refuse(fault: Fault, socket: Socket | undefined): Promise<void> {
  const code = replyCode(fault);
  if (code !== undefined) throw new Reply(code, replyText(fault));
  if (fault.kind === 'reset') socket?.resetAndDestroy();
  if (fault.kind === 'lost') socket?.destroy();
  await new Promise<never>(() => undefined);
}

function replyText(fault: Fault): string {
  if (fault.kind === 'status' && typeof fault.body === 'string') return fault.body;
  return fault.kind === 'rate_limit' ? '4.7.1 Too many messages, try again later' : 'Fault set in the sandbox';
}
