import { FEATURE_FILES } from '../../../../features/names.ts';
import { html } from 'hono/html';
import { EVERYWHERE } from '../../../../core/domain/access/access.ts';
import type { Finding } from '../../../../core/domain/catalogue/doctor-findings.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import { type Person, type PersonId, ROLES } from '../../../../schemas/people/people.ts';
import { millisOf } from '../../../../schemas/time/time.ts';
import {
  actionForm,
  ago,
  ahead,
  type Cells,
  type Html,
  line,
  longTable,
  nothing,
  olderLink,
  onDemand,
  panel,
  tableOf,
} from '../../parts.ts';
import { type ConsolePage, field, type PageAction } from '../page.ts';
import { loadSettings, type Settings, type TokenRow } from './data.ts';
import * as z from 'zod';
import { docLink } from '../docs/docs.ts';
import { revokeToken } from '../../../../core/actions/people/revoke-token.ts';

export const SETTINGS_PATH = '/console/settings';

const PEOPLE_SHOWN = 200;

/** Findings, those with the same text as one: those that are not ok before the others are behind a button, and all. */
const FINDINGS_OPEN = 10;
const FINDINGS_SHOWN = 300;

/** Services with the same finding, before the others are behind a button. */
const ABOUT_OPEN = 3;

/** An older check is marked, because it says little about the current state. */
const OLD_HOURS = 24;

/** Longest shown text of a section of the configuration. */
const SECTION_MAX_CHARS = 8000;

/** What a person can do on the settings page. Everything else changes in files or with the command line. */
const SETTINGS_ACTIONS = {
  'revoke-token': {
    permission: 'tokens:write',
    done: 'The token is revoked. Its sessions have ended.',
    run: async (deps, { caller, form }) => revokeToken(deps, caller, field(form, 'id', z.string().max(64))),
  },
} satisfies Readonly<Record<string, PageAction>>;

export const settingsPage: ConsolePage = {
  path: SETTINGS_PATH,
  label: 'Settings',
  section: 'Admin',
  action: 'health:read',
  everySeconds: 30,
  actions: SETTINGS_ACTIONS,
  async show(deps, request) {
    return { title: 'Settings', main: settingsMain(await loadSettings(deps, request)) };
  },
};

export const settingsMain = (data: Settings): Html => html`
  <h1 class="page-title">Settings</h1>
  <div class="stack">
    ${configurationPanel(data)} ${checkPanel(data)} ${tokensPanel(data)} ${peoplePanel(data)} ${filesPanel(data)}
  </div>
`;

/** Order and words of findings. What is wrong comes first. */
const VERDICTS: Record<Finding['verdict'], { badge: string; word: string }> = {
  no: { badge: 'critical', word: '✕ wrong' },
  warn: { badge: 'warning', word: '◆ check' },
  off: { badge: '', word: '– off' },
  test: { badge: '', word: '● stand-in' },
  ok: { badge: '', word: '✓ ok' },
};
const VERDICT_ORDER = Object.keys(VERDICTS) as Finding['verdict'][];

/** Shows findings, a row for all services with the same one. What is ok is behind a button. @param key identifies the table on the page */
function findingsTable(key: string, label: string, findings: readonly Finding[]): Html {
  const groups = [...Map.groupBy(findings, ({ verdict, text }) => JSON.stringify([verdict, text])).values()]
    .flatMap((group) => {
      const [first] = group;
      return first === undefined ? [] : [{ ...first, about: [...new Set(group.map(({ about }) => about))] }];
    })
    .toSorted((a, b) => VERDICT_ORDER.indexOf(a.verdict) - VERDICT_ORDER.indexOf(b.verdict));
  const rows = groups
    .slice(0, FINDINGS_SHOWN)
    .map(({ verdict, about, text }, n): Cells => [
      aboutPart(`${key}-${n}`, about),
      html`<span class="badge ${VERDICTS[verdict].badge}">${VERDICTS[verdict].word}</span>`,
      text,
    ]);
  const open = groups.filter(({ verdict }) => verdict !== 'ok').slice(0, FINDINGS_OPEN).length;
  return html`${longTable(key, label, ['About', 'Result', 'Finding and what to do'], rows, open)}
  ${groups.length > rows.length ? html`<p class="more">and ${groups.length - rows.length} more: <code>firebreak doctor</code></p>` : ''}`;
}

