import { html } from 'hono/html';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import {
  ago,
  type Cells,
  type Html,
  modeBadge,
  nothing,
  olderLink,
  panel,
  searchForm,
  servicePath,
  shareBar,
  tableOf,
} from '../../parts.ts';
import { type ConsolePage, viewerAsReader } from '../page.ts';
import { SERVICES } from '../reports.ts';
import type { ServiceRow, Services } from './services-data.ts';

const TEXT_MAX_CHARS = 200;

export const servicesPage: ConsolePage = {
  path: '/console/services',
  label: 'Services',
  section: 'Services',
  action: 'incidents:read',
  everySeconds: 15,
  async show(deps, { viewer, query }) {
    const text = (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
    const from = query.get('from') ?? '';
    const { value } = await deps.reports.read(SERVICES, { text, from }, viewerAsReader(viewer));
    return { title: 'Services', main: servicesMain(value) };
  },
};

export const servicesMain = (data: Services): Html => html`
  <h1 class="page-title">Services</h1>
  ${searchForm('/console/services', { name: 'text', value: data.text, label: 'Service, environment, team, or version' })}
  ${panel('services', 'Services', data.matching, servicesTable(data))}
`;

function servicesTable({ at, text, rows, next, isEmpty }: Services): Html {
  if (isEmpty)
    return nothing(
      html`No service is known. Add services to <code>config/services.yaml</code>, or report a deployment with
        <code>firebreak deploy record</code>: then the service is listed here.`,
    );
  if (rows.length === 0) return nothing(html`No service matches “${text}”. <a href="/console/services">Show all</a>`);
  return html`${tableOf(
    'Services',
    ['Service', 'Environment', 'Runs', 'Automation', 'Open incidents', 'Budget left'],
    rows.map((row) => rowCells(row, at)),
  )}
  ${next === null ? '' : olderLink('/console/services', { ...(text !== '' && { text }), from: next }, 'More services')}`;
}

const rowCells = (
  { service, environment, team, tier, isInCatalogue, mode, live, incidents, budget, uncorrectedBudget }: ServiceRow,
  at: Timestamp,
): Cells => [
  html`<a href="${servicePath(service)}">${service}</a>
    <span class="quiet target"
      >${[team, tier === null ? null : `tier ${tier}`, isInCatalogue ? null : 'not in the catalogue'].filter(Boolean).join(' · ')}</span
    >`,
  environment ?? '',
  live === null
    ? ''
    : html`<span class="version">${live.version}</span>
        <span class="quiet"
          >${live.status === 'started' ? 'since' : 'deployed'} ${ago(live.finished_at ?? live.started_at, at)}</span
        >`,
  mode === null
    ? isInCatalogue && environment !== null
      ? html`<span class="quiet">no deployer</span>`
      : ''
    : modeBadge(mode),
  openBadge(incidents),
  budget === null && uncorrectedBudget === null
    ? ''
    : html`${budget === null ? '' : budget < 0 ? html`<span class="lacking">overspent</span>` : shareBar(budget, 'budget left')}
      ${uncorrectedBudget === null ? '' : html`<span class="quiet target">${Math.round(uncorrectedBudget * 100)} % without corrections</span>`}`,
];

function openBadge([first, ...others]: ServiceRow['incidents']): Html | '' {
  if (first === undefined) return '';
  return html`<a class="badge ${first.severity}" href="${incidentPath(first)}">${others.length + 1} open</a>`;
}
