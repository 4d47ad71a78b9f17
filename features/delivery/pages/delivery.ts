import { html } from 'hono/html';
import { incidentPath } from '../../../core/domain/incidents/console-link.ts';
import type { Band } from '../config.ts';
import { type DoraDeploy, DoraFigure, type DoraIncident, FIGURE_DEFINITIONS, FIGURE_NAMES } from '../dora.ts';
import {
  actionForm,
  addressWith,
  ago,
  type Cells,
  filterLinks,
  type Html,
  incidentLink,
  longTable,
  nothing,
  numberOf,
  onDemand,
  panel,
  selectField,
  servicePath,
  tableOf,
} from '../../../entrances/console/parts.ts';
import { DELIVERY_ACTIONS, NO_DEPLOY } from './actions.ts';
import { type DeliveryData, loadDelivery, type Selection, WINDOWS } from './data.ts';
import { daysPanel, trendsPanel } from './plots.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import { placeNames } from '../../../core/domain/messages/place-names.ts';
import { endsUnshown } from '../../../core/domain/incidents/closing.ts';
import { UNMATCHED } from '../../../schemas/config/names.ts';
import { utcWords } from '../../../core/domain/messages/chat-message.ts';
import { counted, duration, share } from '../../../core/domain/reports/words.ts';
import type { ConsolePage } from '../../../entrances/console/pages/page.ts';

const PATH = '/console/delivery';

export const deliveryPage: ConsolePage = {
  path: PATH,
  label: 'Delivery',
  section: 'Deploys',
  isOverview: true,
  action: 'deployments:read',
  everySeconds: 60,
  actions: DELIVERY_ACTIONS,
  async show(deps, request) {
    const data = await loadDelivery(deps, request);
    // Deploys can also be recorded of services and environments that the catalogue does not have.
    const known = { days: WINDOWS.map(String), figure: DoraFigure.options, team: data.teams };
    return { title: 'Delivery', main: deliveryMain(data), known };
  },
};

export const deliveryMain = (data: DeliveryData): Html => html`
  <h1 class="page-title">Delivery</h1>
  ${windowLinks(data)} ${scopeForm(data)}
  <p class="quiet">As of <time datetime="${data.at.slice(0, 16)}Z">${utcWords({ at: data.at })}</time></p>
  ${data.features.links.map((link) => html`<p class="more">${link}</p>`)}
  <div class="columns">
    <div class="detail">
      ${panel('figures', `Last ${data.selection.days} days`, null, figuresTable(data))} ${daysPanel(data)}
    </div>
    <div class="aside">${trendsPanel(data)}</div>
  </div>
  <div class="detail">
    ${panel('by-service', 'By service', data.serviceCount, servicesTable(data))} ${data.features.panels}
    ${panel(
      'records',
      FIGURE_NAMES[data.selection.figure],
      data.total,
      html`<p class="quiet">${FIGURE_DEFINITIONS[data.selection.figure]}.</p>
        ${recordsList(data)}`,
    )}
  </div>
`;

/** Returns the address of the page with another selection. */
function addressOf({ days, figure, ...scope }: Selection, other: Partial<Selection>): string {
  const selected = { days, figure, ...scope, ...other };
  return addressWith(PATH, Object.fromEntries(Object.entries(selected).map(([key, value]) => [key, String(value)])));
}

const windowLinks = ({ selection }: DeliveryData): Html =>
  filterLinks(
    'Window',
    WINDOWS.map((days) => ({
      text: `${days} days`,
      href: addressOf(selection, { days }),
      isCurrent: days === selection.days,
    })),
  );

const scopeForm = ({ selection, services, teams, environments }: DeliveryData): Html =>
  html`<form class="search" method="get" action="${PATH}" role="search">
    <input type="hidden" name="days" value="${selection.days}" />
    <input type="hidden" name="figure" value="${selection.figure}" />
    ${selectField('service', 'All services', services, selection.service)}
    ${selectField('team', 'All teams', teams, selection.team)}
    ${selectField('environment', 'Production', environments, selection.environment)}
    <button>Show</button>
  </form>`;