const aboutPart = (key: string, about: readonly string[]): Html | string => {
  const others = about.slice(ABOUT_OPEN);
  const first = about.slice(0, ABOUT_OPEN).join(', ');
  return others.length === 0
    ? first
    : html`${first}
        <details class="raw" id="about-${key}">
          <summary>and ${others.length} more</summary>
          ${others.join(', ')}
        </details>`;
};

/** Says what is wrong, and what a person should look at. */
function verdictText(findings: readonly Finding[]): string {
  const count = (verdict: Finding['verdict']): number =>
    findings.filter((finding) => finding.verdict === verdict).length;
  const counts = [
    { number: count('no'), word: 'wrong' },
    { number: count('warn'), word: 'to check' },
  ].filter(({ number }) => number > 0);
  return counts.length === 0 ? 'nothing is wrong' : counts.map(({ number, word }) => `${number} ${word}`).join(', ');
}

function configurationPanel({ configuration: { version, loads, findings }, at }: Settings): Html {
  return panel(
    'configuration',
    'Configuration',
    null,
    html`<dl class="lines">
        ${line('Version', html`<code>${version}</code>`)}
        ${loads === null || loads.at === null ? '' : line('In force since', ago(loads.at, at))}
        ${loads === null || loads.failed === 0 ? '' : line('Refused', `${loads.failed} ${loads.failed === 1 ? 'change' : 'changes'} with errors since the start`)}
      </dl>
      ${findings.length === 0 ? html`<p>No problems were found in it.</p>` : findingsTable('problems', 'Problems of the configuration', findings)}
      <p class="quiet">Change it in its files: ${docLink('reference/configuration.md', 'configuration')}.</p>`,
  );
}

function checkPanel({ check, at }: Settings): Html {
  if (check === undefined)
    return panel(
      'connections',
      'Connections',
      null,
      nothing(
        html`No check of the connections is stored yet. Run <code>firebreak doctor</code>: it checks vendors, rollback
          targets, secrets, and objectives, and its findings are shown here.`,
      ),
    );
  const isOld = millisOf(at) - millisOf(check.at) > OLD_HOURS * 3_600_000;
  return panel(
    'connections',
    'Connections',
    null,
    html`<p>
        Checked ${ago(check.at, at)} by ${check.by}${isOld ? html` <span class="badge warning">too old</span>` : ''}:
        ${verdictText(check.findings)}. Run <code>firebreak doctor</code> to check again.
      </p>
      ${findingsTable('findings', 'Findings of the last check', check.findings)}`,
  );
}

function tokensPanel({ tokens, at, may, csrfToken }: Settings): Html | '' {
  if (tokens === null) return '';
  const mayRevoke = may('tokens:write', EVERYWHERE);
  const rows = tokens.items.map((token): Cells => [
    html`${token.name}${token.actsAs === token.name ? '' : html` <span class="quiet target">acts as ${token.actsAs}</span>`}`,
    html`<details class="raw" id="token-${token.id}">
      <summary>${token.role}<span class="hidden"> of ${token.name}</span></summary>
      <p>${token.actions.join(', ')}</p>
    </details>`,
    limitsOf(token),
    html`${ago(token.created_at, at)} by ${token.created_by}`,
    endOf(token, at),
    mayRevoke && token.revoked_at === undefined ? revokeForm(token, csrfToken) : '',
  ]);
  return panel(
    'tokens',
    'Tokens',
    null,
    html`${tokens.isFirst ? '' : olderLink(SETTINGS_PATH, {}, 'Newest tokens')}
    ${
      rows.length === 0
        ? nothing(html`There are no tokens. Create one with <code>firebreak token create NAME --role responder</code>.`)
        : longTable('tokens', 'Tokens', ['Name', 'Permissions', 'Limited to', 'Created', 'Ends', 'Action'], rows)
    }
    ${tokens.older === null ? '' : olderLink(SETTINGS_PATH, { tokens: tokens.older }, 'Older tokens')}`,
  );
}

const limitsOf = ({ sources, services, environments }: TokenRow): string =>
  [sources, services, environments].flatMap((list) => list ?? []).join(', ');

const endOf = ({ revoked_at, revoked_by, expires_at }: TokenRow, at: Settings['at']): Html | string =>
  revoked_at !== undefined
    ? html`<span class="quiet"
        >revoked ${ago(revoked_at, at)}${revoked_by === undefined ? '' : ` by ${revoked_by}`}</span
      >`
    : expires_at === null
      ? 'never'
      : expires_at <= at
        ? html`<span class="quiet">expired ${ago(expires_at, at)}</span>`
        : html`expires ${ahead(expires_at, at)}`;

