import { html } from 'hono/html';
import type { Freeze, Override } from '../schemas/freeze.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import {
  actionForm,
  ago,
  ahead,
  type Cells,
  clockTime,
  type Html,
  incidentLink,
  longList,
  nothing,
  olderLink,
  onDemand,
  panel,
  servicePath,
  switchedTime,
  tableOf,
} from '../../../entrances/console/parts.ts';
import { CAUSE_WORDS, reasonWords, scopeInWords, endsWhenText } from '../decisions/words.ts';
import { FREEZES_PAGE, type Planned } from '../reports.ts';
import { EVERYTHING, FREEZE_ACTIONS, FREEZE_ENDS, FREEZE_ENDS_DEFAULT } from './actions.ts';
import type { FreezesData } from './data.ts';
import { type ConsolePage, viewerAsReader } from '../../../entrances/console/pages/page.ts';

const PATH = '/console/freezes';

export const freezesPage: ConsolePage = {
  path: PATH,
  label: 'Freezes',
  section: 'Deploys',
  action: 'freezes:read',
  everySeconds: 10,
  actions: FREEZE_ACTIONS,
  async show(deps, { viewer, query }) {
    const { caller, may, csrfToken } = viewer;
    caller.allow('freezes:read', {});
    const { value } = await deps.reports.read(
      FREEZES_PAGE,
      { from: query.get('from') || null },
      viewerAsReader(viewer),
    );
    return { title: 'Freezes', main: freezesMain({ ...value, may, csrfToken, selected: query.get('scope') }) };
  },
};

export const freezesMain = (data: FreezesData): Html => html`
  <h1 class="page-title">Freezes</h1>
  <div class="columns">
    <div class="detail">${activePanel(data)} ${refusedPanel(data)} ${endedPanel(data)}</div>
    <div class="aside">${declarePanel(data)} ${calendarPanel(data)}</div>
  </div>
`;

function activePanel(data: FreezesData): Html {
  const { active, scheduled } = data;
  return panel(
    'active',
    'In force',
    active.length,
    html`${
      active.length === 0
        ? nothing(
            'No freeze is in force, so deploys are allowed. Freezes come from error budgets, burn rates, incidents, the calendar, and people.',
          )
        : longList(
            'active',
            active.map((freeze) => freezeRow(data, freeze)),
          )
    }
    ${
      scheduled.length === 0
        ? ''
        : html`<h3 class="sub">Scheduled by hand</h3>
            ${longList(
              'scheduled',
              scheduled.map((freeze) => freezeRow(data, freeze)),
            )}`
    }`,
  );
}

/** Returns the scope in which the use cases check the permission. */
const scopeOf = ({ service, environment }: Freeze) => ({ service, environment });

function freezeRow(data: FreezesData, freeze: Freeze): Html {
  const { at, may, csrfToken, incidents } = data;
  const { id, cause, reason, starts_at, until, opened_by, overrides, service, incident_id } = freeze;
  const isPlanned = starts_at > at && (cause === 'person' || cause === 'calendar');
  return html`<article aria-labelledby="f-${id}">
    <h3 id="f-${id}">
      <span class="place"
        >${service === null ? scopeInWords(freeze) : html`<a href="${servicePath(service)}">${scopeInWords(freeze)}</a>`}</span
      >
      <span class="badge">${CAUSE_WORDS[cause]}</span>
    </h3>
    <p>${reason}</p>
    <p class="facts">
      <span>${isPlanned ? html`starts ${ahead(starts_at, at)}` : html`since ${ago(starts_at, at)}`}</span>
      <span>${until === null ? endsWhenText(freeze) : html`until ${clockTime(until, at)}, ${ahead(until, at)}`}</span>
      <span>by ${opened_by}</span>
      ${incident_id === null ? '' : incidentLink(incidents.find(({ id: one }) => one === incident_id) ?? { id: incident_id })}
    </p>
    ${
      overrides.length === 0
        ? ''
        : tableOf(
            `Overrides of ${id}`,
            ['Override', 'For', 'Expires', 'State', 'Action'],
            overrides.map((override) => overrideCells(data, freeze, override)),
          )
    }
    <div class="acts">
      ${may('freezes:write', scopeOf(freeze)) ? liftForm(id, csrfToken, isPlanned) : ''}
      ${may('freezes:override', scopeOf(freeze)) ? overrideForm(data, freeze) : ''}
    </div>
  </article>`;
}

