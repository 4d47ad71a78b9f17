import { html } from 'hono/html';
import * as z from 'zod';
import { provabilityText } from '../../../../core/domain/catalogue/provability.ts';
import { liftPin } from '../../../../core/actions/changes/lift-pin.ts';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import type { Change, ChangeStatus } from '../../../../schemas/changes/change.ts';
import { EnvironmentName, Mode } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import {
  actionForm,
  addressWith,
  ago,
  type Cells,
  clockTime,
  filterLinks,
  type Html,
  incidentLink,
  line,
  modeBadge,
  nothing,
  numberOf,
  olderLink,
  onDemand,
  outsideLink,
  panel,
  servicePath,
  severityBadge,
  statusBadge,
  tableOf,
} from '../../parts.ts';
import { FormLimit, NO_LIMIT, setLimit } from '../automation.ts';
import { type ConsolePage, field } from '../page.ts';
import { CHANGE_FILTERS, type ChangeFilter, loadService, type EnvironmentData, type ServiceData } from './data.ts';
import { watchBadge, watchesPanel } from './watches.ts';

export const servicePage: ConsolePage = {
  path: '/console/services/:service',
  label: null,
  within: '/console/services',
  action: 'incidents:read',
  everySeconds: 30,
  async show(deps, request) {
    const data = await loadService(deps, request);
    return { title: data.service, main: serviceMain(data), known: { kind: Object.keys(CHANGE_FILTERS) } };
  },
  actions: {
    'lift-pin': {
      permission: 'versions:write',
      done: 'Unpinned. The version may be deployed again.',
      run: async (deps, { caller, form }) => {
        await liftPin(deps, caller, field(form, 'id', z.string().max(128)));
      },
    },
    mode: {
      permission: 'automation:write',
      done: 'The limit of automation is set.',
      undoneBy: { mode: ['environment', 'mode', 'from'] },
      run: async (deps, { caller, param, form }) => {
        const name = z.string().parse(param['service']);
        const environment = field(form, 'environment', EnvironmentName);
        const mode = field(form, 'mode', FormLimit);
        const reason = field(form, 'reason', z.string().max(2000).optional());
        const from = field(form, 'from', FormLimit.optional());
        const limit = { scope: name, environment, mode: mode === NO_LIMIT ? null : mode, from };
        const inverse = await setLimit(deps, caller, limit, reason);
        return inverse.mode === mode ? undefined : { undo: { action: 'mode', fields: { environment, ...inverse } } };
      },
    },
  },
};

export const serviceMain = (data: ServiceData): Html => html`
  ${summary(data)}
  <div class="columns">
    <div class="detail">
      ${environmentsPanel(data)} ${automationPanel(data)} ${pinsPanel(data)} ${watchesPanel(data.watches, data.at)}
      ${changesPanel(data)}
    </div>
    <div class="aside">${cataloguePanel(data)} ${data.panels} ${incidentsPanel(data)}</div>
  </div>
`;

const summary = ({ service: name, entry, incidents }: ServiceData): Html => {
  const open = incidents.filter(({ status }) => status !== 'resolved').length;
  return html`<header class="summary" id="summary" data-part>
    <p><a href="/console/services">Services</a></p>
    <h1><strong>${name}</strong></h1>
    <p class="facts">
      ${open === 0 ? html`<span>no open incident</span>` : html`<span class="badge critical">${open === 1 ? '1 open incident' : `${open} open incidents`}</span>`}
      ${entry === null ? html`<span class="lacking">not in the catalogue: add it to config/services.yaml</span>` : ''}
    </p>
  </header>`;
};

