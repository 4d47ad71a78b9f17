import { readdirSync, readFileSync } from 'node:fs';
import { childOf } from '../../../core/domain/incidents/lifecycle.ts';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { INCIDENT_ACTIONS } from '../../../entrances/console/pages/incidents/actions.ts';
import type { IncidentData } from '../../../entrances/console/pages/incidents/data.ts';
import { incidentMain } from '../../../entrances/console/pages/incidents/incident.ts';
import { withFeaturePages } from '../../../entrances/console/features.ts';
import { PAGES } from '../../../entrances/console/pages/index.ts';
import { nowMain } from '../../../entrances/console/pages/incidents/now.ts';
import type { Now } from '../../../entrances/console/pages/incidents/now-data.ts';
import type { NowRow } from '../../../entrances/console/pages/reports.ts';
import { sentence, spanOf } from '../../../entrances/console/parts.ts';
import type { Story } from '../../../core/domain/messages/story.ts';
import { untouchedAutomation } from '../../../schemas/access/access.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { sources } from '../../../schemas/alerts/sources/index.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { DecisionView, Effect, IncidentRecord, PageContradiction } from '../../../schemas/incidents/incident.ts';
import { runId, type RunView } from '../../../schemas/runbooks/parts/runs.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { expectHarmless, hostile, HOSTILE, SCRIPT, textOf } from '../../support/hostile.ts';
import { inbound } from '../../support/fixtures.ts';
import { signal } from '../../support/signals.ts';
import { STYLE } from '../../../entrances/console/assets/style.ts';

const ROOT = join(import.meta.dirname, '../../..');
const AT = '2026-11-20T12:00:00.000Z' as Timestamp;
const LATER = '2026-11-20T15:30:00.000Z' as Timestamp;
const ID = '01J0000000000000000000000A' as IncidentId;

const record = (more: Partial<IncidentRecord> = {}): IncidentRecord => ({
  id: ID,
  service: hostile<ServiceName>('service'),
  environment: hostile<EnvironmentName>('environment'),
  unmatched: hostile('unmatched'),
  title: hostile('title'),
  severity: 'critical',
  status: 'open',
  opened_at: AT,
  resolved_at: null,
  resolved_by: null,
  signal_count: 3,
  firing: 2,
  requests_rollback: true,
  suspects: [
    {
      change_id: hostile<ChangeId>('change'),
      version: hostile<Version>('v2'),
      confidence: 0.87,
      reasons: [hostile('reason'), 'another reason'],
    },
  ],
  seq: 1,
  consumed_seq: 1,
  run: 1,
  started_run: 1,
  execution: null,
  callbacks: {},
  renotified: 0,
  pages: 1,
  mitigations: 1,
  verification: 'not_needed',
  automation_paused: false,
  muted: { text: hostile('muted') },
  channel: hostile('#channel'),
  channel_id: hostile('C1'),
  roles: { commander: { name: 'ada', shown: hostile('Ada'), slack: null, at: AT } },
  handling: {
    acknowledged: { by: hostile('ada'), at: AT },
    stakeholder_update: { by: 'ada', at: AT, text: hostile('update') },
  },
  trace: 'trace',
  ...more,
});

const decision = (more: Partial<DecisionView> = {}): DecisionView => ({
  id: `${ID}-1`,
  kind: 'approve',
  because: 'mode_approve',
  at: AT,
  digest: hostile('digest'),
  state: 'waiting',
  from_version: hostile<Version>('v2'),
  to_version: hostile<Version>('v1'),
  reasons: [
    { code: 'suspect', text: hostile('for') },
    { code: 'mode_approve', text: hostile('against') },
  ],
  answered_by: null,
  target: { service: hostile<ServiceName>('target'), environment: 'production' as EnvironmentName },
  approvals: { needed: 2, given: [hostile('grace')] },
  ...more,
});

const effect = (more: Partial<Effect> = {}): Effect => ({
  key: hostile('key'),
  kind: 'roll-back',
  target: hostile('https://cd.example.com'),
  class: 'keyed',
  state: 'failed',
  at: AT,
  detail: hostile('the answer of the vendor'),
  followed: { id: hostile('P1'), url: SCRIPT, assigned_to: [] },
  ...more,
});