const liftForm = (id: string, csrfToken: string, isPlanned: boolean): Html =>
  onDemand(
    `lift-${id}`,
    isPlanned ? 'Cancel…' : 'Lift…',
    actionForm(
      PATH,
      'lift',
      csrfToken,
      html`<input type="hidden" name="id" value="${id}" />
        <p>Everyone may deploy again. The same cause freezes again only after it was over once.</p>
        <label for="lift-reason-${id}">Reason (optional)</label>
        <input id="lift-reason-${id}" name="reason" maxlength="2000" autocomplete="off" />
        <button class="danger" id="do-lift-${id}">${isPlanned ? 'Cancel freeze' : 'Lift freeze'}</button>`,
    ),
  );

const VERSIONS_OFFERED = 20;

const overrideForm = ({ versions, csrfToken }: FreezesData, { id, service, environment }: Freeze): Html =>
  onDemand(
    `override-${id}`,
    'Allow a deployment…',
    actionForm(
      PATH,
      'override',
      csrfToken,
      html`<input type="hidden" name="id" value="${id}" />
        <p>An override lets deployments pass while the freeze stays. It is recorded with your name.</p>
        <label for="override-reason-${id}">Reason</label>
        <input id="override-reason-${id}" name="reason" maxlength="2000" autocomplete="off" required />
        <label for="override-hours-${id}">Valid for hours</label>
        <input id="override-hours-${id}" name="hours" type="number" min="0.5" step="0.5" value="1" required />
        <label for="override-uses-${id}">Deployments (empty: any number)</label>
        <input id="override-uses-${id}" name="uses" type="number" min="1" max="1000" value="1" />
        <label for="override-version-${id}">Version (empty: any)</label>
        <input
          id="override-version-${id}"
          name="version"
          maxlength="256"
          list="versions-${id}"
          autocomplete="off"
          spellcheck="false"
        />
        <datalist id="versions-${id}">
          ${offeredVersions(versions, { service, environment }).map((version) => html`<option value="${version}"></option>`)}
        </datalist>
        <button class="primary" id="do-override-${id}">Allow</button>`,
    ),
  );

/** Returns the versions to which a freeze of this scope applies. Others can be typed, because the next one is not recorded yet. */
const offeredVersions = (
  versions: FreezesData['versions'],
  { service, environment }: Pick<Freeze, 'service' | 'environment'>,
): string[] => {
  const own = versions.filter(
    (one) => (service === null || one.service === service) && (environment === null || one.environment === environment),
  );
  return [...new Set(own.map(({ version }) => version))].slice(0, VERSIONS_OFFERED);
};

function overrideCells({ at, may, csrfToken }: FreezesData, freeze: Freeze, override: Override): Cells {
  const { id, reason, requested_by, approved_by, version, uses, used_by, expires_at } = override;
  const state = overrideState(override, at);
  const button = (action: 'approve-override' | 'withdraw-override', label: string): Html =>
    actionForm(
      PATH,
      action,
      csrfToken,
      html`<input type="hidden" name="id" value="${freeze.id}" /><input type="hidden" name="override" value="${id}" />
        <button id="${action}-${id}">${label}</button>`,
    );
  const isOpen = state === 'usable' || state === 'needs approval';
  return [
    html`${reason}<span class="quiet target"
        >by ${requested_by}${approved_by === null ? '' : `, approved by ${approved_by}`}</span
      >`,
    html`${version === null ? 'any version' : html`<span class="version">${version}</span>`},
    ${uses === null ? 'any number' : uses === 1 ? '1 deployment' : `${uses} deployments`}`,
    ahead(expires_at, at),
    html`<span class="badge ${state === 'needs approval' ? 'warning' : ''}">${state}</span>
      ${used_by.length === 0 ? '' : html`<span class="quiet">used by ${used_by.map(({ deployment, by }) => `${deployment} (${by})`).join(', ')}</span>`}`,
    isOpen && may('freezes:override', scopeOf(freeze))
      ? html`<div class="buttons">
          ${state === 'needs approval' ? button('approve-override', 'Approve') : ''}
          ${button('withdraw-override', 'Withdraw')}
        </div>`
      : '',
  ];
}

