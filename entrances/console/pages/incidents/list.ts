import { suspectName } from '../../../../core/domain/changes/change-words.ts';
import { html } from 'hono/html';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { statusWords } from '../../../../core/domain/incidents/status-words.ts';
import { serviceEnvironmentText } from '../../../../core/domain/messages/story.ts';
import { Severity } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import {
  addressWith,
  ago,
  ASKS_BADGE,
  type Cells,
  choiceField,
  filterLinks,
  type Html,
  incidentLink,
  nothing,
  numberOf,
  olderLink,
  severityBadge,
  spanOf,
  statusBadge,
  tableOf,
} from '../../parts.ts';
import { type ConsoleDeps, type ConsolePage, type PageRequest, viewerAsReader } from '../page.ts';
import { INCIDENTS } from '../reports.ts';
import { DECLARE_PATH } from './declare.ts';
import type { ListedIncidents, ListQuery } from './list-data.ts';
import {
  ATTENTION,
  AUTOMATION,
  CAUSES,
  causesOf,
  hasActed,
  keysOf,
  KNOWN_VALUES,
  type ListFilter,
  listFilterOf,
  queryOf,
  STATES,
  TIMES,
} from './list-filter.ts';

export const INCIDENTS_PATH = '/console/incidents';

export type IncidentList = ListQuery &
  ListedIncidents & {
    at: Timestamp;
    /** Teams of the catalogue. */
    teams: readonly string[];
    mayDeclare: boolean;
  };

/** All incidents, those that are open first of all. */
export const incidentsPage: ConsolePage = {
  path: INCIDENTS_PATH,
  label: 'Incidents',
  section: 'Incidents',
  action: 'incidents:read',
  everySeconds: 10,
  async show(deps, request) {
    const data = await load(deps, request);
    const known = { ...KNOWN_VALUES, team: data.teams };
    return { title: 'Incidents', main: listMain(data), asks: data.asking.length > 0, known };
  },
};

async function load(deps: ConsoleDeps, { viewer, query }: PageRequest): Promise<IncidentList> {
  const filter = listFilterOf(query);
  const from = query.get('from') || null;
  const { services } = await deps.config.current();
  const { value } = await deps.reports.read(INCIDENTS, { filter, from }, viewerAsReader(viewer));
  const teams = [...new Set(Object.values(services).flatMap(({ team }) => team ?? []))].toSorted();
  return { at: deps.clock.now(), filter, teams, from, mayDeclare: viewer.may('incidents:write', {}), ...value };
}

export function listMain(data: IncidentList): Html {
  const { at, filter, teams, incidents, asking, from, older, mayDeclare } = data;
  const query = queryOf(filter);
  return html`
    <div class="title-row">
      <h1 class="page-title">Incidents</h1>
      ${mayDeclare ? html`<a class="button" href="${DECLARE_PATH}">Declare an incident</a>` : ''}
    </div>
    ${filterLinks(
      'State',
      keysOf(STATES).map((state) => ({
        text: STATES[state],
        href: addressWith(INCIDENTS_PATH, queryOf({ ...filter, state })),
        isCurrent: state === filter.state,
      })),
    )}
    ${filterForm(filter, teams)}
    <section class="panel" id="incidents" data-part aria-labelledby="incidents-title">
      <h2 id="incidents-title">Newest first${countOf(data)}</h2>
      ${groupLine(data)} ${from === null ? '' : olderLink(INCIDENTS_PATH, query, 'Newest incidents')}
      ${
        incidents.length === 0
          ? nothing(emptyText(filter, older))
          : tableOf(
              'incidents',
              COLUMNS,
              incidents.map((incident) => rowOf(incident, asking.includes(incident.id), at)),
            )
      }
      ${older === null ? '' : olderLink(INCIDENTS_PATH, { ...query, from: older }, 'Older incidents')}
    </section>
  `;
}

/** Says which group is listed: no field of the form shows it. Empty: all incidents are. */
function groupLine({ filter, group }: IncidentList): Html | '' {
  if (filter.group === null) return '';
  const all = html`<a href="${addressWith(INCIDENTS_PATH, queryOf({ ...filter, group: null }))}"
    >Show all incidents</a
  >`;
  return group === null
    ? html`<p class="lacking">There is no group “${filter.group}”. ${all}</p>`
    : html`<p class="quiet">Only members of the group ${incidentLink(group)}. ${all}</p>`;
}

