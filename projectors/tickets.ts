import type { Bulletin, Bulletins } from '../domain/bulletins.ts';
import { code } from '../domain/markdown.ts';
import type { Ticket, Tickets } from '../domain/outlets.ts';
import { idOf, type Projections } from '../domain/projections.ts';
import { linksOf, minuteOf } from '../domain/story.ts';
import type { TicketTarget } from '../schemas/routes.ts';
import { TicketState } from '../schemas/projection.ts';
import { plusSeconds } from '../schemas/time.ts';
import type { Projector } from './pass.ts';
import type { Method, Turn } from './turn.ts';

/**
 * GitHub's secondary limit for content is 80 a minute and 500 an hour; tickets are for what can wait.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api, read 2026-11
 */
const TICKETS = (target: TicketTarget): Method => {
  const name = target.kind === 'github' ? 'github' : `webhook ${target.url}`;
  return { name, allowances: { [name]: { perSecond: 450 / 3600, burst: 20 } } };
};

const UNCLEAR_SECONDS = 75;
const AFTER_A_REFUSAL_SECONDS = 600;

const ALERTS_NAMED = 20;

type Deps = {
  ticketsFor: (target: TicketTarget) => Promise<Tickets | undefined>;
  projections: Projections;
  bulletins: Bulletins;
};

type TicketBulletin = Extract<Bulletin, { kind: 'ticket' }>;

/** A ticket for each alert that the routes want one for; it is told when the alert has resolved, and people close it. */
export const ticketsProjector =
  (deps: Deps): Projector =>
  async (subject, turn) => {
    const bulletin = await deps.bulletins.read(idOf(subject));
    if (bulletin?.kind !== 'ticket') return;
    const kept = TicketState.parse((await deps.projections.read('tickets', subject)) ?? {});
    let state = kept.round === bulletin.round ? kept : TicketState.parse({ round: bulletin.round });
    const save = async (change: Partial<TicketState>) => {
      state = { ...state, ...change };
      await deps.projections.write('tickets', subject, state);
    };
    const tickets = await deps.ticketsFor(bulletin.target);
    if (tickets === undefined)
      return turn.log.warn('tickets are off for this target', { target: bulletin.target.kind });
    const key = `${idOf(subject)}.${bulletin.round}`;
    const method = TICKETS(bulletin.target);
    const id = state.id ?? (await opened(tickets, method, bulletin, key, state, save, turn));
    if (id === undefined || state.closed || bulletin.firing > 0) return;
    const text = `All alerts of it have resolved (${minuteOf(bulletin.heardAt)}).`;
    const told = await turn.attempt(method, () => tickets.comment(id, text, `${key}.resolved`));
    if (told?.kind === 'done') await save({ closed: true });
    if (told?.kind === 'refused') await refused(told.detail, save, turn);
  };

type Save = (change: Partial<TicketState>) => Promise<void>;

async function opened(
  tickets: Tickets,
  method: Method,
  bulletin: TicketBulletin,
  key: string,
  state: TicketState,
  save: Save,
  turn: Turn,
): Promise<string | undefined> {
  const found = await turn.attempt(method, () => tickets.find(key));
  if (found?.kind === 'refused') await refused(found.detail, save, turn);
  if (found?.kind !== 'done') return undefined;
  if (found.value !== null) {
    await save({ id: found.value.id, url: found.value.url, creatingSince: null });
    return found.value.id;
  }
  const sure = state.creatingSince === null ? null : plusSeconds(state.creatingSince, UNCLEAR_SECONDS);
  if (sure !== null && turn.now() < sure) {
    turn.comeAgain(sure);
    return undefined;
  }
  const told = await turn.attempt(method, async () => {
    await save({ creatingSince: turn.now() });
    return tickets.open(ticketOf(bulletin, key));
  });
  if (told?.kind === 'done') {
    await save({ id: told.value.id, url: told.value.url, creatingSince: null, problem: null });
    return told.value.id;
  }
  if (told !== undefined && told.kind !== 'unclear') await save({ creatingSince: null });
  if (told?.kind === 'refused') await refused(told.detail, save, turn);
  return undefined;
}

async function refused(detail: string, save: Save, turn: Turn): Promise<void> {
  turn.log.warn('a ticket was refused', { detail });
  await save({ problem: detail });
  turn.comeAgain(plusSeconds(turn.now(), AFTER_A_REFUSAL_SECONDS));
}

function ticketOf(bulletin: TicketBulletin, key: string): Ticket {
  const { place, title, alerts, firstAt, target } = bulletin;
  const signals = alerts.map(({ signal }) => signal);
  const rows = alerts.slice(0, ALERTS_NAMED).map(({ signal }) => {
    const labels = signal.labels.map(([name, value]) => `${name}=${value}`).join(', ');
    return `- ${code(`${signal.severity} since ${minuteOf(signal.startsAt)}: ${labels}`)}`;
  });
  const links = linksOf(signals).map((link) => `- ${link.title}: ${code(link.url)}`);
  return {
    key,
    title: `${place.service} ${place.environment}: ${title}`,
    labels: target.kind === 'github' ? target.labels : [],
    body: [
      `Alert ${code(title)} of ${code(place.service)} in ${code(place.environment)} fires since ${minuteOf(firstAt)}.`,
      '',
      ...rows,
      ...(links.length > 0 ? ['', ...links] : []),
      '',
      'Opened by Firebreak, as the routes say. It adds a comment when the alerts have resolved; people close it.',
    ].join('\n'),
  };
}
