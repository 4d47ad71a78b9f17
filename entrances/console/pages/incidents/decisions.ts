import { html } from 'hono/html';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { numberText } from '../../../../core/domain/incidents/incident-number.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { addressWith, filterLinks, type Html, nothing, olderLink, searchForm, servicePath } from '../../parts.ts';
import { decisionRow } from './evidence.ts';
import { type PageRequest, type ConsoleDeps, type ConsolePage, viewerAsReader } from '../page.ts';
import { DECISIONS } from '../reports.ts';
import { type DecisionsQuery, type Kind, KINDS, type ListedDecisions } from './decisions-data.ts';

const PATH = '/console/decisions';

const TEXT_MAX_CHARS = 200;

export type Decisions = ListedDecisions & Pick<DecisionsQuery, 'from' | 'kind' | 'text'> & { at: Timestamp };

export const decisionsPage: ConsolePage = {
  path: PATH,
  label: 'Decisions',
  section: 'Review',
  action: 'incidents:read',
  everySeconds: 10,
  show: async (deps, request) => ({
    title: 'Decisions',
    main: decisionsMain(await load(deps, request)),
    known: { kind: Object.keys(KINDS) },
  }),
};

async function load(deps: ConsoleDeps, { viewer, query }: PageRequest): Promise<Decisions> {
  const requested = query.get('kind') ?? '';
  const kind: Kind = Object.hasOwn(KINDS, requested) ? (requested as Kind) : 'all';
  const text = (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
  const from = query.get('from') || null;
  const { value } = await deps.reports.read(DECISIONS, { kind, text, from }, viewerAsReader(viewer));
  return { at: deps.clock.now(), kind, text, from, ...value };
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
              ${items.map(({ incident, decision, effect }) => html`<li>${decisionRow(decision, incident, { at, effect, about: about(incident), isListed: true })}</li>`)}
            </ol>`
      }
      ${older === null ? '' : olderLink(PATH, { ...query, from: older }, 'Older decisions')}
    </section>
  `;
};

const about = ({ service, environment, title, ...incident }: Decisions['items'][number]['incident']): Html =>
  html`<p class="about">
    <a href="${servicePath(service)}">${service}</a> ${environment} ·
    <a href="${incidentPath(incident)}">${numberText(incident)}${title}</a>
  </p>`;