const revokeForm = ({ id, name }: TokenRow, csrfToken: string): Html =>
  onDemand(
    `revoke-${id}`,
    'Revoke…',
    actionForm(
      SETTINGS_PATH,
      'revoke-token',
      csrfToken,
      html`<input type="hidden" name="id" value="${id}" />
        <p>Programs and sessions with ${name} lose their access at once. This cannot be undone.</p>
        <button class="danger">Revoke ${name}</button>`,
    ),
  );

function peoplePanel({ configuration: { config } }: Settings): Html {
  const { people, everyone, userGroups, signIn } = config.people;
  const all = Object.entries(people) as [PersonId, Person][];
  const groups = [
    ...Object.entries(userGroups).map(([id, { roles, teams }]) => ({ name: `Slack group ${id}`, roles, teams })),
    ...Object.entries(signIn?.groups ?? {}).map(([name, { roles, teams }]) => ({
      name: `group ${name}`,
      roles,
      teams,
    })),
  ];
  const rows: Cells[] = [
    ...all
      .slice(0, PEOPLE_SHOWN)
      .map(([id, { name, roles, teams, ...known }]): Cells => [
        html`${name ?? id} <code class="quiet">${id}</code>`,
        roles.join(', '),
        teams.join(', '),
        (['email', 'slack', 'pagerduty'] as const).filter((key) => known[key] !== undefined).join(', '),
      ]),
    ...groups.map(({ name, roles, teams }): Cells => [name, roles.join(', '), teams.join(', '), '']),
  ];
  return panel(
    'people',
    'People',
    all.length,
    html`${
        rows.length === 0
          ? nothing('No person is listed in people.yaml.')
          : longTable('people', 'People', ['Person', 'Roles', 'Teams', 'Known by'], rows)
      }
      ${all.length > PEOPLE_SHOWN ? html`<p class="more">and ${all.length - PEOPLE_SHOWN} more</p>` : ''}
      <p class="quiet">
        Members of the Slack workspace who are not listed: ${everyone === 'nobody' ? 'no role' : `role ${everyone}`}.
        Change it in people.yaml.
      </p>
      <details id="roles">
        <summary>What each role may do</summary>
        ${tableOf(
          'Roles',
          ['Role', 'Actions', 'Where'],
          Object.entries({ ...ROLES, ...config.people.roles }).map(
            ([role, { actions, services, environments }]): Cells => [
              role,
              actions.includes('*') ? 'all' : actions.join(', '),
              [
                services === undefined ? [] : services === 'own' ? ['services of own teams'] : services,
                environments ?? [],
              ]
                .flat()
                .join(', '),
            ],
          ),
        )}
      </details>`,
  );
}

/** Files that no other page shows, in their effective form with all defaults. */
const SECTIONS = {
  'paging.yaml': ({ paging }) => paging,
  'routes.yaml': ({ routes }) => routes,
  'slack.yaml': ({ slack }) => slack,
  'links.yaml': ({ links }) => links,
  'response.yaml': ({ response }) => response,
  ...Object.fromEntries(
    Object.entries(FEATURE_FILES).map(([name, { key = name }]) => [
      `${name}.yaml`,
      (config: Config) => config[key as keyof Config],
    ]),
  ),
} satisfies Readonly<Record<string, (config: Config) => unknown>>;

const filesPanel = ({ configuration: { config } }: Settings): Html =>
  panel(
    'files',
    'Files in force',
    null,
    html`<p class="quiet">With all defaults. Secrets are not part of the configuration.</p>
      ${Object.entries(SECTIONS).map(
        ([name, part]) =>
          html`<details class="raw" id="file-${name.replace('.yaml', '')}">
            <summary>${name}</summary>
            <pre>${shownText(part(config))}</pre>
          </details>`,
      )}`,
  );

/** Formats a part of the configuration, without passwords in URLs and data of images. */
function shownText(value: unknown): string {
  const text = JSON.stringify(value, null, 1)
    .replaceAll(/(https?:\/\/)[^/@"\s]*@/g, '$1…@')
    .replaceAll(/(data:image\/[\w+]+;base64,)[A-Za-z0-9+/=]+/g, '$1…');
  return text.length <= SECTION_MAX_CHARS ? text : `${text.slice(0, SECTION_MAX_CHARS)}\n…`;
}
