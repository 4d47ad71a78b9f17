import { html } from 'hono/html';
import { visibleRunbook } from '../../../../core/actions/runbooks/visible.ts';
import { EVERYWHERE } from '../../../../core/domain/access/access.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { placedTitle } from '../../../../core/domain/messages/place-names.ts';
import { serviceEnvironmentText } from '../../../../core/domain/messages/story.ts';
import { isAcknowledged } from '../../../../core/domain/paging/acknowledgement.ts';
import type { IncidentSummary } from '../../../../core/domain/ports/incidents.ts';
import type { Action } from '../../../../schemas/access/access.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { type Html, nothing, searchForm, servicePath } from '../../parts.ts';
import { AUTOMATION_PATH } from '../automation.ts';
import { DECLARE_PATH } from '../incidents/declare.ts';
import { type ConsoleDeps, type ConsolePage, type PageRequest, viewerAsReader } from '../page.ts';
import { INCIDENTS_NAMED } from '../reports.ts';
import { runbookPath } from '../runbooks/parts.ts';
import { type FoundIncident, SHOWN_MAX } from './incidents-named.ts';

export const FIND_PATH = '/console/find';

const TEXT_MAX_CHARS = 200;

/** Newest changes in which versions are searched. */
const CHANGES_READ = 200;

type Found = FoundIncident;

