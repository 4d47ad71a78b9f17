import { STATE_WORDS } from '../decisions/words.ts';
import { html } from 'hono/html';
import { incidentPath, postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
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
import type { ConsoleDeps, ConsolePage, PageRequest } from '../../../entrances/console/pages/page.ts';
import { withPorts } from '../ports.ts';
import type { PostmortemRecord } from '../schemas/postmortem.ts';

export const POSTMORTEMS_PATH = '/console/postmortems';

const ROWS_MAX = 30;

/** A resolved incident with its post-mortem. Null: none is stored. */
type Row = { incident: IncidentRecord; record: PostmortemRecord | null };

type PostmortemList = {
  at: Timestamp;
  /** Only those that are not published yet. */
  isDue: boolean;
  rows: readonly Row[];
  /** Where older ones begin. Null: there are none. */
  older: string | null;
};

/** The post-mortems of resolved incidents, newest first. */
export const postmortemsPage: ConsolePage = {
  path: POSTMORTEMS_PATH,
  label: 'Post-mortems',
  section: 'Review',
  action: 'incidents:read',
  everySeconds: 60,
  show: async (deps, request) => ({ title: 'Post-mortems', main: postmortemsMain(await load(deps, request)) }),
};

async function load(core: ConsoleDeps, { viewer: { may }, query }: PageRequest): Promise<PostmortemList> {
  const deps = withPorts(core);
  const at = deps.clock.now();
  const isDue = query.get('state') === 'due';
  if (isDue) {
    const records = await deps.postmortems.unpublished();
    const rows = await Promise.all(
      records.map(async (record): Promise<Row[]> => {
        const incident = await deps.incidents.read(record.incident_id);
        return incident !== undefined && may('incidents:read', incident) ? [{ incident, record }] : [];
      }),
    );
    return { at, isDue, rows: rows.flat().toSorted((a, b) => (a.incident.id < b.incident.id ? 1 : -1)), older: null };
  }
  const { items, next_cursor: older } = await deps.incidents.search({
    state: 'resolved',
    limit: ROWS_MAX,
    cursor: query.get('from') || undefined,
    // A child is described in the post-mortem of its parent.
    matches: (incident) => incident.parent_id === undefined && may('incidents:read', incident),
  });
  const rows = await Promise.all(
    items.map(async (incident) => ({
      incident,
      record: (await deps.postmortems.read(incident.id))?.record ?? null,
    })),
  );
  return { at, isDue, rows, older };
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