function environmentsPanel({ environments, at }: ServiceData): Html {
  if (environments.length === 0)
    return panel(
      'places',
      'Environments',
      0,
      nothing(
        html`No environment is configured. Add one below <code>environments</code> in
          <code>config/services.yaml</code>.`,
      ),
    );
  const rows = environments.map(({ environment, entry, live, mode, proof }): Cells => [
    environment,
    live === null
      ? html`<span class="quiet">no deployment is recorded</span>`
      : html`<span class="version">${live.version}</span>
          <span class="quiet"
            >${live.status === 'started' ? 'rolls out since' : ''} ${ago(live.finished_at ?? live.started_at, at)}</span
          >`,
    mode === null ? '' : modeBadge(mode),
    entry?.deployer?.kind ?? html`<span class="quiet">none: pages, never acts</span>`,
    proof === null
      ? html`<span class="quiet"
          >${entry?.drills === true ? 'no drill has succeeded yet' : 'never: drills are not enabled'}</span
        >`
      : html`${ago(proof.at, at)} <span class="quiet">by drill <code>${proof.drill_id}</code></span>`,
  ]);
  return panel(
    'places',
    'Environments',
    environments.length,
    tableOf('Environments', ['Environment', 'Runs', 'Automation', 'Deployer', 'Rollback proved'], rows),
  );
}

function automationPanel(data: ServiceData): Html | '' {
  const environments = data.environments.filter(({ mode }) => mode !== null);
  if (environments.length === 0) return '';
  return panel(
    'automation',
    'Automation',
    null,
    html`<ul class="rows">
      ${environments.map((row) => html`<li>${automationOf(data, row)}</li>`)}
    </ul>`,
  );
}

function automationOf(data: ServiceData, row: EnvironmentData): Html {
  const { environment, entry, mode, limits, cap } = row;
  const { service: name, may, csrfToken } = data;
  const configured = entry?.autoRollback.mode ?? 'shadow';
  return html`<h3><span class="place">${environment}</span> ${mode === null ? '' : modeBadge(mode)}</h3>
    <dl class="lines">
      ${configured === mode ? '' : line('Configured', configured)}
      ${limits.length === 0 ? '' : line('Limited', limits.join('; '))} ${nextModeLines(row)}
      ${row.evidence === null ? '' : evidenceLines(row.evidence, data.at)}
    </dl>
    ${
      may('automation:write', {})
        ? onDemand(
            `mode-${environment}`,
            `Limit automation in ${environment}…`,
            actionForm(
              servicePath(name),
              'mode',
              csrfToken,
              html`<input type="hidden" name="environment" value="${environment}" />
                <p>A limit lowers the configured mode (${configured}). It never raises it.</p>
                <label for="mode-of-${environment}">At most</label>
                <select id="mode-of-${environment}" name="mode">
                  <option value="${NO_LIMIT}" ${cap === null ? html`selected` : ''}>no limit of its own</option>
                  ${Mode.options.map((option) => html`<option value="${option}" ${option === cap ? html`selected` : ''}>${option}</option>`)}
                </select>
                <label for="reason-of-${environment}">Reason (optional)</label>
                <input id="reason-of-${environment}" name="reason" maxlength="2000" autocomplete="off" />
                <button class="primary" id="do-mode-${environment}">Set limit</button>`,
            ),
          )
        : ''
    }`;
}