const story = (more: Partial<Story> = {}): Story => ({
  incident: record(),
  decisions: [decision()],
  effects: [effect()],
  signals: [
    signal({
      title: hostile('alert'),
      links: { runbook: SCRIPT, dashboard: `https://grafana.example.com/${HOSTILE}`, source: null },
      annotations: [['logs_url', SCRIPT]],
    }),
  ],
  timeline: [],
  children: [],
  childCount: 0,
  parent: null,
  ...more,
});

const data = (more: Partial<IncidentData> = {}): IncidentData => ({
  may: () => true,
  csrfToken: 'key',
  openBecause: [],
  noHealthBecause: 'no_query',
  at: LATER,
  story: story(),
  health: null,
  liveHealth: null,
  underWay: [{ text: hostile('in progress'), since: AT, until: LATER }],
  bases: new Map(),
  timeline: {
    filter: { kind: 'all', text: hostile('filter'), from: hostile('cursor') },
    entries: [
      { at: AT, actor: 'ada', actorName: hostile('Ada'), kind: hostile('note'), text: hostile('entry'), detail: null },
    ],
    older: hostile('older'),
  },
  links: [
    { title: hostile('link'), url: SCRIPT },
    { title: 'Dashboard', url: `https://grafana.example.com/${HOSTILE}` },
  ],
  panels: [],
  choices: {
    me: 'ada',
    people: [{ name: 'grace', shown: hostile('Grace'), slack: null }],
    runbooks: [{ name: 'drain', title: hostile('runbook') }],
  },
  evidence: [
    {
      name: 'roll-back.1',
      incident_id: ID,
      action: 'roll-back',
      text: hostile('action'),
      at: AT,
      stored_at: AT,
      sha256: 'a'.repeat(64),
      bytes: 1,
    },
  ],
  runs: [
    {
      id: runId(ID, 1),
      title: hostile('run'),
      status: 'running',
      steps: [],
      service: hostile<ServiceName>('run of'),
      environment: 'production',
      by: hostile('starter'),
      started_at: AT,
    } as unknown as RunView,
  ],
  plan: {
    serviceEnvironment: { service: hostile<ServiceName>('service'), environment: 'production' as EnvironmentName },
    live: { version: hostile<Version>('live') } as Change,
    target: { kind: 'version', version: hostile<Version>('good'), undoes: [] } as never,
    facts: undefined,
    effect: undefined,
    possible: { good: [hostile<Version>('good')], others: [hostile<Version>('v1')] },
    noDeployer: null,
    incident: undefined,
  },
  waitsForPublication: true,
  hasActed: true,
  ...more,
});

const row = (more: Partial<IncidentRecord> = {}, attention: NowRow['attention'] = 'approval'): NowRow => ({
  incident: { ...record(more), questions: 1 },
  members: [{ ...record({ id: '01J0000000000000000000000B' as IncidentId, parent_id: ID }), questions: 0 }],
  attention,
  count: 1,
  detail: { incident: record(more), decisions: [decision()], effects: [effect()] },
});

const now = (more: Partial<Now> = {}): Now => ({
  at: LATER,
  rows: [row(), row({ title: hostile('in progress') }, 'in-progress'), row({ title: hostile('handled') }, 'handled')],
  day: {
    opened: 4,
    pages: 2,
    acted: 1,
    resolved: 1,
    newestResolved: [record({ status: 'resolved', resolved_at: LATER, title: hostile('resolved') })],
    acts: [
      {
        incident: record(),
        decisions: [decision({ state: 'approved', kind: 'approve' })],
        effects: [effect({ key: `${ID}.roll-back.1`, state: 'succeeded' })],
      },
    ],
  },
  parts: { above: [], below: [] },
  firstRun: null,
  watches: [
    {
      service: hostile<ServiceName>('watched'),
      environment: hostile<EnvironmentName>('environment'),
      version: hostile<Version>('v3'),
      started_at: AT,
      checks_planned: 10,
      checks: [{ verdict: 'inconclusive' }],
    } as unknown as NonNullable<Now['watches']>[number],
  ],
  deploys: [
    {
      service: hostile<ServiceName>('deployed'),
      environment: 'production' as EnvironmentName,
      version: hostile<Version>('v3'),
      kind: 'deploy',
      author: hostile('author'),
      canary_weight: 10,
      started_at: AT,
    } as Change,
  ],
  automation: {
    settings: { ...untouchedAutomation, paused: true, by: hostile('who paused'), reason: hostile('why'), at: AT },
    modes: [{ service: hostile('moded'), environment: hostile('somewhere'), mode: 'act', configured: 'act' }],
  },
  ...more,
});

