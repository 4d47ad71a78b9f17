import { closedAsOf } from '../../core/domain/incidents/closing.ts';
import type { ClosedAs } from '../../schemas/incidents/incident.ts';
import { html } from 'hono/html';
import { incidentPath } from '../../core/domain/incidents/console-link.ts';
import { incidentName, type Named } from '../../core/domain/incidents/incident-number.ts';
import { VERIFIED_WORDS } from '../../core/domain/incidents/status-words.ts';
import type { Mode, Severity } from '../../schemas/config/names.ts';
import type { Effect, IncidentRecord } from '../../schemas/incidents/incident.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { RefusedForm } from './refused-form.ts';

/** Markup. A template escapes everything that is inserted into it, except other markup. */
export type Html = ReturnType<typeof html>;

/** What a page shows. Its parts are pure: the same input always gives the same markup. `main` consists of elements with an ID and `data-part`, which live updates replace one by one. */
export type Shown = {
  title: string;
  main: Html;
  /** A question waits for approval: the icon says so. Absent: the page does not read open incidents. */
  asks?: boolean;
  /** A form whose fields are in the address of the page, and that is refused. */
  refused?: RefusedForm;
  /** Values of parameters in the address that select something, by name. The page says so if one has another value. */
  known?: Readonly<Record<string, readonly string[]>>;
};