function figuresTable({ figures, selection, complete }: DeliveryData): Html {
  const row = (figure: DoraFigure, value: string, band: Band | null, about: string): Cells => [
    html`<a href="${addressOf(selection, { figure })}#records">${FIGURE_NAMES[figure]}</a>`,
    html`<strong>${value}</strong>`,
    band === null ? '' : bandBadge(band),
    html`<span class="quiet">${about}</span>`,
  ];
  const {
    deployment_frequency: frequency,
    lead_time: lead,
    change_failure_rate: failed,
    failed_deployment_recovery: recovery,
    rework_rate: rework,
    time_to_restore: restore,
    infrastructure_changes: applies,
  } = figures;
  return html`${tableOf(
    'Figures',
    ['Figure', 'Value', 'Band', 'Records'],
    [
      row('deployment_frequency', frequencyText(frequency.value), frequency.band, counted(frequency.deploys, 'deploy')),
      row(
        'lead_time',
        duration(lead.median_s),
        lead.band,
        `median of ${counted(lead.commits, 'commit')}${lead.p90_s === null ? '' : `; 90 % within ${duration(lead.p90_s)}`}`,
      ),
      row(
        'change_failure_rate',
        share(failed.value),
        failed.band,
        `${failed.failed} of ${counted(failed.deploys, 'deploy')} failed`,
      ),
      row(
        'failed_deployment_recovery',
        duration(recovery.median_s),
        recovery.band,
        `median of ${counted(recovery.recovered, 'recovery', 'recoveries')}${recovery.open === 0 ? '' : `; ${recovery.open} without a recorded recovery`}`,
      ),
      row(
        'rework_rate',
        share(rework.value),
        null,
        `${rework.rework} of ${counted(rework.deploys, 'deploy or rollback', 'deploys and rollbacks')}`,
      ),
      row(
        'time_to_restore',
        duration(restore.median_s),
        restore.band,
        `median of ${counted(restore.incidents, 'incident')}${restore.open === 0 ? '' : `; ${restore.open} open`}${restore.unverified === 0 ? '' : `; ${restore.unverified} closed, not verified`}`,
      ),
      row('pending', String(figures.pending), null, 'too young for a rate'),
      row(
        'incidents_without_deploy',
        String(figures.incidents_without_deploy),
        null,
        'no deploy is confirmed as the cause',
      ),
      row(
        'infrastructure_changes',
        share(applies.value),
        null,
        `${applies.succeeded} of ${counted(applies.succeeded + applies.failed, 'apply', 'applies')} succeeded`,
      ),
    ],
  )}
  ${bandsHint}
  ${complete ? '' : html`<p class="lacking">There are more incidents than one report reads; the figures omit the oldest.</p>`}`;
}

/** Marks of bands, which differ in shape, so that color is not the only sign. Green is only the best one. */
const BANDS: Readonly<Record<Band, { mark: string; badgeClass: string }>> = {
  elite: { mark: '●', badgeClass: 'effect-succeeded' },
  high: { mark: '◐', badgeClass: 'info' },
  medium: { mark: '◆', badgeClass: 'warning' },
  low: { mark: '▲', badgeClass: 'critical' },
};

const bandBadge = (band: Band): Html =>
  html`<span class="badge ${BANDS[band].badgeClass}">${BANDS[band].mark} ${band}</span>`;

/** Says what a band rates: a high one of a rate of failures is not a high rate. */
const bandsHint = html`<p class="hint">
  Bands rate the performance: elite is the best, then high, medium, and low. A high band of the fail rate means few
  failures.
</p>`;

/** Returns a frequency per day, week, or month: the shortest period in which there is at least one. */
function frequencyText(value: number): string {
  if (value === 0) return 'none';
  if (value >= 1) return `${twoDigits(value)} per day`;
  return value >= 1 / 7 ? `${twoDigits(value * 7)} per week` : `${twoDigits(value * 30)} per month`;
}

/** Returns a number with two significant digits. */
const twoDigits = (value: number): string => String(Number(value.toPrecision(2)));

const servicesTable = ({ byService, serviceCount, selection }: DeliveryData): Html =>
  byService.length === 0
    ? nothing('No service of this selection has a deploy or an incident in this window.')
    : html`${longTable(
        'services',
        'Figures by service',
        ['Service', 'Frequency', 'Lead time', 'Fail rate', 'Recovery'],
        byService.map(({ service, figures }): Cells => [
          html`<a href="${addressOf(selection, { service })}">${placeNames({ service, environment: '' })[0]}</a>`,
          withBand(frequencyText(figures.deployment_frequency.value), figures.deployment_frequency.band),
          withBand(duration(figures.lead_time.median_s), figures.lead_time.band),
          withBand(share(figures.change_failure_rate.value), figures.change_failure_rate.band),
          withBand(duration(figures.failed_deployment_recovery.median_s), figures.failed_deployment_recovery.band),
        ]),
      )}
      ${bandsHint}
      ${
        serviceCount > byService.length
          ? html`<p class="more quiet">
              The ${byService.length} of ${serviceCount} services with the most deploys. Select a service or a team to
              see others.
            </p>`
          : ''
      }`;

const withBand = (value: string, band: Band | null): Html => html`${value} ${band === null ? '' : bandBadge(band)}`;

