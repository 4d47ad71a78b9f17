import { html, raw } from 'hono/html';
import type { MonthView } from '../actions/read-page.ts';
import { eventPath, type PageSettings } from '../decisions/pages.ts';
import {
  startOf,
  type ComponentView,
  type EventView,
  PAST_DAYS,
  type PageView,
  recentEvents,
} from '../decisions/view.ts';
import { ComponentStatus } from '../schemas/states.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Html } from '../../../entrances/console/parts.ts';
import { uptimeBars } from './bars.ts';
import { MARK_URL } from '../../../core/domain/messages/identity.ts';
import { type Links, monthPath } from './links.ts';
import { ageNotice, ageScript, snapshotPolicy, type SnapshotMark } from './snapshot/age.ts';
import { styleOf } from './style.ts';
import { clockOf, dayOf, monthOf, overallOf, STATE_MARKS, STATE_WORDS, STATUS_WORDS } from '../decisions/words.ts';

/** What all pages have in common: the settings of the status page, and the addresses of its files. */
export type Frame = {
  page: PageSettings;
  links: Links;
  /** Only in a snapshot. */
  snapshot?: SnapshotMark;
};

/** Renders the page with all components. */
export const homePage = (frame: Frame, view: PageView): Html =>
  documentOf(
    frame,
    { title: null, heading: html`<h1>${frame.page.title}</h1>` },
    html`<p class="overall ${view.components.length === 0 ? '' : `is-${view.state}`}" id="overall">
        <span aria-hidden="true">${overallOf(view).mark}</span> ${overallOf(view).headline}
      </p>
      ${eventsNow('incidents', 'Current incidents', view.incidents, frame)}
      ${eventsNow('maintenance', 'Planned maintenance', view.maintenances, frame)}
      <section aria-labelledby="components">
        <h2 id="components">Components</h2>
        ${
          view.components.length === 0
            ? html`<p class="facts">No components are configured yet.</p>`
            : html`${groupsOf(view.components).map(groupOf)} ${LEGEND}`
        }
      </section>
      <section aria-labelledby="past">
        <h2 id="past">Last ${PAST_DAYS} days</h2>
        ${pastDays(recentEvents(view), frame, 'h2')}
        <p class="pager">
          <a href="${frame.links.inside(monthPath(view.at.slice(0, 7)))}">History of ${monthOf(view.at.slice(0, 7))}</a>
        </p>
      </section>`,
  );

const LEGEND = html`<p class="legend">
  ${ComponentStatus.options.map((state) => html`<span>${STATE_MARKS[state]} ${STATE_WORDS[state]}</span>`)}
  <span>A taller bar is a worse day</span>
</p>`;

const eventsNow = (id: string, title: string, events: readonly EventView[], frame: Frame): Html | string =>
  events.length === 0
    ? ''
    : html`<section aria-labelledby="${id}">
        <h2 id="${id}">${title}</h2>
        ${events.map((event) => eventBox(event, frame))}
      </section>`;

/** Returns the groups in the order of their first component. Null: components without a group. */
function groupsOf(components: readonly ComponentView[]): { name: string | null; components: ComponentView[] }[] {
  const groups: { name: string | null; components: ComponentView[] }[] = [];
  for (const component of components) {
    const group = groups.find(({ name }) => name === component.group && name !== null);
    if (group === undefined) groups.push({ name: component.group, components: [component] });
    else group.components.push(component);
  }
  return groups;
}

const groupOf = ({ name, components }: { name: string | null; components: ComponentView[] }): Html =>
  html`<section class="box group" ${name === null ? '' : html`aria-label="${name}"`}>
    ${name === null ? '' : html`<h3>${name}</h3>`}
    ${components.map((component) => componentOf(component, name !== null))}
  </section>`;

const componentOf = ({ name, state, description, uptime }: ComponentView, inGroup: boolean): Html =>
  html`<div class="component">
    <div>${inGroup ? html`<h4>${name}</h4>` : html`<h3>${name}</h3>`}${stateBadge(state)}</div>
    ${description === null ? '' : html`<p>${description}</p>`} ${uptimeBars(name, uptime)}
  </div>`;

const stateBadge = (state: ComponentStatus): Html =>
  html`<span class="state is-${state}"
    ><span aria-hidden="true">${STATE_MARKS[state]}</span> ${STATE_WORDS[state]}</span
  >`;

/** Shows an incident or a maintenance with its updates. */
function eventBox(event: EventView, { page, links }: Frame, { hasTitle = true } = {}): Html {
  const isOpen = event.status !== 'resolved' && event.status !== 'completed';
  const state = event.kind === 'incident' ? event.state : 'under_maintenance';
  return html`<article class="box event ${isOpen ? `is-open is-${state}` : ''}">
    ${hasTitle ? html`<h3><a href="${links.inside(eventPath(event))}">${event.title}</a></h3>` : ''}
    <p class="facts">
      ${STATUS_WORDS[event.status]} ·
      ${event.components.join(', ')}${event.kind === 'incident' && isOpen ? html` · ${STATE_WORDS[event.state]}` : ''}
      ${duration(event, page)}
    </p>
    <ol class="updates">
      ${event.updates.map(
        ({ at, status, text }) =>
          html`<li>
            <p><strong>${STATUS_WORDS[status]}</strong> – ${text}</p>
            ${timeOf(at, page)}
          </li>`,
      )}
    </ol>
  </article>`;
}