describe('hostile texts are shown as text', () => {
  test.each([
    ['the page Now', async () => String(await nowMain(now())), 20],
    ['the page of an incident', async () => String(await incidentMain(data())), 30],
    [
      'the page of a group',
      async () =>
        String(
          await incidentMain(
            data({
              story: story({
                incident: record({
                  group_reason: { because: 'many', name: hostile('name'), text: hostile('why grouped') },
                }),
                children: [
                  {
                    id: ID,
                    service: hostile('child'),
                    environment: 'production',
                    title: hostile('title'),
                    severity: 'info',
                    status: 'open',
                  },
                ],
                childCount: 4,
              }),
            }),
          ),
        ),
      20,
    ],
  ])('%s', async (_, render, least) => {
    expectHarmless(await render(), least);
  });

  const payloads = (['alertmanager', 'grafana'] as const).flatMap((vendor) =>
    inbound(vendor).map(({ name, requests }) => ({ vendor, name: `${vendor}/${name}`, requests })),
  );

  test.each(payloads)('alerts of $name', async ({ vendor, requests }) => {
    for (const { body } of requests) {
      const read = sources.get(vendor)?.parse(body, () => millisOf(AT));
      const alerts = read?.ok === true ? read.parsed.alerts : [];
      const signals = alerts.slice(0, 12).map(({ labels, annotations }): Signal => {
        const title = [...annotations, ...labels].map(([name, value]) => `${name}=${value}`).join(' ');
        return signal({ title, labels: [...labels], annotations: [...annotations] });
      });
      const text = textOf(String(await incidentMain(data({ story: story({ signals }) }))));
      for (const { title } of signals) expect(text).toContain(title.replaceAll(/\s+/g, ' ').trim());
    }
  });
});