function overrideState(
  { withdrawn_at, expires_at, needs_approval, approved_at, uses, used_by }: Override,
  at: Timestamp,
) {
  if (withdrawn_at !== null) return 'withdrawn';
  if (expires_at <= at) return 'expired';
  if (needs_approval && approved_at === null) return 'needs approval';
  return uses !== null && used_by.length >= uses ? 'used up' : 'usable';
}

function declarePanel({ may, csrfToken, scopes, selected }: FreezesData): Html | '' {
  // A freeze without a scope needs the permission everywhere, which the use case checks.
  if (!may('freezes:write', {})) return '';
  const { services, teams, environments } = scopes;
  const options = (kind: 'service' | 'team', names: readonly string[]): Html =>
    html`${names.map((name) => html`<option value="${kind}:${name}" ${`${kind}:${name}` === selected ? html`selected` : ''}>${name}</option>`)}`;
  return html`<section class="panel" id="declare" aria-labelledby="declare-title">
    <h2 id="declare-title">Freeze deploys</h2>
    ${onDemand(
      'declare',
      'Freeze deploys…',
      actionForm(
        PATH,
        'declare',
        csrfToken,
        html`<p>The freeze check refuses deploys of the scope until the freeze ends. Rollbacks stay allowed.</p>
          <label for="declare-scope">Scope</label>
          <select id="declare-scope" name="scope" required>
            <option value="">Choose</option>
            ${may('freezes:write', { service: null }) ? html`<option value="${EVERYTHING}" data-words="all services">All services, after a second step</option>` : ''}
            <optgroup label="Service">${options('service', services)}</optgroup>
            ${teams.length === 0 ? '' : html`<optgroup label="Services of the team">${options('team', teams)}</optgroup>`}
          </select>
          <label for="declare-environment">Environment</label>
          <select id="declare-environment" name="environment">
            <option value="">All</option>
            ${environments.map((name) => html`<option value="${name}">${name}</option>`)}
          </select>
          <label for="declare-ends">For</label>
          <select id="declare-ends" name="ends">
            ${Object.entries(FREEZE_ENDS).map(([value, text]) => html`<option value="${value}" ${value === 'lifted' ? '' : html`data-hours="${value}"`} ${value === FREEZE_ENDS_DEFAULT ? html`selected` : ''}>${text}</option>`)}
          </select>
          <label for="declare-reason">Reason</label>
          <input id="declare-reason" name="reason" maxlength="2000" autocomplete="off" required />
          <details id="declare-times">
            <summary>Other times</summary>
            <div class="fields">
              <label for="declare-starts">From, in UTC (empty: now)</label>
              <input id="declare-starts" name="starts_at" type="datetime-local" data-word="from" />
              <label for="declare-until">Until, in UTC, in place of the duration</label>
              <input id="declare-until" name="until" type="datetime-local" data-word="until" />
            </div>
          </details>
          <button class="danger" id="do-declare" data-says="Freeze {scope} {environment} {starts_at} {until|ends}">
            Freeze deploys
          </button>`,
      ),
    )}
  </section>`;
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const dayName = (day: string, at: Timestamp): string =>
  `${WEEKDAYS[new Date(`${day}T00:00:00Z`).getUTCDay()] ?? ''} ${day}${at.startsWith(day) ? ' (today)' : ''}`;

function calendarPanel({ days, at }: FreezesData): Html {
  return panel(
    'calendar',
    'Next four weeks',
    null,
    days.length === 0
      ? nothing(
          html`No freeze is planned. Add recurring ones to <code>calendar</code> in <code>config/freeze.yaml</code>.`,
        )
      : html`<ol class="rows">
          ${days.map(
            ({ day, freezes: onDay }) =>
              html`<li>
                <h3><time datetime="${day}">${dayName(day, at)}</time></h3>
                <ul>
                  ${onDay.map(
                    (planned) =>
                      html`<li>
                        <span class="when">${hoursOn(day, planned)}</span> <strong>${planned.scope}</strong>
                        <span class="quiet">${planned.reason}${planned.calendar === null ? ', by hand' : ''}</span>
                      </li>`,
                  )}
                </ul>
              </li>`,
          )}
        </ol>`,
  );
}

/** Returns when a freeze is in force on a day; on its first day also when it ends. */
export function hoursOn(day: string, { from, until }: Pick<Planned, 'from' | 'until'>): Html {
  const clock = (at: Timestamp): Html => switchedTime(at, at.slice(11, 16));
  const begins = from.startsWith(day);
  if (until?.startsWith(day) === true)
    return begins ? html`${clock(from)}–${clock(until)}` : html`until ${clock(until)}`;
  if (!begins) return html`all day`;
  return until === null
    ? html`from ${clock(from)}`
    : html`from ${clock(from)} until ${switchedTime(until, `${until.slice(0, 10)} ${until.slice(11, 16)}`)}`;
}

function refusedPanel({ refused, at }: FreezesData): Html {
  const rows = refused.map(({ id, request, verdict, by, count, last_at }): Cells => [
    html`<a href="${servicePath(request.service)}">${request.service}</a> ${request.environment}`,
    html`${request.change} ${request.version === null ? '' : html`<span class="version">${request.version}</span>`}`,
    html`<ul class="reasons">
        ${verdict.reasons.map(({ text, code }) => html`<li>${text} <span class="quiet">(${reasonWords(code)})</span></li>`)}
      </ul>
      ${verdict.clears_when === null ? '' : html`<p class="quiet">Ends ${verdict.clears_when}</p>`}
      <details class="raw" id="refused-${id}">
        <summary>Details</summary>
        <ul class="reasons">
          ${verdict.reasons.flatMap(({ more = [] }) => more.map((one) => html`<li>${one}</li>`))}
          <li>decision <code>${id}</code></li>
        </ul>
      </details>`,
    by,
    html`${ago(last_at, at)} ${count > 1 ? html`<span class="quiet">asked ${count} times</span>` : ''}`,
  ]);
  return panel(
    'refused',
    'Refused deployments',
    refused.length,
    rows.length === 0
      ? nothing(
          html`No deployment was refused lately. Deployments are listed here when CI asks the freeze check (<code
              >firebreak freeze check</code
            >) and a freeze applies.`,
        )
      : tableOf('Refused deployments', ['Service', 'Deployment', 'Why', 'Asked by', 'When'], rows),
  );
}

function endedPanel({ ended, at }: FreezesData): Html {
  const rows = ended.items.map((freeze): Cells => {
    const { cause, reason, starts_at, until, ended_at, ended_by, end_reason } = freeze;
    return [
      scopeInWords(freeze),
      CAUSE_WORDS[cause],
      reason,
      html`${clockTime(starts_at, at)} – ${clockTime(ended_at ?? until ?? starts_at, at)}`,
      ended_at === null ? 'its planned end' : html`${ended_by}${end_reason === null ? '' : html`: ${end_reason}`}`,
    ];
  });
  return panel(
    'ended',
    'Ended',
    null,
    html`${ended.from === null ? '' : html`<p class="more"><a href="${PATH}">Newest</a></p>`}
    ${rows.length === 0 ? nothing('No freeze has ended yet.') : tableOf('Ended freezes', ['Scope', 'Cause', 'Reason', 'In force', 'Ended by'], rows)}
    ${ended.older === null ? '' : olderLink(PATH, { from: ended.older }, 'Older freezes')}`,
  );
}
