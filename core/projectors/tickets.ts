import * as z from 'zod';
import type { AlertNotice, AlertNotices } from '../domain/messages/alert-notices.ts';
import { code } from '../domain/messages/markdown.ts';
import type { Ticket, Tickets } from '../domain/ports/tickets.ts';
import { idOf, type Projections } from '../domain/incidents/projections.ts';
import { linksOf } from '../domain/messages/story.ts';
import type { TicketTarget } from '../../schemas/alerts/routes.ts';
import { UNMATCHED } from '../../schemas/config/names.ts';
import type { Subject } from '../../schemas/incidents/projection.ts';
import { minuteText, Timestamp } from '../../schemas/time/time.ts';
import type { Projector } from './sync.ts';
import type { Method, SyncSession } from './session.ts';
import { outcomeKnownFrom } from '../domain/messages/unclear.ts';

/**
 * Rate limits. GitHub's secondary limit for content is 80 a minute and 500 an hour; the primary one is 5,000 requests
 * an hour. Tickets can wait. Lookups have their own allowance, so that the one before each creation does not delay it.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api, read 2026-11
 */
function methodsOf(target: TicketTarget): { find: Method; write: Method } {
  const name = target.kind === 'github' ? 'github' : `webhook ${target.url}`;
  return {
    find: { name, allowances: { [`${name} searches`]: { perSecond: 1, burst: 20 } } },
    write: { name, allowances: { [name]: { perSecond: 450 / 3600, burst: 20 } } },
  };
}

const ALERTS_SHOWN_MAX = 20;

const TicketState = z.object({
  round: z.number().default(0),
  id: z.string().nullable().default(null),
  url: z.string().nullable().default(null),
  /** It was searched and not found. */
  missing: z.boolean().default(false),
  creatingSince: Timestamp.nullable().default(null),
  /** Since when the closing comment may be in progress. */
  closingSince: Timestamp.nullable().default(null),
  closed: z.boolean().default(false),
  problem: z.string().nullable().default(null),
});
type TicketState = z.infer<typeof TicketState>;

type Deps = {
  ticketsFor: (target: TicketTarget) => Promise<Tickets | undefined>;
  projections: Projections;
  alertNotices: AlertNotices;
};

type TicketNotice = Extract<AlertNotice, { kind: 'ticket' }>;

/**
 * Returns the projector for tickets: one for each alert that a route creates a ticket for. It adds a comment when the
 * alert is resolved; people close the ticket.
 */
export const ticketsProjector =
  (deps: Deps): Projector =>
  async (subject, session) => {
    const notice = await deps.alertNotices.read(idOf(subject));
    if (notice?.kind !== 'ticket') return;
    const tickets = await deps.ticketsFor(notice.target);
    if (tickets === undefined)
      return session.log.warn('tickets are off for this target', { target: notice.target.kind });
    const state = TicketState.parse((await deps.projections.read('tickets', subject)) ?? {});
    await new TicketWriter(deps, subject, notice, tickets, state, session).write();
  };

class TicketWriter {
  readonly #deps: Deps;
  readonly #subject: Subject;
  readonly #notice: TicketNotice;
  readonly #tickets: Tickets;
  readonly #methods: { find: Method; write: Method };
  readonly #session: SyncSession;
  #state: TicketState;

  constructor(
    deps: Deps,
    subject: Subject,
    notice: TicketNotice,
    tickets: Tickets,
    state: TicketState,
    session: SyncSession,
  ) {
    this.#deps = deps;
    this.#subject = subject;
    this.#notice = notice;
    this.#tickets = tickets;
    this.#methods = methodsOf(notice.target);
    this.#session = session;
    this.#state = state;
  }

  async write(): Promise<void> {
    const { round, firing, updatedAt } = this.#notice;
    if (this.#state.round !== round) {
      // First conclude a round that ended while the target was not available.
      if (this.#mayBeOpen() && !(await this.#addClosingComment('All alerts are resolved.'))) return;
      this.#state = TicketState.parse({ round });
    }
    if (this.#state.closed) return;
    if (firing > 0) await this.#ensureOpen();
    else await this.#addClosingComment(`All alerts are resolved (${minuteText(updatedAt)}).`);
  }

  #mayBeOpen(): boolean {
    const { id, creatingSince, closed } = this.#state;
    return !closed && (id !== null || creatingSince !== null);
  }

  get #key(): string {
    return `${idOf(this.#subject)}.${this.#state.round}`;
  }

