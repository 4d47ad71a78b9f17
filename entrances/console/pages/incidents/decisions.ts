import { html } from 'hono/html';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import type { DecisionView, IncidentView } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { addressWith, filterLinks, type Html, nothing, olderLink, searchForm, servicePath } from '../../parts.ts';
import { decisionRow } from './evidence.ts';
import type { PageRequest, ConsoleDeps, ConsolePage } from '../page.ts';

const PATH = '/console/decisions';

const DECISIONS_SHOWN = 30;

/** Incidents that one request looks through for decisions that match. */
const INCIDENTS_SEARCHED_MAX = 300;
const INCIDENTS_PER_READ = 50;
const TEXT_MAX_CHARS = 200;

/** Kinds of decisions that a person can select. */
const KINDS = {
  all: { label: 'All', kinds: ['roll_back', 'approve', 'wait', 'suggest', 'shadow', 'none'] },
  acted: { label: 'Acted', kinds: ['roll_back'] },
  asked: { label: 'Asked', kinds: ['approve', 'suggest'] },
  wait: { label: 'Waited', kinds: ['wait'] },
  shadow: { label: 'Shadow mode', kinds: ['shadow'] },
  none: { label: 'Did nothing', kinds: ['none'] },
} as const satisfies Record<string, { label: string; kinds: readonly DecisionView['kind'][] }>;

type Kind = keyof typeof KINDS;

export type Decisions = {
  at: Timestamp;
  kind: Kind;
  /** Part of the service, the environment, a version, or a reason. */
  text: string;
  /** Newest incidents first, with those decisions that match. */
  items: readonly {
    incident: Pick<IncidentView, 'id' | 'service' | 'environment' | 'title'>;
    decision: DecisionView;
  }[];
  from: string | null;
  /** Where older ones begin. Null: there are none. */
  older: string | null;
};

export const decisionsPage: ConsolePage = {
  path: PATH,
  label: 'Decisions',
  section: 'Review',
  action: 'incidents:read',
  everySeconds: 10,
  show: async (deps, request) => ({ title: 'Decisions', main: decisionsMain(await load(deps, request)) }),
};

async function load(deps: ConsoleDeps, { viewer: { may }, query }: PageRequest): Promise<Decisions> {
  const requested = query.get('kind') ?? '';
  const kind: Kind = Object.hasOwn(KINDS, requested) ? (requested as Kind) : 'all';
  const text = (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
  const kinds: readonly DecisionView['kind'][] = KINDS[kind].kinds;
  const from = query.get('from') || null;
  const items: Decisions['items'][number][] = [];
  let cursor = from;
  for (
    let searched = 0;
    searched < INCIDENTS_SEARCHED_MAX && items.length < DECISIONS_SHOWN;
    searched += INCIDENTS_PER_READ
  ) {
    const page = await deps.incidents.list({ limit: INCIDENTS_PER_READ, ...(cursor !== null && { cursor }) });
    for (const incident of page.items.filter((listed) => may('incidents:read', listed)))
      for (const decision of incident.decisions.toReversed())
        if (kinds.includes(decision.kind) && matches(incident, decision, text)) items.push({ incident, decision });
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return { at: deps.clock.now(), kind, text, items, from, older: cursor };
}

function matches(incident: IncidentView, decision: DecisionView, text: string): boolean {
  const { from_version: from, to_version: to, reasons, target, question, answered_by: by } = decision;
  const words = [incident.service, incident.environment, target?.service, target?.environment, from, to, question, by];
  const searched = [...words, ...reasons.map((reason) => `${reason.code} ${reason.text}`)].join(' ').toLowerCase();
  return searched.includes(text.toLowerCase());
}

export const decisionsMain = ({ at, kind, text, items, from, older }: Decisions): Html => {
  const query = { ...(kind !== 'all' && { kind }), ...(text !== '' && { text }) };
  return html`
    <h1 class="page-title">Decisions</h1>
    ${searchForm(PATH, { name: 'text', value: text, label: 'Service, version, person, or reason' }, kind === 'all' ? {} : { kind })}
    ${filterLinks(
      'Kinds of decisions',
      (Object.keys(KINDS) as Kind[]).map((option) => ({
        text: KINDS[option].label,
        href: addressWith(PATH, { ...(option !== 'all' && { kind: option }), ...(text !== '' && { text }) }),
        isCurrent: option === kind,
      })),
    )}
    <section class="panel" id="decisions" data-part aria-labelledby="decisions-title">
      <h2 id="decisions-title">Newest incidents first</h2>
      ${from === null ? '' : olderLink(PATH, query, 'Newest decisions')}
      ${
        items.length === 0
          ? nothing(
              older === null && kind === 'all' && text === ''
                ? 'Automation has not decided anything yet. It decides when an alert of a service in the catalogue arrives.'
                : older === null
                  ? html`No decision matches. <a href="${PATH}">Show all</a>`
                  : 'No decision matches in this part of the list.',
            )
          : html`<ol class="decisions">
              ${items.map(({ incident, decision }) => html`<li>${decisionRow(decision, incident, { at, about: about(incident) })}</li>`)}
            </ol>`
      }
      ${older === null ? '' : olderLink(PATH, { ...query, from: older }, 'Older decisions')}
    </section>
  `;
};

const about = ({ id, service, environment, title }: Decisions['items'][number]['incident']): Html =>
  html`<p class="about">
    <a href="${servicePath(service)}">${service}</a> ${environment} · <a href="${incidentPath(id)}">${title}</a>
  </p>`;
