import { html } from 'hono/html';
import { incidentPath } from '../../../../domain/incidents/console-link.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { clockTime, type Html, nothing } from '../../parts.ts';
import type { IncidentData } from './data.ts';
import { TIMELINE_KINDS, type TimelineFilter, type TimelineKind } from './filter.ts';

/** Shows the timeline. Filters are links and a form, so they work without JavaScript. */
export const timelinePanels = (data: IncidentData): Html => {
  const { timeline, story, at } = data;
  const { id } = story.incident;
  const { filter, entries, older } = timeline;
  return html`<section class="panel timeline-panel" aria-labelledby="timeline-title">
    <h2 id="timeline-title">Timeline</h2>
    <nav class="filters" aria-label="Kinds of entries">
      ${(Object.keys(TIMELINE_KINDS) as TimelineKind[]).map(
        (kind) =>
          html`<a
            href="${addressOf(id, { ...filter, kind, from: null })}"
            ${kind === filter.kind ? html`aria-current="true"` : ''}
            >${TIMELINE_KINDS[kind].label}</a
          >`,
      )}
    </nav>
    <form class="search" method="get" action="${incidentPath(id)}#timeline-title" role="search">
      ${filter.kind === 'all' ? '' : html`<input type="hidden" name="kind" value="${filter.kind}" />`}
      <label for="text" class="hidden">Text or actor</label>
      <input id="text" type="search" name="text" value="${filter.text}" placeholder="Text or actor" maxlength="200" />
      <button>Filter</button>
    </form>
    <div id="timeline" data-part>
      ${filter.from === null ? '' : html`<p class="more"><a href="${addressOf(id, { ...filter, from: null })}">Newest entries</a></p>`}
      ${
        entries.length === 0
          ? nothing(older === null ? 'No entry matches.' : 'No entry matches in this part of the timeline.')
          : html`<ol class="timeline">
              ${entries.map(
                (entry) =>
                  html`<li>
                    <span class="when">${clockTime(entry.at, at)}</span>
                    <span class="who">${entry.actorName}</span>
                    <span class="what">${entry.text}</span>
                    <code class="quiet">${entry.kind}</code>
                  </li>`,
              )}
            </ol>`
      }
      ${older === null ? '' : html`<p class="more"><a href="${addressOf(id, { ...filter, from: older })}">Older entries</a></p>`}
    </div>
  </section>`;
};

function addressOf(id: IncidentId, { kind, text, from }: TimelineFilter): string {
  const query = new URLSearchParams({
    ...(kind !== 'all' && { kind }),
    ...(text !== '' && { text }),
    ...(from !== null && { from }),
  });
  return `${incidentPath(id)}${query.size === 0 ? '' : `?${query.toString()}`}#timeline-title`;
}
