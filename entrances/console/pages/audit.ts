import { html } from 'hono/html';
import { docLink } from './docs/docs.ts';
import { incidentNamer } from '../../../core/actions/incidents/incident-numbers.ts';
import { namer } from '../../../core/actions/people/names.ts';
import { EVERYWHERE } from '../../../core/domain/access/access.ts';
import { canaryPath, experimentPath } from '../../../core/domain/incidents/console-link.ts';
import type { Named } from '../../../core/domain/incidents/incident-number.ts';
import type { AuditEntry, ChainCheck } from '../../../core/domain/ports/audit.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import {
  ago,
  type Cells,
  clockTime,
  type Html,
  incidentLink,
  nothing,
  olderLink,
  panel,
  searchForm,
  tableOf,
} from '../parts.ts';
import type { PageRequest, ConsoleDeps, ConsolePage } from './page.ts';

const PATH = '/console/audit';
const ENTRIES_SHOWN = 25;

/** Entries that one request looks through for matches, and how many one read returns. */
const SEARCHED_MAX = 1000;
const PER_READ = 100;
const TEXT_MAX_CHARS = 200;

/** The maximum number of seals per day: one for each minute that has entries. */
const SEALS_OF_A_DAY = 24 * 60;

export type Audit = {
  at: Timestamp;
  /** Part of the kind, the actor, the subject, or the text. */
  text: string;
  /** Newest first, with display names. */
  items: readonly (AuditEntry & { sealed: boolean; actorName: string; subjectName: Html | '' })[];
  from: string | null;
  older: string | null;
  chain: ChainCheck;
  /** The whole chain was checked, not only the last day. */
  isWhole: boolean;
};

export const auditPage: ConsolePage = {
  path: PATH,
  label: 'Audit',
  section: 'Admin',
  action: 'audit:read',
  everySeconds: 30,
  show: async (deps, request) => ({ title: 'Audit log', main: auditMain(await load(deps, request)) }),
};

async function load(deps: ConsoleDeps, { viewer, query }: PageRequest): Promise<Audit> {
  viewer.caller.allow('audit:read', EVERYWHERE);
  const text = (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS);
  const from = query.get('from') || null;
  const isWhole = query.get('check') === 'all';
  const [{ entries, older }, chain, names] = await Promise.all([
    entriesOf(deps, text, from),
    deps.audit.check(isWhole ? {} : { last: SEALS_OF_A_DAY }),
    namer(deps),
  ]);
  const named = await incidentNamer(deps, entries.map(incidentOf));
  const items = await Promise.all(
    entries.map(async (entry) => ({
      ...entry,
      text: await names.text(entry.text),
      actorName: await names.actor(entry.actor),
      subjectName: subjectName(entry, named),
    })),
  );
  return { at: deps.clock.now(), text, items, from, older, chain, isWhole };
}

/** What only programs read, such as `frz_…` and `tok_…`. */
const MACHINE_ID = /(?:^|[_:])[0-9a-f]{16,}$/;

type About = Pick<AuditEntry, 'kind' | 'subject'>;

/** What has IDs of the form of those of incidents, by the first word of the kind, and its page. */
const LIKE_INCIDENTS = new Map([
  ['canary', canaryPath],
  ['experiment', experimentPath],
]);

const wordOf = ({ kind }: About): string => kind.split('.', 1)[0] ?? '';

const incidentOf = (entry: About): IncidentId | null =>
  LIKE_INCIDENTS.has(wordOf(entry)) ? null : (IncidentId.safeParse(entry.subject).data ?? null);

/** Shows what an entry is about: an incident by its number, and no ID that only programs read. */
function subjectName(entry: About, named: (id: IncidentId) => Named): Html | '' {
  const incident = incidentOf(entry);
  if (incident !== null) return incidentLink(named(incident));
  const path = LIKE_INCIDENTS.get(wordOf(entry));
  if (path !== undefined) return html`<a href="${path(entry.subject)}">${wordOf(entry)}</a>`;
  return MACHINE_ID.test(entry.subject) ? '' : html`${entry.subject}`;
}