/** Shows the next mode of automation, and whether the evidence is sufficient for it. */
function nextModeLines({ mode, shadow }: EnvironmentData): Html | '' {
  if (mode === 'act') return line('Next mode', 'none: this is the highest mode');
  if (mode !== 'shadow')
    return line(
      'Next mode',
      mode === 'suggest'
        ? html`${modeBadge('approve')}: people answer in Slack or here; set it in <code>config/services.yaml</code>`
        : html`${modeBadge('act')}: acts on proof and asks otherwise; set it in <code>config/services.yaml</code>`,
    );
  if (shadow === null || shadow.promotion === null)
    return line('Next mode', 'no incident of the last 30 days shows yet what automation would have done');
  const { promotion, rollbacks, questions, nothing: none, cases } = shadow;
  const tally = [
    ['rollbacks', rollbacks],
    ['questions', questions],
    ['no action', none],
  ] as const;
  return html`${line(
    'Next mode',
    html`${modeBadge(promotion.to)}
    ${promotion.ready ? html`<strong>ready</strong>` : html`<span class="lacking">not yet</span>`}: ${promotion.because}`,
  )}
  ${line(
    'In 30 days',
    tally
      .filter(([, { count }]) => count > 0)
      .map(
        ([label, { count, right, wrong, undecided }]) =>
          `${count} ${label}: ${right} right, ${wrong} wrong, ${undecided} undecided`,
      )
      .join('; ') || 'nothing would have been done',
  )}
  ${promotion.ready ? line('How', html`${promotion.steps.map((step) => html`<p><code>${step}</code></p>`)}`) : ''}
  ${
    cases.length === 0
      ? ''
      : line(
          'Cases',
          html`<ul class="reasons">
            ${cases.slice(0, 5).map((reviewed) => html`<li><a href="${incidentPath(reviewed.incident)}">${reviewed.verdict}</a>: ${reviewed.because}</li>`)}
          </ul>`,
        )
  }`;
}

/** Says what automation can prove, on which data this relies, and what would change it. */
function evidenceLines({ can, measuredAt }: NonNullable<EnvironmentData['evidence']>, at: Timestamp): Html {
  const text = provabilityText(can);
  const basis =
    measuredAt === null
      ? html`by the configuration and recorded deploys; <code>firebreak doctor</code> measures it`
      : html`measured ${ago(measuredAt, at)}`;
  return html`${line(
    'Evidence',
    html`${can.kind === 'asks' || can.kind === 'time' ? html`<span class="lacking">${text}</span>` : text}
    ${can.kind === 'proved' || can.kind === 'asks' ? html`<span class="quiet">${basis}</span>` : ''}`,
  )}
  ${can.steps.length === 0 ? '' : line('To change it', html`${can.steps.map((step) => html`<p>${step}</p>`)}`)}`;
}

function pinsPanel({ pins, named, at, may, csrfToken, service: name }: ServiceData): Html | '' {
  if (pins === null) return '';
  const rows = pins.map(
    ({ id, environment, version, reason, pinned_at, incident_id, newer_version: newer, ...pin }): Cells => [
      html`<span class="version">${version}</span>`,
      environment,
      html`${reason} ${incident_id === null ? '' : incidentLink(named(incident_id))}`,
      html`${ago(pinned_at, at)}${newer === null ? '' : html` <span class="quiet">${newer} runs</span>`}`,
      may('versions:write', { ...pin, environment })
        ? actionForm(
            servicePath(name),
            'lift-pin',
            csrfToken,
            html`<input type="hidden" name="id" value="${id}" /><button id="unpin-${id}">Unpin</button>`,
          )
        : '',
    ],
  );
  return panel(
    'pins',
    'Pinned versions',
    pins.length,
    rows.length === 0
      ? nothing('No version is pinned. A version that was rolled back is pinned, and is refused by the freeze check.')
      : tableOf('Pinned versions', ['Version', 'Environment', 'Reason', 'Pinned', 'Action'], rows),
  );
}

const STATUS_TEXTS: Readonly<Record<ChangeStatus, string>> = {
  started: 'in progress',
  succeeded: '',
  failed: 'failed',
  cancelled: 'cancelled',
};