function recordsList(data: DeliveryData): Html {
  const { records, total } = data;
  if (records.items.length === 0) return nothing('No record of this window counts in this figure.');
  const table =
    records.kind === 'deploys'
      ? longTable(
          'records',
          FIGURE_NAMES[data.selection.figure],
          ['Deploy', 'Environment', 'Ended', 'Lead times', 'Outcome'],
          records.items.map((deploy) => deployCells(data, deploy)),
        )
      : longTable(
          'records',
          FIGURE_NAMES[data.selection.figure],
          ['Incident', 'Service', 'Opened', 'Restored after', 'Caused by'],
          records.items.map((incident) => incidentCells(data, incident)),
        );
  return html`${table}
  ${
    total > records.items.length
      ? html`<p class="more quiet">
          The newest ${records.items.length} of ${total}.
          <code>firebreak report dora --records ${data.selection.figure}</code> lists all.
        </p>`
      : ''
  }`;
}

const deployCells = ({ at }: DeliveryData, deploy: DoraDeploy): Cells => [
  html`<a href="${servicePath(deploy.service)}">${deploy.service}</a> ${deploy.version}
    ${deploy.kind === 'deploy' ? '' : html`<span class="badge">${deploy.kind}</span>`}`,
  deploy.environment,
  ago(deploy.finished_at, at),
  leadText(deploy.lead_times_s),
  html`${outcomeOf(deploy)}${reworkText(deploy)}`,
];

function leadText(seconds: readonly number[]): string {
  const [first] = seconds;
  if (first === undefined) return 'no commit times';
  if (seconds.length === 1) return duration(first);
  return `${seconds.length} commits, ${duration(Math.min(...seconds))} to ${duration(Math.max(...seconds))}`;
}

const reworkText = ({ kind, rework, rework_pull_request: of }: DoraDeploy): string =>
  rework === null || rework === kind ? '' : `; ${rework}${of === null ? '' : ` ${of.repository}#${of.number}`}`;

function outcomeOf({ failures, pending, recovery_s, status }: DoraDeploy): Html | string {
  if (failures.length === 0) return pending ? 'pending' : status;
  return html`<span class="lacking">failed:</span>
    ${failures.map((cause, n) => html`${n === 0 ? '' : ', '}${causeOf(cause)}`)}${
      recovery_s === null ? '; no recovery recorded' : `; recovered after ${duration(recovery_s)}`
    }`;
}

function causeOf(cause: DoraDeploy['failures'][number]): Html | string {
  switch (cause.kind) {
    case 'incident':
      return incidentLink({ id: cause.incident_id, number: cause.incident_number });
    case 'rollout':
      return 'the rollout failed';
    case 'rollback':
      return 'rolled back';
  }
}

function incidentCells(data: DeliveryData, incident: DoraIncident): Cells {
  const { title, service, environment, opened_at, restore_s } = incident;
  return [
    html`<a href="${incidentPath(incident)}">${numberOf(incident)} ${title}</a>`,
    service === UNMATCHED
      ? serviceEnvironmentText({ service, environment })
      : html`<a href="${servicePath(service)}">${service}</a> ${environment}`,
    ago(opened_at, data.at),
    restore_s !== null ? duration(restore_s) : endsUnshown(incident) ? 'closed, not verified' : 'open',
    html`${causeText(incident)} ${correctionForms(data, incident)}`,
  ];
}

function causeText({ deployment_id: deploy, attributed_by: by, correction }: DoraIncident): Html {
  const what = deploy === null ? 'no deploy' : html`deploy <code>${deploy.slice(4, 12)}</code>`;
  if (correction !== null) return html`${what}, says ${correction.by}: ${correction.reason}`;
  if (by === 'rolled_back') return html`${what}, which was rolled back`;
  return by === 'confidence' ? html`${what}, the confirmed suspect` : html`${what} confirmed`;
}

function correctionForms({ may, csrfToken, offeredDeploys: offered }: DeliveryData, incident: DoraIncident): Html | '' {
  const { id, correction } = incident;
  if (!may('incidents:act', incident)) return '';
  return html`${onDemand(
    `cause-${id}`,
    'Correct',
    actionForm(
      PATH,
      'attribute',
      csrfToken,
      html`<input type="hidden" name="incident" value="${id}" />
        <label for="deployment-${id}">Caused by</label>
        <select id="deployment-${id}" name="deployment">
          <option value="${NO_DEPLOY}">no deploy</option>
          ${(offered.get(id) ?? []).map(
            (deploy) =>
              html`<option value="${deploy.id}" ${deploy.id === incident.deployment_id ? html`selected` : ''}>
                ${deploy.service} ${deploy.version}, ${deploy.started_at.slice(5, 16).replace('T', ' ')}
              </option>`,
          )}
        </select>
        <label for="reason-${id}">Reason</label>
        <input id="reason-${id}" name="reason" required maxlength="2000" />
        <button>Record the cause</button>`,
    ),
  )}
  ${
    correction === null
      ? ''
      : actionForm(
          PATH,
          'withdraw',
          csrfToken,
          html`<input type="hidden" name="incident" value="${id}" /><button>Withdraw the correction</button>`,
        )
  }`;
}
