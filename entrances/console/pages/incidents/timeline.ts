import { html } from 'hono/html';
import { incidentPath } from '../../../../core/domain/incidents/console-link.ts';
import type { Named } from '../../../../core/domain/incidents/incident-number.ts';
import * as z from 'zod';
import type { TimelineEntry } from '../../../../schemas/incidents/incident.ts';
import { Look } from '../../../../schemas/incidents/look.ts';
import { plot } from '../../plot.ts';
import { clockTime, type Html, nothing, switchedTime } from '../../parts.ts';
import type { IncidentData } from './data.ts';
import { TIMELINE_KINDS, type TimelineFilter, type TimelineKind } from './filter.ts';

/** Shows the timeline. Filters are links and a form, so they work without JavaScript. */
export const timelinePanels = (data: IncidentData): Html => {
  const { timeline, story, at } = data;
  const { incident } = story;
  const { filter, entries, older } = timeline;
  return html`<section class="panel timeline-panel" aria-labelledby="timeline-title">
    <h2 id="timeline-title">Timeline</h2>
    <nav class="filters" aria-label="Kinds of entries">
      ${(Object.keys(TIMELINE_KINDS) as TimelineKind[]).map(
        (kind) =>
          html`<a
            href="${addressOf(incident, { ...filter, kind, from: null })}"
            ${kind === filter.kind ? html`aria-current="true"` : ''}
            >${TIMELINE_KINDS[kind].label}</a
          >`,
      )}
    </nav>
    <form class="search" method="get" action="${incidentPath(incident)}#timeline-title" role="search">
      ${filter.kind === 'all' ? '' : html`<input type="hidden" name="kind" value="${filter.kind}" />`}
      <label for="text" class="hidden">Text or actor</label>
      <input id="text" type="search" name="text" value="${filter.text}" placeholder="Text or actor" maxlength="200" />
      <button>Filter</button>
    </form>
    <div id="timeline" data-part>
      ${filter.from === null ? '' : html`<p class="more"><a href="${addressOf(incident, { ...filter, from: null })}">Newest entries</a></p>`}
      ${
        entries.length === 0
          ? nothing(older === null ? 'No entry matches.' : 'No entry matches in this part of the timeline.')
          : html`<ol class="timeline">
              ${entries.map(
                (entry, n) =>
                  html`<li>
                    <span class="when">${clockTime(entry.at, at)}</span>
                    <span class="who">${entry.actorName}</span>
                    ${entryPart(entry, entryId(entries, n))}
                  </li>`,
              )}
            </ol>`
      }
      ${older === null ? '' : html`<p class="more"><a href="${addressOf(incident, { ...filter, from: older })}">Older entries</a></p>`}
    </div>
  </section>`;
};

type Entry = IncidentData['timeline']['entries'][number];

/** Returns an ID that stays when newer entries are added: of several at one time, the older ones keep theirs. */
function entryId(entries: readonly Entry[], index: number): string {
  const { at } = entries[index] ?? { at: '' };
  const olderAtOnce = entries.slice(index + 1).filter((other) => other.at === at).length;
  return `entry-${at.replaceAll(/\D/g, '')}-${olderAtOnce}`;
}

/** Facts of a decision that its entry does not say, and its digest. */
const DecisionDetail = z.object({ details: z.array(z.string()).default([]), digest: z.string().optional() });

/** Shows the first line of an entry, and the rest on demand. */
function entryPart(entry: Entry, id: string): Html {
  const [headline = '', ...more] = entry.text.split('\n');
  const { data: detail } = DecisionDetail.safeParse(entry.detail);
  return html`<details class="what" id="${id}">
    <summary>${headline}</summary>
    ${[...more, ...(detail?.details ?? [])].map((text) => html`<p>${text}</p>`)} ${lookCurves(entry)}
    <p class="quiet">
      <code>${entry.kind}</code>
      ${detail?.digest === undefined ? '' : html`digest <code>${detail.digest.slice(0, 12)}</code>`}
    </p>
  </details>`;
}

/** What the entry about a controlled look says, as far as it is drawn. */
const TestedVersions = z.object({
  number: z.number(),
  suspect: z.string(),
  other: z.string(),
  curves: Look.shape.curves.unwrap(),
});

/** Shows what was measured of the two instances of a controlled look. */
function lookCurves({ kind, detail }: Pick<TimelineEntry, 'kind' | 'detail'>): Html | '' {
  const { data } = kind === 'look.ended' ? TestedVersions.safeParse(detail) : {};
  const times = data && [...data.curves.suspect, ...data.curves.other].map(([at]) => at).toSorted();
  const [from, until] = [times?.[0], times?.at(-1)];
  if (data === undefined || from === undefined || until === undefined || from === until) return '';
  const { number, suspect, other, curves } = data;
  const ofOther = new Map(curves.other);
  return html`<details id="look-${number}">
    <summary>Both instances</summary>
    ${plot({
      id: `look-${number}`,
      title: `${curves.metric} of a fresh instance of each version`,
      curve: curves.suspect,
      beside: { ownName: suspect, others: [{ name: other, curve: curves.other }] },
      from,
      until,
      limit: null,
      marks: [],
      table: html`<div
        class="scrolled"
        tabindex="0"
        role="region"
        aria-label="Data of both instances of test ${number}"
      >
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">${suspect}</th>
              <th scope="col">${other}</th>
            </tr>
          </thead>
          <tbody>
            ${curves.suspect.map(
              ([at, value]) =>
                html`<tr>
                  <td class="when">${switchedTime(at, at.slice(11, 19))}</td>
                  <td>${digits(value)}</td>
                  <td>${digits(ofOther.get(at))}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`,
    })}
  </details>`;
}

const digits = (value: number | undefined): string =>
  value === undefined ? '–' : String(Number(value.toPrecision(3)));

function addressOf(incident: Named, { kind, text, from }: TimelineFilter): string {
  const query = new URLSearchParams({
    ...(kind !== 'all' && { kind }),
    ...(text !== '' && { text }),
    ...(from !== null && { from }),
  });
  return `${incidentPath(incident)}${query.size === 0 ? '' : `?${query.toString()}`}#timeline-title`;
}