/** Returns how long ago a time was, or how far ahead it is: `4 min`, `2 h 5 min`, `3 d`. */
export function spanOf(from: Timestamp, to: Timestamp): string {
  const minutes = Math.floor(Math.abs(secondsBetween(from, to)) / 60);
  if (minutes < 1) return 'under a minute';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d`;
}

/** Shows how long ago a time was. */
export const ago = (at: Timestamp, now: Timestamp): Html => spanTime(at, `${spanOf(at, now)} ago`);

/** Shows how far ahead a time is. */
export const ahead = (at: Timestamp, now: Timestamp): Html => spanTime(at, at <= now ? 'now' : `in ${spanOf(now, at)}`);

/** Shows a time by its span, whose number and unit stay together. */
const spanTime = (at: Timestamp, text: string): Html =>
  html`<time ${/\d/.test(text) ? html`class="span"` : ''} datetime="${at}" title="${utcText(at)}">${text}</time>`;

/** Words with which messages begin. Other first words can be names, such as of a service, which stay as they are. */
const FIRST_WORDS: ReadonlySet<string> = new Set(
  (
    'a an all another any as at automation because both by choose each every fill for from how if in incident it its must name no nobody none not nothing of on ' +
    'one only open run say send set sign some such that the there these this to too until what when which without write you your'
  ).split(' '),
);

/** Returns a message as a sentence: with a capital letter, unless it begins with a name, and with a period. */
export function sentence(text: string): string {
  const [first = ''] = text.split(/[\s,:]/, 1);
  const begin = FIRST_WORDS.has(first) ? text.charAt(0).toUpperCase() : text.charAt(0);
  return `${begin}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** Shows a time of today without its date. */
export const clockTime = (at: Timestamp, now: Timestamp): Html =>
  switchedTime(at, at.slice(0, 10) === now.slice(0, 10) ? at.slice(11, 19) : `${at.slice(5, 10)} ${at.slice(11, 19)}`);

/** Shows a time that becomes a local one if a person has chosen so. @param text the time in UTC, with or without a day and seconds */
export const switchedTime = (at: Timestamp, text: string): Html =>
  html`<time class="clock" datetime="${at}" title="${utcText(at)}">${text}</time>`;

const utcText = (at: Timestamp): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;

export const severityBadge = (severity: Severity): Html =>
  html`<span class="badge ${severity}">${SEVERITY_MARKS[severity]} ${severity}</span>`;

/** Marks an incident whose question waits. */
export const ASKS_BADGE = html`<span class="badge warning">needs approval</span>`;

/** Shows the number of an incident, such as `INC-42`. Empty: it was stored before numbers existed. */
export const numberOf = (incident: Named): Html | '' =>
  incident.number == null ? '' : html`<span class="inc">${incidentName(incident)}</span>`;

/** Links to an incident, by its number if that is known. */
export const incidentLink = (incident: Named): Html =>
  html`<a href="${incidentPath(incident)}">${numberOf(incident) || 'incident'}</a>`;

/** Shapes, so that severities differ without color. */
const SEVERITY_MARKS: Record<Severity, string> = { critical: '▲', warning: '◆', info: '●' };

/** Shows the state of an incident. Green is only a verified recovery. */
export function statusBadge(
  incident: Pick<IncidentRecord, 'status'> & {
    closed_as?: ClosedAs | null | undefined;
    resolved_by?: string | null;
  },
  words: string,
): Html {
  const { status, resolved_by = null, closed_as } = incident;
  const closedAs = closedAsOf({ status, resolved_by, ...(closed_as != null && { closed_as }) });
  const color = words === VERIFIED_WORDS ? 'verified' : status;
  return html`<span class="badge state-${closedAs ?? color}">${words}</span>`;
}

const EFFECT_WORDS: Record<Effect['state'], string> = {
  intended: 'in progress',
  accepted: 'accepted, in progress',
  succeeded: 'done',
  failed: 'failed',
  withheld: 'not done',
  superseded: 'superseded',
};

export const effectBadge = (state: Effect['state']): Html =>
  html`<span class="badge effect-${state}">${EFFECT_WORDS[state]}</span>`;

/** Shows a share from 0 to 1 as a bar with its percentage. @param label name of the share, for screen readers */
export function shareBar(share: number, label: string): Html {
  const percent = Math.round(Math.min(Math.max(share, 0), 1) * 100);
  return html`<span class="share"
    ><svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="8" rx="4" />
      <rect class="value" width="${percent}" height="8" rx="4" /></svg
    ><span class="number"><span class="hidden">${label} </span>${percent} %</span></span
  >`;
}

export const modeBadge = (mode: Mode): Html => html`<span class="mode mode-${mode}">${mode}</span>`;

/** Returns the address of the page of a service. */
export const servicePath = (service: string): string => `/console/services/${encodeURIComponent(service)}`;

/** Links to an address outside Firebreak. Shows only the text if the address is not http or https. */
export const outsideLink = (url: string, text: Html | string): Html =>
  /^https?:\/\//i.test(url) ? html`<a href="${url}" rel="noreferrer">${text}</a>` : html`${text}`;

/** A part of a page with a heading. @param count shown beside the heading; null: none */
export const panel = (id: string, title: string, count: number | null, body: Html): Html =>
  html`<section class="panel" id="${id}" data-part aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}${count === null ? '' : html` <span class="count">${count}</span>`}</h2>
    ${body}
  </section>`;

/** Says that a list is empty, and how entries get into it. */
export const nothing = (text: Html | string): Html => html`<p class="nothing">${text}</p>`;

/** A row of a list of names with values, in `<dl class="lines">`. */
export const line = (name: string, value: Html | string): Html =>
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;

/**
 * Shows rows under the names of columns; on a phone, each row is a card. The first cell of a row names it.
 *
 * @param label name of the table, for screen readers
 */
export const tableOf = (label: string, columns: readonly string[], rows: readonly Cells[]): Html =>
  html`<div class="scrolled" tabindex="0" role="region" aria-label="Table: ${label}">
    <table role="table" aria-label="${label}">
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map((name) => html`<th scope="col" role="columnheader">${name}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map(
          ([first, ...others]) =>
            html`<tr role="row">
              <th scope="row" role="rowheader">${first}</th>
              ${others.map((cell, n) =>
                cell === ''
                  ? html`<td role="cell" class="empty"></td>`
                  : html`<td role="cell" data-label="${columns[n + 1] ?? ''}"><div>${cell}</div></td>`,
              )}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

/** Cells of a row; an empty text is left out on a phone. */
export type Cells = readonly [first: Html | string, ...others: (Html | string)[]];

/** A form that filters a page, without JavaScript. @param hidden values of other fields */
export const searchForm = (
  path: string,
  { name, value, label }: { name: string; value: string; label: string },
  hidden: Readonly<Record<string, string>> = {},
): Html =>
  html`<form class="search" method="get" action="${path}" role="search">
    ${Object.entries(hidden).map(([key, text]) => html`<input type="hidden" name="${key}" value="${text}" />`)}
    <label for="search" class="hidden">${label}</label>
    <input id="search" type="search" name="${name}" value="${value}" placeholder="${label}" maxlength="200" />
    <button>Search</button>
  </form>`;

/** Returns an address with a query. */
export const addressWith = (path: string, query: Readonly<Record<string, string>>): string => {
  const text = new URLSearchParams(query).toString();
  return text === '' ? path : `${path}?${text}`;
};

export const olderLink = (path: string, query: Readonly<Record<string, string>>, text = 'Older'): Html =>
  html`<p class="more"><a href="${addressWith(path, query)}">${text}</a></p>`;

/** Links that select a part of a list. */
export const filterLinks = (
  label: string,
  links: readonly { text: string; href: string; isCurrent: boolean }[],
): Html =>
  html`<nav class="filters" aria-label="${label}">
    ${links.map(({ text, href, isCurrent }) => html`<a href="${href}" ${isCurrent ? html`aria-current="true"` : ''}>${text}</a>`)}
  </nav>`;

/** A form of a page, which sends to the action of this name. */
export const actionForm = (page: string, action: string, csrfToken: string, fields: Html): Html =>
  html`<form method="post" action="${page}/actions/${action}">
    <input type="hidden" name="form_key" value="${csrfToken}" />${fields}
  </form>`;

/** Hides a form behind a button, because its action cannot be undone or needs input. */
export const onDemand = (key: string, label: string, form: Html): Html =>
  html`<details class="act" id="act-${key}">
    <summary id="open-${key}">${label}</summary>
    ${form}
  </details>`;

/** Rows of a short list. */
const ROWS_MAX = 12;

/** Shows the first rows of a list, and how many more there are. */
export const shortList = <T>(items: readonly T[], row: (item: T) => Html): Html =>
  html`<ul class="rows">
    ${items.slice(0, ROWS_MAX).map((item) => html`<li>${row(item)}</li>`)}
    ${items.length > ROWS_MAX ? html`<li class="more">and ${items.length - ROWS_MAX} more</li>` : ''}
  </ul>`;

/** Rows of a list or table whose rows are high on a phone, before the others are behind a button. */
const LONG_ROWS_MAX = 15;

/** Shows the first rows, and the others on demand. @param key identifies the rows on their page @param max number of the first rows */
const folded = <T>(
  key: string,
  rows: readonly T[],
  shown: (rows: readonly T[], part: 'first' | 'more') => Html,
  max = LONG_ROWS_MAX,
): Html => html`
  ${max === 0 ? '' : shown(rows.slice(0, max), 'first')}
  ${
    rows.length <= max
      ? ''
      : html`<details class="more-details" id="more-${key}">
          <summary>${max === 0 ? `All ${rows.length}` : `${rows.length - max} more`}</summary>
          ${shown(rows.slice(max), 'more')}
        </details>`
  }
`;

/** Shows a list whose rows have forms. @param key identifies the list on its page */
export const longList = (key: string, rows: readonly Html[]): Html =>
  folded(
    key,
    rows,
    (some) =>
      html`<ul class="rows">
        ${some.map((row) => html`<li>${row}</li>`)}
      </ul>`,
  );

/** Shows a table of many rows. @param key identifies the table on its page @param max rows before the others are behind a button */
export const longTable = (
  key: string,
  label: string,
  columns: readonly string[],
  rows: readonly Cells[],
  max?: number,
): Html => folded(key, rows, (some, part) => tableOf(part === 'first' ? label : `${label}, more`, columns, some), max);

/** A menu that filters a page. @param all text of the first option, which selects everything */
export const selectField = (name: string, all: string, values: readonly string[], selected: string | undefined): Html =>
  choiceField(
    name,
    all,
    values.map((value) => [value, value]),
    selected ?? null,
  );

/**
 * A menu of values with their texts. @param all text of the first option, which selects nothing @param label `labelled`: the
 * form has a visible label for `of-NAME`
 */
export const choiceField = (
  name: string,
  all: string,
  values: readonly (readonly [value: string, text: string])[],
  selected: string | null,
  label: 'hidden' | 'labelled' = 'hidden',
): Html =>
  html`${label === 'labelled' ? '' : html`<label for="of-${name}" class="hidden">${name}</label>`}
    <select id="of-${name}" name="${name}">
      <option value="">${all}</option>
      ${values.map(([value, text]) => html`<option value="${value}" ${value === selected ? html`selected` : ''}>${text}</option>`)}
    </select>`;

/** A button that copies a text, or the address of a path. Only the script shows it. */
export const copyButton = (text: string, label: string): Html =>
  html`<button type="button" class="copy plain-button" data-copy="${text}" data-label="${label}">${label}</button>`;
