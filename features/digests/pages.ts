import { html } from 'hono/html';
import { type Span, type Text, utcWords } from '../../core/domain/messages/chat-message.ts';
import { digestPath, digestScope, digestSections, digestTitle } from './decisions/sections.ts';
import type { DigestSection } from '../../core/domain/ports/extensions.ts';
import type { TeamDigest } from './digest.ts';
import { TEAM_DIGEST } from './reports.ts';
import { type Cells, filterLinks, type Html, nothing, panel, tableOf } from '../../entrances/console/parts.ts';
import { type ConsolePage, viewerAsReader } from '../../entrances/console/pages/page.ts';

const TEAM_MAX_CHARS = 256;

/** Rows of a section at most. */
const PAGE_ROWS = 20;

/** The digest of the last seven days, of a team or of all services. */
export const digestPage: ConsolePage = {
  path: '/console/digest',
  label: 'Digest',
  section: 'Review',
  action: 'incidents:read',
  everySeconds: 300,
  async show(deps, { viewer, query }) {
    const team = query.get('team')?.slice(0, TEAM_MAX_CHARS) || undefined;
    const { services } = await deps.config.current();
    const visible = Object.entries(services).filter(([service]) => viewer.may('incidents:read', { service }));
    const teams = [...new Set(visible.flatMap(([, entry]) => entry.team ?? []))].toSorted();
    // It sums up a week of records, also of other features.
    const { value } = await deps.reports.read(TEAM_DIGEST, { team: team ?? null }, viewerAsReader(viewer));
    return { title: 'Digest', main: digestMain(value, teams), known: { team: teams } };
  },
};

export const digestMain = (teamDigest: TeamDigest, teams: readonly string[]): Html => html`
  <h1 class="page-title">${digestTitle(teamDigest)}</h1>
  ${
    teams.length === 0
      ? ''
      : filterLinks(
          'Team',
          [null, ...teams].map((team) => ({
            text: team ?? 'All services',
            href: digestPath(team),
            isCurrent: team === teamDigest.team,
          })),
        )
  }
  <p class="quiet">${digestScope(teamDigest).map(spanHtml)}</p>
  <div class="stack">${digestSections(teamDigest).map(sectionPanel)}</div>
`;

const sectionPanel = ({ id, title, summary, columns, rows, path }: DigestSection): Html =>
  panel(
    id,
    title,
    null,
    rows.length === 0
      ? nothing(summary)
      : html`<p>${summary}</p>
          ${tableOf(
            title,
            columns,
            rows.slice(0, PAGE_ROWS).map(([first = [], ...others]): Cells => [cell(first), ...others.map(cell)]),
          )}
          ${rows.length <= PAGE_ROWS ? '' : html`<p class="quiet">${rows.length - PAGE_ROWS} more are not shown.</p>`}
          ${path.startsWith('/console/digest') ? '' : html`<p class="more"><a href="${path}">All records</a></p>`}`,
  );

/** Renders a formatted text. */
const cell = (text: Text): Html | string => (text.length === 0 ? '' : html`${text.map(spanHtml)}`);

function spanHtml(span: Span): Html | string {
  if (typeof span === 'string') return span;
  if ('at' in span) return html`<time datetime="${span.at}">${utcWords(span)}</time>`;
  return 'link' in span ? html`<a href="${span.link}">${span.text}</a>` : '';
}