function changesPanel(data: ServiceData): Html | '' {
  const { changes, service: name } = data;
  if (changes === null) return '';
  const { filter, items, from, older } = changes;
  const query = filter === 'all' ? {} : { kind: filter };
  return html`<section class="panel" aria-labelledby="changes-title">
    <h2 id="changes-title">Changes</h2>
    ${filterLinks(
      'Kinds of changes',
      (Object.keys(CHANGE_FILTERS) as ChangeFilter[]).map((kind) => ({
        text: CHANGE_FILTERS[kind].label,
        href: `${addressWith(servicePath(name), kind === 'all' ? {} : { kind })}#changes-title`,
        isCurrent: kind === filter,
      })),
    )}
    <div id="changes" data-part>
      ${from === null ? '' : olderLink(servicePath(name), query, 'Newest changes')}
      ${
        items.length === 0
          ? nothing(
              older === null
                ? html`No such change is recorded. Report each change from CI with
                    <code>firebreak deploy record</code> or <code>POST /v1/deployments</code>.`
                : 'No such change in this part of the list.',
            )
          : tableOf(
              'Changes',
              ['Version', 'Environment', 'Kind', 'By', 'Started'],
              items.map((change) => changeCells(change, data)),
            )
      }
      ${older === null ? '' : olderLink(servicePath(name), { ...query, from: older }, 'Older changes')}
    </div>
  </section>`;
}

const changeCells = (change: Change, { at, watches }: ServiceData): Cells => {
  const watch = watches.find((candidate) => candidate.change_id === change.id);
  const { version, environment, kind, status, author, url, started_at, rolled_back_by, has_migration } = change;
  const name = html`<span class="version">${version}</span>`;
  const weight = change.canary_weight;
  return [
    url === null || !/^https?:/i.test(url) ? name : html`<span class="version">${outsideLink(url, version)}</span>`,
    environment,
    html`${kind}
    ${STATUS_TEXTS[status] === '' ? '' : html`<span class="badge ${status === 'failed' ? 'critical' : ''}">${STATUS_TEXTS[status]}</span>`}
    ${weight === null ? '' : html`<span class="badge">canary, ${Math.round(weight * 100)} %</span>`}
    ${watch === undefined ? '' : watchBadge(watch)}
    ${has_migration === true ? html`<span class="badge">migration</span>` : ''}
    ${rolled_back_by === null ? '' : html`<span class="badge warning">rolled back</span>`}`,
    author ?? '',
    clockTime(started_at, at),
  ];
};

function cataloguePanel({ entry, dependents }: ServiceData): Html | '' {
  if (entry === null && dependents.length === 0) return '';
  const { team, tier, repository, dependsOn = [], slack, paging, match } = entry ?? {};
  const links = (names: readonly string[]): Html =>
    html`${names.map((name, n) => html`${n === 0 ? '' : ', '}<a href="${servicePath(name)}">${name}</a>`)}`;
  return panel(
    'catalogue',
    'Catalogue',
    null,
    html`<dl class="lines">
      ${line('Team', team ?? html`<span class="lacking">none</span>`)}
      ${tier === undefined ? '' : line('Tier', String(tier))}
      ${repository === undefined ? '' : line('Repository', outsideLink(repository, repository))}
      ${slack === undefined ? '' : line('Channel', slack.channel)}
      ${paging === undefined ? '' : line('Pages', paging === 'external' ? 'an external pager' : 'Firebreak')}
      ${
        match === undefined
          ? ''
          : line(
              'Matches',
              html`<code
                >${Object.entries(match)
                  .map(([name, value]) => `${name}=${value}`)
                  .join(', ')}</code
              >`,
            )
      }
      ${dependsOn.length === 0 ? '' : line('Depends on', links(dependsOn))}
      ${dependents.length === 0 ? '' : line('Needed by', links(dependents))}
    </dl>`,
  );
}

function incidentsPanel({ incidents, at }: ServiceData): Html {
  return panel(
    'incidents',
    'Newest incidents',
    null,
    incidents.length === 0
      ? nothing('No incident of this service is recorded.')
      : html`<ul class="rows">
          ${incidents.map(
            (incident) =>
              html`<li>
                <p>
                  <a href="${incidentPath(incident)}"
                    >${numberOf(incident)} <span class="place">${incident.environment}</span> ${incident.title}</a
                  >
                </p>
                <p class="facts">
                  ${severityBadge(incident.severity)} ${statusBadge(incident, incident.status_text)}
                  ${ago(incident.opened_at, at)}
                </p>
              </li>`,
          )}
        </ul>`,
  );
}
