import { type ConsoleParts, viewerAsReader } from '../../../entrances/console/pages/page.ts';
import { CAUSE_WORDS, scopeInWords, endsWhenText } from '../decisions/words.ts';
import { stateAt } from '../decisions/state.ts';
import { CURRENT_FREEZES } from '../reports.ts';
import { freezesPage } from './freezes.ts';
import { html } from 'hono/html';
import { ago, ahead, type Html, panel, shortList } from '../../../entrances/console/parts.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Freeze } from '../schemas/freeze.ts';

/** What freezes add to the console. */
export const parts: ConsoleParts = {
  after: '/console/services/:service',
  pages: [freezesPage],
  async nowPanelBelow(deps, viewer, at) {
    if (!viewer.may('freezes:read', {})) return '';
    const { value: current } = await deps.reports.read(CURRENT_FREEZES, null, viewerAsReader(viewer));
    const inForce = current.filter((freeze) => stateAt(freeze, at) === 'in_force');
    return inForce.length === 0 ? { quiet: 'freeze' } : freezesPanel(inForce, at);
  },
};

/** Shows the freezes in force on the first page. */
export const freezesPanel = (freezes: readonly Freeze[], at: Timestamp): Html =>
  panel(
    'freezes',
    'Freezes',
    freezes.length,
    shortList(
      freezes,
      (freeze) =>
        html`<p>
            <span class="place">${scopeInWords(freeze)}</span> <span class="badge">${CAUSE_WORDS[freeze.cause]}</span>
          </p>
          <p>${freeze.reason}</p>
          <p class="quiet">
            since ${ago(freeze.starts_at, at)} ·
            ${freeze.until === null ? endsWhenText(freeze) : html`ends ${ahead(freeze.until, at)}`}${freeze.overrides.length === 0 ? '' : ` · ${freeze.overrides.length === 1 ? '1 override' : `${freeze.overrides.length} overrides`}`}
          </p>`,
    ),
  );