/** Shows the text that a person has published about an incident. The first one loads the renderer. */
async function postmortemOf(event: EventView, { page }: Frame): Promise<string> {
  if (event.kind === 'maintenance' || event.postmortem === null) return '';
  const { markdown } = await import('../../../entrances/console/markdown.ts');
  return html`<section aria-labelledby="postmortem">
    <h2 id="postmortem">Post-mortem</h2>
    <div class="box text">
      ${markdown(event.postmortem.text, event.title)}
      <p class="facts">${timeOf(event.postmortem.updated_at, page)}</p>
    </div>
  </section>`;
}

const duration = (event: EventView, { timeZone }: PageSettings): Html => {
  const until = event.kind === 'incident' ? event.resolved_at : event.until;
  return html`<span class="when"
    >${clockOf(startOf(event), timeZone)}${until === null ? ' – now' : ` – ${clockOf(until, timeZone)}`}</span
  >`;
};

const timeOf = (at: Timestamp, { timeZone }: PageSettings): Html =>
  html`<time datetime="${at}">${clockOf(at, timeZone)}</time>`;

const pastDays = (events: readonly EventView[], frame: Frame, parentHeading: 'h1' | 'h2'): Html => {
  if (events.length === 0) return html`<p class="facts">No past incidents.</p>`;
  const days = Map.groupBy(events, (event) => dayOf(startOf(event), frame.page.timeZone));
  return html`<ul class="days">
    ${[...days].map(
      ([day, onDay]) =>
        html`<li>
          ${parentHeading === 'h1' ? html`<h2>${day}</h2>` : html`<h3>${day}</h3>`}
          ${onDay.map((event) => pastEventBox(event, frame))}
        </li>`,
    )}
  </ul>`;
};

const pastEventBox = (event: EventView, { page, links }: Frame): Html =>
  html`<div class="box event">
    <section>
      <p><a href="${links.inside(eventPath(event))}">${event.title}</a></p>
      <p class="facts">${STATUS_WORDS[event.status]} · ${event.components.join(', ')} ${duration(event, page)}</p>
      ${
        event.kind === 'incident' && event.postmortem !== null
          ? html`<p><a href="${links.inside(eventPath(event))}#postmortem">Post-mortem</a></p>`
          : ''
      }
    </section>
  </div>`;

/** Renders the history of a month. */
export const monthPage = (frame: Frame, { month, events, earlier, later }: MonthView): Html =>
  documentOf(
    frame,
    { title: monthOf(month), heading: homeLink(frame) },
    html`<section aria-labelledby="month">
        <h1 id="month">${monthOf(month)}</h1>
        ${pastDays(events, frame, 'h1')}
      </section>
      <nav class="pager" aria-label="Months">
        ${earlier === null ? '' : html`<a href="${frame.links.inside(monthPath(earlier))}" rel="prev">← ${monthOf(earlier)}</a>`}
        ${later === null ? '' : html`<a href="${frame.links.inside(monthPath(later))}" rel="next">${monthOf(later)} →</a>`}
      </nav>`,
  );

/** Renders an incident or a maintenance. */
export const eventPage = (frame: Frame, event: EventView): Html =>
  documentOf(
    frame,
    { title: event.title, heading: homeLink(frame) },
    html`<section aria-labelledby="event">
        <h1 id="event">${event.title}</h1>
        ${eventBox(event, frame, { hasTitle: false })}
      </section>
      ${postmortemOf(event, frame)}
      ${event.status === 'scheduled' ? '' : historyLink(frame, startOf(event).slice(0, 7))}`,
  );

const historyLink = ({ links }: Frame, month: string): Html =>
  html`<nav class="pager" aria-label="History">
    <a href="${links.inside(monthPath(month))}">History of ${monthOf(month)}</a>
  </nav>`;

/** Renders the answer for an address without content. */
export const missingPage = (frame: Frame, text: string): Html =>
  documentOf(frame, { title: 'Not found', heading: homeLink(frame) }, html`<h1>${text}</h1>`);

const homeLink = ({ page, links }: Frame): Html => html`<p><a href="${links.home}">${page.title}</a></p>`;

/** Renders a page with its header and footer. */
export const documentOf = (
  { page, links, snapshot }: Frame,
  { title, heading }: { title: string | null; heading: Html },
  main: Html,
): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        ${snapshot === undefined ? '' : snapshotPolicy(page)}
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title === null ? '' : `${title} · `}${page.title}</title>
        <link rel="icon" href="${page.logo ?? MARK_URL}" />
        <link rel="alternate" type="application/rss+xml" title="RSS" href="${links.beside('rss')}" />
        <link rel="alternate" type="application/atom+xml" title="Atom" href="${links.beside('atom')}" />
        ${
          // Consists of constants and of colors that the configuration's schema has checked.
          raw(`<style>${styleOf(page)}</style>`)
        }
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>${page.logo === undefined ? '' : html`<img src="${page.logo}" alt="" />`}${heading}</header>
        <main id="main" tabindex="-1">${snapshot === undefined ? '' : ageNotice(snapshot, page)} ${main}</main>
        <footer>
          <div>
            ${links.subscribe === undefined ? '' : html`<a href="${links.subscribe}">Subscribe</a>`}
            <a href="${links.beside('rss')}">RSS</a>
            <a href="${links.beside('atom')}">Atom</a>
            <a href="${links.inside('api/v2/summary.json')}">JSON</a>
            <span>Time zone: ${page.timeZone}</span>
          </div>
        </footer>
        ${snapshot === undefined ? '' : ageScript(snapshot)}
      </body>
    </html>`;
