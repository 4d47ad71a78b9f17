import { html } from 'hono/html';
import { contradictionText } from '../../../core/domain/incidents/page-contradiction.ts';
import { ahead, type Html, nothing, panel, shareBar, shortList } from '../../../entrances/console/parts.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { BurningSlo } from '../actions/burning.ts';
import type { SloView } from '../schemas/slo-view.ts';
import { unknownBudget, withoutCorrections } from './slos.ts';

/** Shows the objectives that burn too fast, on the first page. */
export function burningPanel(slos: readonly BurningSlo[], at: Timestamp): Html {
  const body = shortList(
    slos,
    ({
      name,
      id,
      service,
      environment,
      budget_remaining: left,
      spent_at_least: spentAtLeast,
      corrected,
      burning,
      forecast: { spent_at },
      contradiction,
    }) =>
      html`<p><span class="place">${service} ${environment}</span> ${name || id}</p>
        <p>
          ${left === null ? unknownBudget(spentAtLeast) : html`${shareBar(left, 'budget left')} budget left${left < 0 ? `, overspent by ${Math.round(-left * 100)} %` : ''}`}
          ${withoutCorrections({ corrected })}
        </p>
        <p class="quiet">
          ${burning.map(({ factor, long }) => `burns at least ${Math.round(factor * 10) / 10}× too fast over ${long}`).join('; ') || 'spent'}${spent_at === null ? '' : html` · spent ${ahead(spent_at, at)}${left === null ? ' at the latest' : ''}`}
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

/** Shows the objectives of a service. */
export function servicePanel(slos: readonly SloView[]): Html {
  return panel(
    'slos',
    'Objectives',
    slos.length,
    slos.length === 0
      ? nothing(html`No objective is configured. Add one in <code>config/slos/</code>.`)
      : html`<ul class="rows">
          ${slos.map(
            ({ id, name: title, environment, budget_remaining: left, spent_at_least: spentAtLeast, corrected }) =>
              html`<li>
                <p><span class="place">${environment}</span> ${title || id}</p>
                <p>
                  ${left === null ? unknownBudget(spentAtLeast) : html`${shareBar(left, 'budget left')} budget left`}
                  ${withoutCorrections({ corrected })}
                </p>
              </li>`,
          )}
        </ul>`,
  );
}