/** How many match, of all that are open. */
function countOf({ filter, total, open }: IncidentList): Html | '' {
  if (total === null) return '';
  const isPart = filter.state === 'open' && isFiltered(filter);
  return html` <span class="count">${isPart ? `${total} of ${open}` : total}</span>`;
}

const isFiltered = (filter: ListFilter): boolean => Object.keys(queryOf({ ...filter, state: 'open' })).length > 0;

const filterForm = ({ state, text, ...filter }: ListFilter, teams: readonly string[]): Html =>
  html`<form class="search many" method="get" action="${INCIDENTS_PATH}" role="search">
    ${state === 'open' ? '' : html`<input type="hidden" name="state" value="${state}" />`}
    <label for="search" class="hidden">Number, title, service, or version</label>
    <input
      id="search"
      type="search"
      name="text"
      value="${text}"
      placeholder="Number, title, service, or version"
      maxlength="200"
    />
    ${choiceField(
      'team',
      'Any team',
      teams.map((team) => [team, team]),
      filter.team,
    )}
    ${choiceField(
      'severity',
      'Any severity',
      Severity.options.map((one) => [one, one]),
      filter.severity,
    )}
    ${choiceField('days', 'Any time', Object.entries(TIMES), filter.days)}
    ${choiceField(
      'cause',
      'Any cause',
      keysOf(CAUSES).map((cause) => [cause, `Cause: ${CAUSES[cause].label}`]),
      filter.cause,
    )}
    ${choiceField('automation', 'Any automation', Object.entries(AUTOMATION), filter.automation)}
    ${choiceField(
      'attention',
      'Any need',
      keysOf(ATTENTION).map((one) => [one, ATTENTION[one].text]),
      filter.attention,
    )}
    ${filter.group === null ? '' : html`<input type="hidden" name="group" value="${filter.group}" />`}
    <button>Filter</button>
  </form>`;

function emptyText(filter: ListFilter, older: string | null): Html | string {
  if (filter.attention !== null && filter.state === 'resolved')
    return html`Only open incidents need something.
      <a href="${addressWith(INCIDENTS_PATH, queryOf({ ...filter, state: 'open' }))}">Show open ones</a>`;
  if (older !== null) return 'No incident matches in this part of the list.';
  if (isFiltered(filter))
    return html`No incident matches. <a href="${addressWith(INCIDENTS_PATH, { state: 'all' })}">Show all</a>`;
  return filter.state === 'open'
    ? html`No incident is open. <a href="${addressWith(INCIDENTS_PATH, { state: 'resolved' })}">Show resolved ones</a>`
    : 'There is none. An incident opens when an alert arrives that pages or asks for one, or when a person declares it.';
}

const COLUMNS = ['Incident', 'Severity', 'State', 'Opened', 'Open for', 'Cause', 'Automation'];

function rowOf(incident: IncidentRecord, isAsking: boolean, at: Timestamp): Cells {
  const { title, severity, opened_at, resolved_at, parent_id, roles } = incident;
  return [
    html`<a href="${incidentPath(incident)}">${numberOf(incident)} ${title}</a>
      <span class="target quiet">
        ${serviceEnvironmentText(incident)}${parent_id === undefined ? '' : ' · in a group'}${
          roles?.commander === undefined ? '' : ` · commander ${roles.commander.shown}`
        }
      </span>`,
    severityBadge(severity),
    html`${statusBadge(incident, statusWords(incident))} ${isAsking ? ASKS_BADGE : ''}`,
    ago(opened_at, at),
    spanOf(opened_at, resolved_at ?? at),
    causeOf(incident),
    hasActed(incident) ? 'acted' : '',
  ];
}

/** Shows the most probable suspects, or why incidents are grouped. Empty: nothing is known. */
function causeOf(incident: IncidentRecord): Html | string {
  const { group_reason } = incident;
  if (group_reason !== undefined) return group_reason.name === '' ? 'many at once' : group_reason.name;
  const causes = causesOf(incident);
  if (causes.length === 0) return '';
  return html`${causes.map(
    (suspect, n) =>
      html`${n === 0 ? '' : ', '}<span class="version">${suspectName(suspect)}</span>
        ${Math.round(suspect.confidence * 100)} %`,
  )}`;
}