  /** Returns the ticket of the round, and creates it if there is none. Undefined: not now, or not any more. */
  async #ensureOpen(): Promise<string | undefined> {
    if (this.#state.id === null && !this.#state.missing) await this.#find();
    if (this.#state.id !== null) return this.#state.id;
    if (!this.#state.missing || this.#state.round !== this.#notice.round) return undefined;
    const response = await this.#session.attempt(
      this.#methods.write,
      () => this.#tickets.open(ticketOf(this.#notice, this.#key)),
      async (at) => {
        await this.#save({ creatingSince: at, missing: false });
        return true;
      },
    );
    if (response === undefined || response.kind === 'unclear') return undefined;
    if (response.kind === 'done') {
      await this.#save({ id: response.value.id, url: response.value.url, creatingSince: null, problem: null });
      return response.value.id;
    }
    await this.#save({ creatingSince: null, missing: true });
    if (response.kind === 'refused') await this.#recordRefusal(response.detail);
    return undefined;
  }

  /** Looks for the ticket. Targets that can't be read report none, and use the key to avoid duplicates. */
  async #find(): Promise<void> {
    const began = this.#session.now();
    const found = await this.#session.attempt(this.#methods.find, () => this.#tickets.find(this.#key));
    if (found?.kind === 'refused') await this.#recordRefusal(found.detail);
    if (found?.kind !== 'done') return;
    const { creatingSince } = this.#state;
    if (found.value !== null)
      await this.#save({ id: found.value.id, url: found.value.url, creatingSince: null, problem: null });
    else if (creatingSince !== null && began < outcomeKnownFrom(creatingSince))
      this.#session.scheduleNext(outcomeKnownFrom(creatingSince));
    else await this.#save({ missing: true, creatingSince: null });
  }

  /**
   * Adds the comment. The target checks for an existing one; an unclear earlier attempt is waited for. False: not now.
   */
  async #addClosingComment(text: string): Promise<boolean> {
    const id = await this.#ensureOpen();
    if (id === undefined) return this.#state.missing;
    const { closingSince } = this.#state;
    if (closingSince !== null && this.#session.now() < outcomeKnownFrom(closingSince)) {
      this.#session.scheduleNext(outcomeKnownFrom(closingSince));
      return false;
    }
    const response = await this.#session.attempt(
      this.#methods.write,
      () => this.#tickets.comment(id, text, `${this.#key}.resolved`),
      async (at) => {
        await this.#save({ closingSince: at });
        return true;
      },
    );
    if (response === undefined || response.kind === 'unclear') return false;
    await this.#save({ closingSince: null, ...(response.kind === 'done' && { closed: true, problem: null }) });
    if (response.kind === 'refused') await this.#recordRefusal(response.detail);
    return response.kind === 'done';
  }

  async #recordRefusal(detail: string): Promise<void> {
    const { firing, updatedAt } = this.#notice;
    this.#session.log.warn('a ticket was refused', { detail });
    await this.#save({ problem: detail });
    this.#session.scheduleRetryAfterRefusal(firing > 0 ? null : updatedAt);
  }

  async #save(change: Partial<TicketState>): Promise<void> {
    await this.#session.checkLease();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('tickets', this.#subject, this.#state);
  }
}

function ticketOf(notice: TicketNotice, key: string): Ticket {
  const { serviceEnvironment, title, alerts, firstAt, target } = notice;
  // They share one ticket, which has no service.
  const isOutside = serviceEnvironment.service === UNMATCHED;
  const signals = alerts.map(({ signal }) => signal);
  const rows = alerts.slice(0, ALERTS_SHOWN_MAX).map(({ signal }) => {
    const labels = signal.labels.map(([name, value]) => `${name}=${value}`).join(', ');
    return `- ${code(`${signal.severity} since ${minuteText(signal.startsAt)}: ${labels}`)}`;
  });
  const links = linksOf(signals).map((link) => `- ${link.title}: ${code(link.url)}`);
  return {
    key,
    title: isOutside ? title : `${serviceEnvironment.service} ${serviceEnvironment.environment}: ${title}`,
    labels: target.kind === 'github' ? target.labels : [],
    body: [
      isOutside
        ? `${title} have been firing since ${minuteText(firstAt)}.`
        : `Alert ${code(title)} of ${code(serviceEnvironment.service)} in ${code(serviceEnvironment.environment)} has been firing since ${minuteText(firstAt)}.`,
      '',
      ...rows,
      ...(links.length > 0 ? ['', ...links] : []),
      '',
      'Opened by Firebreak, as configured in the routes. Firebreak adds a comment when the alerts are resolved, but does not close this ticket.',
    ].join('\n'),
  };
}
