import { STATE_WORDS } from '../decisions/words.ts';
import { html } from 'hono/html';
import { incidentPath, postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import {
  addressWith,
  ago,
  type Cells,
  filterLinks,
  type Html,
  nothing,
  numberOf,
  olderLink,
  severityBadge,
  tableOf,
} from '../../../entrances/console/parts.ts';
import {
  type ConsoleDeps,
  type ConsolePage,
  type PageRequest,
  viewerAsReader,
} from '../../../entrances/console/pages/page.ts';
import { type ListedPostmortems, type ListQuery, POSTMORTEMS, type Row } from '../reports.ts';

export const POSTMORTEMS_PATH = '/console/postmortems';

type PostmortemList = ListedPostmortems & Pick<ListQuery, 'isDue'> & { at: Timestamp };

/** The post-mortems of resolved incidents, newest first. */
export const postmortemsPage: ConsolePage = {
  path: POSTMORTEMS_PATH,
  label: 'Post-mortems',
  section: 'Review',
  action: 'incidents:read',
  everySeconds: 60,
  show: async (deps, request) => ({
    title: 'Post-mortems',
    main: postmortemsMain(await load(deps, request)),
    known: { state: ['due'] },
  }),
};

async function load(deps: ConsoleDeps, { viewer, query }: PageRequest): Promise<PostmortemList> {
  const isDue = query.get('state') === 'due';
  const of = { isDue, from: query.get('from') || null };
  const { value } = await deps.reports.read(POSTMORTEMS, of, viewerAsReader(viewer));
  return { at: deps.clock.now(), isDue, ...value };
}

const postmortemsMain = ({ at, isDue, rows, older }: PostmortemList): Html => html`
  <h1 class="page-title">Post-mortems</h1>
  ${filterLinks('State', [
    { text: 'All', href: POSTMORTEMS_PATH, isCurrent: !isDue },
    { text: 'Not published', href: addressWith(POSTMORTEMS_PATH, { state: 'due' }), isCurrent: isDue },
  ])}
  <section class="panel" id="postmortems" data-part aria-labelledby="postmortems-title">
    <h2 id="postmortems-title">Newest incidents first</h2>
    ${
      rows.length === 0
        ? nothing(
            isDue
              ? 'All post-mortems are published.'
              : 'No incident was resolved yet. Firebreak then drafts its post-mortem.',
          )
        : tableOf(
            'post-mortems',
            ['Incident', 'Severity', 'Post-mortem', 'Changed', 'Incident page'],
            rows.map((row) => cellsOf(row, at)),
          )
    }
    ${older === null ? '' : olderLink(POSTMORTEMS_PATH, { from: older }, 'Older incidents')}
  </section>
`;

const cellsOf = ({ incident, record }: Row, at: Timestamp): Cells => [
  html`<a href="${postmortemPath(incident)}">${numberOf(incident)} ${incident.title}</a>
    <span class="target quiet">${serviceEnvironmentText(incident)}</span>`,
  severityBadge(incident.severity),
  record === null
    ? html`<span class="quiet">none</span>`
    : html`<span
        class="badge ${record.state === 'published' || record.state === 'skipped' ? 'state-resolved' : 'warning'}"
        >${STATE_WORDS[record.state]}</span
      >`,
  record === null ? '' : ago(record.updated_at, at),
  html`<a href="${incidentPath(incident)}">Incident</a>`,
];