describe('the page of an incident', () => {
  const page = async (more: Partial<IncidentData>) => String(await incidentMain(data(more)));

  test('of a group leads to the member whose question waits', async () => {
    const group_reason = { because: 'shared_dependency', name: 'shop', text: 'shop fails' } as const;
    const asking = record({ id: '01J0000000000000000000000B' as IncidentId, number: 7, parent_id: ID });
    const deciding = { incident: asking, decisions: [decision()], effects: [] };
    const other = { ...asking, id: '01J0000000000000000000000C' as IncidentId, number: 8 };
    const group = {
      incident: record({ group_reason }),
      decisions: [],
      children: [{ ...childOf(asking), asks: true as const }, childOf(other)],
      childCount: 2,
    };
    const partOf = (text: string, id: string): string =>
      new RegExp(`<(section|p)[^>]* id="${id}"[^]*?</\\1>`).exec(text)?.[0] ?? expect.unreachable();
    const text = await page({ story: story({ ...group, deciding }) });
    for (const id of ['questions', 'question-bar']) {
      expect(partOf(text, id)).toMatch(/needs approval/i);
      expect(partOf(text, id)).toContain('<a href="/console/incidents/INC-7#questions">Answer');
    }
    expect(partOf(text, 'questions')).not.toContain('<button');
    expect(textOf(partOf(text, 'children')).match(/needs approval .*?INC-\d/gs)).toEqual([
      expect.stringMatching('INC-7'),
    ]);
    const answered = { ...deciding, decisions: [decision({ state: 'approved' })] };
    const children = [asking, other].map(childOf);
    expect(await page({ story: story({ ...group, children, deciding: answered }) })).not.toMatch(/needs approval/i);
  });

  test('of a group with many members shows the first, the others on demand, and leads to all', async () => {
    const member = childOf(record({ number: 2, parent_id: ID }));
    const children = Array.from({ length: 40 }, (_, n) => ({ ...member, number: n + 2 }));
    const incident = record({ group_reason: { because: 'many', name: '', text: 'many services fail at once' } });
    const text = await page({ story: story({ incident, children, childCount: 200 }) });
    const panel = /<section[^>]* id="children"[^]*?<\/section>/.exec(text)?.[0] ?? '';
    const [shown = '', more = ''] = panel.split('<details class="more-details" id="more-children">');
    expect(shown.match(/INC-\d+<\/span>/g)).toHaveLength(15);
    expect(more.match(/INC-\d+<\/span>/g)).toHaveLength(25);
    expect(textOf(more)).toMatch(/^ ?25 more .*All 200 incidents ?$/);
  });

  test('has a form for each action that is possible', async () => {
    const open = await page({});
    const paused = await page({
      story: story({
        incident: record({
          automation_paused: true,
          roles: {},
          handling: {},
          cleared: [
            {
              change_id: hostile<ChangeId>('change'),
              service: 'shop' as ServiceName,
              version: hostile<Version>('v9'),
              kind: 'deploy',
              by: hostile('ada'),
              at: AT,
            },
          ],
        }),
        decisions: [decision({ state: 'final' })],
      }),
    });
    const service_environment = { service: hostile('shop') as ServiceName, environment: 'live' as EnvironmentName };
    const off = effect({
      kind: 'flag',
      state: 'succeeded',
      flag: { name: hostile('flag'), on: false },
      service_environment,
    });
    const testable = await page({ story: story({ decisions: [decision({ state: 'waiting', testable: true })] }) });
    const withFlag = await page({ story: story({ effects: [off] }) });
    const over = await page({ story: story({ incident: record({ status: 'resolved', unmatched: null }) }) });
    const formsIn = (markup: string) => [...markup.matchAll(/\/actions\/([a-z-]+)"/g)].map(([, name]) => name);
    expect(formsIn(open)).not.toContain('turn-flag-on');
    expect(formsIn(open)).not.toContain('look');
    expect(
      new Set([...formsIn(open), ...formsIn(paused), ...formsIn(testable), ...formsIn(withFlag), ...formsIn(over)]),
    ).toEqual(new Set(Object.keys(INCIDENT_ACTIONS)));
    expect(formsIn(open)).not.toContain('resume');
    expect(formsIn(paused)).not.toContain('approve');
  });

  test('has only forms of permitted actions', async () => {
    expect(await page({ may: () => false })).not.toContain('<form method="post"');
    const writes = await page({ may: (action) => action === 'incidents:write' });
    expect(writes).toMatch(/actions\/severity/);
    expect(writes).not.toMatch(/actions\/(approve|rollback|resolve)/);
  });

  test('says what automation does, what speaks for it, and why it does not act', async () => {
    const shown = async (kind: DecisionView['kind']) =>
      textOf(await page({ story: story({ decisions: [decision({ kind, state: 'final' })] }) }));
    expect(await shown('roll_back')).toMatch(/Rolling .* Details/);
    expect(await shown('none')).toMatch(/Look at .* Does not act because .* Details/);
  });

  test('offers no action on a resolved incident except notes and the mark of a wrong action', async () => {
    const markup = await page({
      story: story({ incident: record({ status: 'resolved', resolved_at: AT }) }),
      plan: null,
    });
    expect([...markup.matchAll(/\/actions\/([a-z-]+)"/g)].map(([, name]) => name)).toEqual(['note', 'mark-wrong']);
  });
});

describe('a status page that contradicts the SLIs', () => {
  const contradiction = (more: Partial<PageContradiction> = {}): PageContradiction => ({
    kind: 'shown_operational',
    components: ['Checkout'],
    since: plusSeconds(LATER, -300),
    seen: LATER,
    over: false,
    earlier_seconds: 180,
    ...more,
  });
  const shown = async (page_contradiction: PageContradiction, more: Partial<IncidentRecord> = {}) => {
    const incident = record({ page_contradiction, ...more });
    const list = { rows: [{ ...row(incident, 'contradiction'), members: [] }] };
    return {
      incident: textOf(String(await incidentMain(data({ story: story({ incident }) })))),
      now: textOf(String(await nowMain(now(list)))),
    };
  };
  const WORDS = 'The status page shows Checkout as operational, but its SLI is bad';

  test('is shown from five minutes on, with the minutes of the whole incident', async () => {
    const pages = await shown(contradiction());
    expect(pages.incident).toMatch(new RegExp(`${WORDS} since .* 8 min in this incident`));
    expect(pages.now).toContain(WORDS);
    const early = await shown(contradiction({ since: plusSeconds(LATER, -299) }));
    expect(early.now).not.toContain(WORDS);
    expect(early.incident).not.toContain(WORDS);
  });

  test.each([
    ['ended', { over: true }, {}],
    ['was not seen for long', { since: plusSeconds(LATER, -900), seen: plusSeconds(LATER, -600) }, {}],
    ['lasted until the incident was resolved', {}, { status: 'resolved', resolved_at: LATER }],
  ] as const)('that %s leaves its minutes on the incident', async (_, more, incident) => {
    const pages = await shown(contradiction(more), incident);
    expect(pages.now).not.toContain(WORDS);
    expect(pages.incident).toContain('The status page and the SLI contradicted each other for 8 min');
  });
});

describe('the page Now', () => {
  const calm: Partial<Now> = {
    rows: [],
    day: { opened: 0, pages: 0, acted: 0, resolved: 0, newestResolved: [], acts: [] },
    deploys: [],
    watches: [],
  };

  test('says in one line what there is none of', async () => {
    const parts = { above: [{ quiet: 'canary' }], below: [{ quiet: 'freeze' }] };
    const text = textOf(String(await nowMain(now({ ...calm, parts }))));
    expect(text).toContain('No incident is open.');
    expect(text).toContain('No deploy in progress, no canary, no freeze, no incident opened in the last 24 hours.');
  });

  test('leaves out what the viewer may not see', async () => {
    const text = textOf(
      String(
        await nowMain(
          now({
            deploys: null,
            watches: null,
            automation: null,
          }),
        ),
      ),
    );
    expect(text).not.toMatch(/Deploys|Kill switch/);
  });
});

test.each([
  ['2026-11-20T12:00:30.000Z', 'under a minute'],
  ['2026-11-20T12:04:10.000Z', '4 min'],
  ['2026-11-20T14:00:00.000Z', '2 h'],
  ['2026-11-20T14:05:00.000Z', '2 h 5 min'],
  ['2026-11-23T13:00:00.000Z', '3 d'],
])('the span to %s is %s', (to, span) => {
  expect(spanOf(AT, to as Timestamp)).toBe(span);
});

const web = readdirSync(join(ROOT, 'entrances/console'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('assets/'))
  .map((file) => ({ file, code: readFileSync(join(ROOT, 'entrances/console', file), 'utf8') }));

test.each([
  ['no freeze applies', 'No freeze applies.'],
  ['checkout production is frozen', 'checkout production is frozen.'],
  ['inputs: "lag" must be of type integer', 'inputs: "lag" must be of type integer.'],
  ['the runbook has changed; show its plan again', 'The runbook has changed; show its plan again.'],
])('a refusal is a sentence, and names keep their case: %s', (text, expected) => {
  expect(sentence(text)).toBe(expected);
});

test.each(web)(
  '$file inserts markup only by templates, with quoted attributes, without styles and scripts',
  ({ code }) => {
    expect(code).not.toMatch(/\braw\(|isEscaped|dangerously/);
    expect(code).not.toMatch(/<[^<>`]*\s[\w-]+=\$\{/);
    expect(code).not.toMatch(/\sstyle=|\son[a-z]+="|<style/);
    expect(code.match(/<script\b.*/g) ?? []).toEqual(
      code.includes('<!doctype') ? [expect.stringContaining('src=')] : [],
    );
  },
);

test('green is for what is verified, healthy, or done, and for no answer to a form and no mode', () => {
  const green = [...STYLE.matchAll(/^(.+?) \{[^{}]*var\(--good/gm)].map(([, selector]) => selector);
  expect(green).toEqual(['.health-state.is-good strong', '.badge.state-verified, .badge.effect-succeeded']);
});

/* The recipe "Adding a page to the console" in CONTRIBUTING.md: one file, and one line in the list. */
test('every page is a file of its own, and is named in the docs', () => {
  const list = readFileSync(join(ROOT, 'entrances/console/pages/index.ts'), 'utf8').replace(
    /^import .*withFeaturePages.*$/m,
    '',
  );
  const files = [...list.matchAll(/^import \{ (\w+) \} from '(.+)';$/gm)].map(([, , file]) => file);
  expect(new Set(files).size).toBe(PAGES.length - withFeaturePages([]).length);
  const docs = readFileSync(join(ROOT, 'docs/reference/console.md'), 'utf8');
  for (const { path } of PAGES)
    expect(docs).toContain(`\`${path.replace(/:(\w+)/, (_, name) => name.toUpperCase())}\``);
});