/** Finds incidents, services, versions, runbooks, pages, and actions by words. The palette shows the results of this page. */
export const findPage: ConsolePage = {
  path: FIND_PATH,
  label: null,
  action: 'incidents:read',
  everySeconds: 60,
  async show(deps, request) {
    const text = (request.query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
    return { title: 'Find', main: findMain(text, await find(deps, request, text)) };
  },
};

async function find(deps: ConsoleDeps, { viewer, destinations }: PageRequest, text: string): Promise<Found[]> {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (...texts: string[]): boolean => {
    const searched = texts.join(' ').toLowerCase();
    return words.every((word) => searched.includes(word));
  };
  const [config, incidents, changes] = await Promise.all([
    deps.config.current(),
    deps.reports.read(INCIDENTS_NAMED, { text }, viewerAsReader(viewer)),
    words.length > 0 && viewer.may('deployments:read', {}) ? deps.changes.list({ limit: CHANGES_READ }) : null,
  ]);
  const isPaused = viewer.may('automation:write', EVERYWHERE) ? (await deps.automation.read()).paused : null;
  const actions = [
    { label: 'Declare an incident', path: DECLARE_PATH, isOffered: viewer.may('incidents:write', {}) },
    { label: 'Freeze deploys', path: '/console/freezes#declare', isOffered: viewer.may('freezes:write', {}) },
    {
      label: 'Kill switch: pause automation of all services',
      path: `${AUTOMATION_PATH}#pause-reason`,
      isOffered: isPaused === false,
    },
    {
      label: 'Kill switch: resume automation of all services',
      path: `${AUTOMATION_PATH}#resume-reason`,
      isOffered: isPaused === true,
    },
  ].filter(({ isOffered }) => isOffered);
  const services = words.length === 0 ? [] : Object.entries(config.services);
  const runbooks = words.length === 0 ? [] : config.runbooks.runbooks;
  return [
    incidents.value,
    services
      .filter(([name, { team }]) => matches(name, team ?? '') && viewer.may('incidents:read', { service: name }))
      .map(([name, { team }]): Found => ({ kind: 'service', text: name, detail: team ?? '', href: servicePath(name) })),
    versionsOf(
      (changes?.items ?? []).filter(
        ({ version, ...of }) =>
          words.some((word) => version.toLowerCase().includes(word)) &&
          matches(version, of.service, of.environment) &&
          viewer.may('deployments:read', of),
      ),
    ),
    runbooks
      .flatMap((runbook) => visibleRunbook((scope) => viewer.may('incidents:read', scope), runbook) ?? [])
      .filter(({ name, title }) => matches(name, title))
      .map(({ name, title }): Found => ({ kind: 'runbook', text: title, detail: name, href: runbookPath(name) })),
    [
      ...actions
        .filter(({ label }) => matches(label))
        .map(({ label, path }): Found => ({ kind: 'action', text: label, detail: '', href: path })),
      ...(words.length === 0 || !viewer.may('incidents:read', {}) ? [] : await incidentActions(deps, viewer, words)),
    ],
    destinations
      .filter(({ label }) => matches(label))
      .map(({ label, path }): Found => ({ kind: 'page', text: label, detail: '', href: path })),
  ].flatMap((found, n) => found.slice(0, n === 5 ? Infinity : SHOWN_MAX));
}

/**
 * Actions on an open incident. `says`: what finds it. `at`: the element on the page of the incident, which leads to the form, so that
 * nothing is done at once.
 */
const INCIDENT_ACTS: readonly {
  label: string;
  says: string;
  at: string;
  permission: Action;
  applies?(incident: IncidentSummary): boolean;
}[] = [
  {
    label: 'Acknowledge',
    says: 'acknowledge',
    at: 'do-acknowledge',
    permission: 'incidents:write',
    applies: (incident) => !isAcknowledged(incident),
  },
  {
    label: 'Pause automation of',
    says: 'pause automation',
    at: 'do-pause',
    permission: 'incidents:act',
    applies: ({ automation_paused: isPaused }) => !isPaused,
  },
  {
    label: 'Resume automation of',
    says: 'resume automation',
    at: 'do-resume',
    permission: 'incidents:act',
    applies: ({ automation_paused: isPaused }) => isPaused,
  },
  { label: 'Roll back in', says: 'roll back rollback', at: 'rollback-to', permission: 'incidents:act' },
  {
    label: 'Update stakeholders of',
    says: 'send update to stakeholders',
    at: 'update-text',
    permission: 'incidents:write',
  },
  { label: 'Assign a role in', says: 'assign role commander', at: 'assign-role', permission: 'incidents:write' },
  { label: 'Change the severity of', says: 'change severity', at: 'severity', permission: 'incidents:write' },
  { label: 'Add a note to', says: 'add note', at: 'note-text', permission: 'incidents:write' },
  { label: 'Abort automation of', says: 'abort automation', at: 'do-abort', permission: 'incidents:act' },
  { label: 'Resolve', says: 'resolve', at: 'do-resolve', permission: 'incidents:act' },
];

/** Finds actions on open incidents, by words of which at least one names the action. */
async function incidentActions(
  { incidents }: Pick<ConsoleDeps, 'incidents'>,
  { may }: PageRequest['viewer'],
  words: readonly string[],
): Promise<Found[]> {
  const isNamed = (says: string, word: string): boolean => says.split(' ').some((part) => part.startsWith(word));
  const named = INCIDENT_ACTS.filter(({ says }) => words.some((word) => isNamed(says, word)));
  if (named.length === 0) return [];
  const open = (await incidents.openSummaries()).filter((incident) => may('incidents:read', incident));
  return open
    .toSorted((a, b) => (a.opened_at < b.opened_at ? 1 : -1))
    .flatMap((incident) => {
      const of = `${incidentName(incident)} ${incident.title} ${serviceEnvironmentText(incident)}`.toLowerCase();
      return named
        .filter(({ says, permission, applies }) => {
          const isFound = words.every((word) => isNamed(says, word) || of.includes(word));
          return isFound && may(permission, incident) && (applies?.(incident) ?? true);
        })
        .map(({ label, at }): Found => ({
          kind: 'action',
          text: `${label} ${incidentName(incident)}`,
          detail: placedTitle(incident),
          href: `${incidentPath(incident)}#${at}`,
        }));
    });
}

/** Returns each version of a service once. */
function versionsOf(changes: readonly Change[]): Found[] {
  const byVersion = new Map(changes.map((change) => [JSON.stringify([change.service, change.version]), change]));
  return [...byVersion.values()].map(({ service, environment, version }) => ({
    kind: 'version',
    text: version,
    detail: `${service} ${environment}`,
    href: servicePath(service),
  }));
}

export const findMain = (text: string, found: readonly Found[]): Html => html`
  <h1 class="page-title">Find</h1>
  ${searchForm(FIND_PATH, { name: 'text', value: text, label: 'Incident, service, version, runbook, page, or action' })}
  <section class="panel" id="found" data-part aria-labelledby="found-title">
    <h2 id="found-title">Results</h2>
    ${
      found.length === 0
        ? nothing('Nothing matches.')
        : html`<ul class="found">
            ${found.map(
              ({ kind, text: name, detail, href }) =>
                html`<li>
                  <a href="${href}"
                    ><span class="kind">${kind}</span>
                    <span>${name}${detail === '' ? '' : html` <span class="quiet">${detail}</span>`}</span></a
                  >
                </li>`,
            )}
          </ul>`
    }
  </section>
`;