async function entriesOf(
  { audit: log }: Pick<ConsoleDeps, 'audit'>,
  text: string,
  from: string | null,
): Promise<{ entries: (AuditEntry & { sealed: boolean })[]; older: string | null }> {
  const entries: (AuditEntry & { sealed: boolean })[] = [];
  let cursor = from;
  for (let searched = 0; searched < SEARCHED_MAX && entries.length < ENTRIES_SHOWN; searched += PER_READ) {
    const page = await log.list({
      limit: text === '' ? ENTRIES_SHOWN : PER_READ,
      ...(cursor !== null && { cursor }),
    });
    entries.push(...page.items.filter((entry) => matches(entry, text)));
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return { entries, older: cursor };
}

const matches = ({ kind, actor, subject, text: entryText }: AuditEntry, text: string): boolean =>
  `${kind} ${actor} ${subject} ${entryText}`.toLowerCase().includes(text.toLowerCase());

export const auditMain = (data: Audit): Html => html`
  <h1 class="page-title">Audit log</h1>
  ${chainPanel(data)} ${searchForm(PATH, { name: 'text', value: data.text, label: 'Kind, actor, subject, or text' })}
  ${entriesPanel(data)}
`;

function chainPanel({ chain, isWhole, at }: Audit): Html {
  const { intact, entries, sealedUntil, brokenAt, because } = chain;
  const extent = isWhole ? 'the whole log' : 'the last day';
  return html`<section
    class="strip ${intact ? '' : 'paused'}"
    id="chain"
    data-part
    aria-labelledby="chain-title"
    ${intact ? '' : html`role="alert"`}
  >
    <h2 id="chain-title">Chain</h2>
    <p>
      ${
        intact
          ? sealedUntil === null
            ? html`<strong>No entry is sealed yet.</strong> Entries are sealed within four minutes.`
            : html`<strong>Verified</strong>: ${entries === 1 ? '1 sealed entry' : `${entries} sealed entries`} of
                ${extent} ${entries === 1 ? 'is' : 'are'} unchanged`
          : html`<strong>Broken</strong>${brokenAt === null ? '' : html` at <code>${brokenAt}</code>`}:
              ${because ?? 'the check failed'}. <code>firebreak audit</code> checks the whole log;
              ${docLink('how-to/audit.md', 'what each finding means')}`
      }
    </p>
    ${sealedUntil === null ? '' : html`<p class="quiet">sealed until ${clockTime(sealedUntil, at)}, ${ago(sealedUntil, at)}</p>`}
    ${isWhole ? '' : html`<p><a href="${PATH}?check=all">Verify the whole log</a></p>`}
    <p class="quiet">To export it: <code>firebreak audit --json</code> or <code>GET /v1/audit</code></p>
  </section>`;
}

function entriesPanel({ items, text, from, older, at }: Audit): Html {
  const query: Record<string, string> = text === '' ? {} : { text };
  const rows = items.map(
    ({ id, kind, actorName, subject, subjectName: name, text: entryText, detail, sealed, at: recordedAt }): Cells => [
      html`${entryText} <span class="quiet target">${name}</span>`,
      html`<code>${kind}</code>`,
      actorName,
      html`<span class="when">${clockTime(recordedAt, at)}</span>`,
      sealed ? 'sealed' : html`<span class="quiet">not yet</span>`,
      html`<details class="raw" id="detail-${id}">
        <summary>Details<span class="hidden"> of ${kind}</span></summary>
        <pre>${JSON.stringify({ id, subject, ...detail }, null, 1)}</pre>
      </details>`,
    ],
  );
  return panel(
    'entries',
    'Entries',
    null,
    html`${from === null ? '' : olderLink(PATH, query, 'Newest entries')}
    ${
      rows.length === 0
        ? nothing(
            older !== null
              ? 'No entry matches in this part of the log.'
              : text === ''
                ? 'Nothing is recorded yet. Decisions, freezes, tokens, sign-ins, and actions are recorded here.'
                : html`No entry matches. <a href="${PATH}">Show all</a>`,
          )
        : tableOf('Entries of the audit log', ['Entry', 'Kind', 'Actor', 'Time', 'Sealed', 'Details'], rows)
    }
    ${older === null ? '' : olderLink(PATH, { ...query, from: older }, 'Older entries')}`,
  );
}
