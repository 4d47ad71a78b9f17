import { html } from 'hono/html';
import { contradictionText } from '../../../../domain/status/contradictions.ts';
import { Mode } from '../../../../schemas/config/names.ts';
import type { Freeze } from '../../../../schemas/freeze/freeze.ts';
import {
  ago,
  ahead,
  type Html,
  modeBadge,
  nothing,
  panel,
  servicePath,
  shareBar,
  shortList,
  tableOf,
} from '../../parts.ts';
import { CANARIES_PATH, canaryBadge, canaryPath } from '../canary/canaries.ts';
import { withoutCorrections } from '../slo/slos.ts';
import type { EnvironmentMode, Now } from './now-data.ts';

/** Shows the kill switch, and how many environments have each mode. */
export function automationStrip({ automation, at }: Now): Html {
  if (automation === null) return html``;
  const { settings, modes } = automation;
  const { paused, by, reason, mode, at: since } = settings;
  const counted = Mode.options
    .toReversed()
    .map((option) => ({ option, count: modes.filter((environment) => environment.mode === option).length }))
    .filter(({ count }) => count > 0);
  return html`<section
    class="strip ${paused ? 'paused' : ''}"
    id="automation"
    data-part
    aria-labelledby="automation-title"
  >
    <h2 id="automation-title">Automation</h2>
    <p>
      ${
        paused
          ? html`<strong>Kill switch on:</strong> nothing is rolled back. Set by ${by ?? 'an unknown person'}
              ${since === null ? '' : ago(since, at)}${reason === null || reason === '' ? '' : `: ${reason}`}`
          : html`<strong>On</strong>${mode === null ? '' : `, limited to ${mode} for all services`}`
      }
    </p>
    ${
      counted.length === 0
        ? html`<p class="quiet">No service has a deployer, so nothing is rolled back.</p>`
        : html`<details id="modes">
            <summary>
              ${counted.map(({ option, count }) => html`<span class="mode mode-${option}">${option} ${count}</span> `)}
            </summary>
            ${modeTable(modes)}
          </details>`
    }
  </section>`;
}

const modeTable = (modes: readonly EnvironmentMode[]): Html =>
  tableOf(
    'Modes of automation',
    ['Service', 'Environment', 'Mode in force', 'Configured'],
    modes.map(({ service, environment, mode, configured }) => [
      html`<a href="${servicePath(service)}">${service}</a>`,
      environment,
      modeBadge(mode),
      configured === mode ? '' : configured,
    ]),
  );

export function deploysPanel({ deploys, at }: Now): Html {
  if (deploys === null) return html``;
  const newest = deploys.toSorted((a, b) => (a.started_at < b.started_at ? 1 : -1));
  const body =
    newest.length === 0
      ? nothing('No deploy is in progress.')
      : shortList(
          newest,
          ({ service, environment, version, kind, author, canary_weight: weight, started_at }) =>
            html`<p><span class="place">${service} ${environment}</span> <strong class="version">${version}</strong></p>
              <p class="quiet">
                ${kind} · started
                ${ago(started_at, at)}${author === null ? '' : ` · ${author}`}${weight === null ? '' : ` · ${Math.round(weight * 100)} % of the traffic`}
              </p>`,
        );
  return panel('deploys', 'Deploys in progress', newest.length, body);
}

/** Shows the canaries in progress. Empty: none. */
export function canariesPanel({ canaries, at }: Now): Html | '' {
  if (canaries === null || canaries.length === 0) return '';
  const body = shortList(
    canaries,
    ({ id, service, environment, version, status, weight, reason, started_at }) =>
      html`<p>
          <span class="place">${service} ${environment}</span>
          <a href="${canaryPath(id)}"><strong class="version">${version}</strong></a>
          ${canaryBadge(status)}
        </p>
        <p>${shareBar(weight / 100, 'traffic')} of the traffic</p>
        <p class="quiet">${reason} · started ${ago(started_at, at)}</p>`,
  );
  return panel(
    'canaries',
    'Canaries',
    canaries.length,
    html`${body}
      <p class="more"><a href="${CANARIES_PATH}">All canaries</a></p>`,
  );
}

/** Shows the watches of deploys in progress. Empty: none. */
export function watchedDeploysPanel({ watches, at }: Now): Html | '' {
  if (watches === null || watches.length === 0) return '';
  const body = shortList(watches, ({ service, environment, version, checks, checks_planned: planned, started_at }) => {
    const last = checks.at(-1)?.verdict;
    return html`<p>
        <span class="place"><a href="${servicePath(service)}#watches">${service}</a> ${environment}</span>
        <strong class="version">${version}</strong>
        ${last === undefined ? '' : html`<span class="badge ${last === 'degraded' ? 'critical' : last === 'healthy' ? '' : 'warning'}">${last}</span>`}
      </p>
      <p class="quiet">
        check ${Math.min(checks.length + 1, planned)} of ${planned} · started ${ago(started_at, at)}
      </p>`;
  });
  return panel('watches', 'Watched deploys', watches.length, body);
}

export function freezesPanel({ freezes, at }: Now): Html {
  if (freezes === null) return html``;
  const body =
    freezes.length === 0
      ? nothing('No freeze is in force.')
      : shortList(
          freezes,
          (freeze) =>
            html`<p><span class="place">${frozenScope(freeze)}</span> <span class="badge">${freeze.cause}</span></p>
              <p>${freeze.reason}</p>
              <p class="quiet">
                since ${ago(freeze.starts_at, at)} ·
                ${freeze.until === null ? freeze.ends_when : html`ends ${ahead(freeze.until, at)}`}${freeze.overrides.length === 0 ? '' : ` · ${freeze.overrides.length === 1 ? '1 override' : `${freeze.overrides.length} overrides`}`}
              </p>`,
        );
  return panel('freezes', 'Freezes', freezes.length, body);
}

const frozenScope = ({ service, team, environment }: Freeze): string =>
  `${service ?? (team === null ? 'all services' : `team ${team}`)} ${environment ?? 'everywhere'}`;

export function slosPanel({ slos, at }: Now): Html {
  if (slos === null) return html``;
  const body =
    slos.length === 0
      ? nothing('No error budget burns too fast.')
      : shortList(
          slos,
          ({
            name,
            id,
            service,
            environment,
            budget_remaining: left,
            corrected,
            burning,
            forecast: { spent_at },
            contradiction,
          }) =>
            html`<p><span class="place">${service} ${environment}</span> ${name || id}</p>
              <p>
                ${left === null ? 'budget unknown' : html`${shareBar(left, 'budget left')} budget left${left < 0 ? `, overspent by ${Math.round(-left * 100)} %` : ''}`}
                ${withoutCorrections({ corrected })}
              </p>
              <p class="quiet">
                ${burning.map(({ factor, long }) => `burns at least ${Math.round(factor * 10) / 10}× too fast over ${long}`).join('; ') || 'spent'}${spent_at === null ? '' : html` · spent ${ahead(spent_at, at)}`}
              </p>
              ${
                contradiction === null
                  ? ''
                  : html`<p class="contradiction">
                      <strong>${contradictionText(contradiction)}</strong>, and no incident is open
                    </p>`
              }`,
        );
  return panel('slos', 'Burning SLOs', slos.length, body);
}
