import { describe, expect, test } from 'vitest';
import { type Audit, auditMain } from '../../../entrances/console/pages/audit.ts';
import { type Decisions, decisionsMain } from '../../../entrances/console/pages/incidents/decisions.ts';
import type { AuditEntry, ChainCheck } from '../../../core/domain/ports/audit.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { DecisionView, IncidentView } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../support/hostile.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;
const LATER = '2026-11-20T15:30:00.000Z' as Timestamp;
const ID = '01J0000000000000000000000A' as IncidentId;

const decision = (more: Partial<DecisionView> = {}): DecisionView => ({
  id: `${ID}-1`,
  kind: 'none',
  because: 'mode_approve',
  at: AT,
  digest: hostile('digest'),
  state: 'final',
  from_version: hostile('v2'),
  to_version: hostile('v1'),
  reasons: [
    { code: 'suspect', text: hostile('for') },
    { code: 'mode_approve', text: hostile('against') },
  ],
  answered_by: null,
  target: { service: hostile('target'), environment: hostile('production') },
  approvals: { needed: 1, given: [] },
  ...more,
});

const about = { id: ID, service: hostile('service'), environment: hostile('environment'), title: hostile('title') };

const decisions = async (more: Partial<Decisions> = {}): Promise<string> =>
  String(
    await decisionsMain({
      at: LATER,
      kind: 'all',
      text: hostile('filter'),
      items: [{ incident: about as Decisions['items'][number]['incident'], decision: decision() }],
      from: hostile('from'),
      older: hostile('older'),
      ...more,
    }),
  );

test('the list of decisions shows what was decided, and why on demand', async () => {
  const [shown = '', onDemand = ''] = (await decisions()).split(/<summary>Details<\/summary>/);
  for (const reason of ['for', 'against']) {
    const text = new RegExp(`\\b${reason} "`, 'i');
    expect(textOf(shown)).not.toMatch(text);
    expect(textOf(onDemand)).toMatch(text);
  }
});

const entry: Audit['items'][number] = {
  id: hostile('id'),
  at: AT,
  actor: 'ada',
  actorName: hostile('Ada'),
  kind: hostile('kind'),
  subject: hostile('subject'),
  subjectName: '' as const,
  text: hostile('text'),
  detail: { why: hostile('detail') },
  sealed: true,
};

const chain: ChainCheck = { intact: true, entries: 41, sealedUntil: AT, brokenAt: null, because: null };

const audit = async (more: Partial<Audit> = {}): Promise<string> =>
  String(
    await auditMain({
      at: LATER,
      text: hostile('filter'),
      items: [entry],
      from: hostile('from'),
      older: hostile('older'),
      chain,
      isWhole: false,
      ...more,
    }),
  );

test('hostile texts are shown as text', async () => {
  expectHarmless(await decisions(), 7);
  const broken = { ...chain, intact: false, brokenAt: hostile('entry'), because: hostile('because') };
  expectHarmless(await audit({ chain: broken }), 6);
});

describe('the page of decisions', () => {
  test('says what to do, what speaks for it, and why automation does not act', async () => {
    const text = textOf(await decisions());
    expect(text).toMatch(/Look at service.*For .*Does not act because against/);
  });

  test('shows codes only under details', async () => {
    const markup = await decisions();
    expect(markup).toContain('digest');
    expect(textOf(markup.replaceAll(/<details[^]*?<\/details>/g, ''))).not.toMatch(/digest|no_confident_suspect/);
  });

  test('says what would appear where there is nothing', async () => {
    const empty = { items: [], from: null, older: null };
    expect(textOf(await decisions({ ...empty, text: '' }))).toMatch(/has not decided anything yet/);
    expect(textOf(await decisions({ ...empty, kind: 'acted' }))).toMatch(/No decision matches/);
  });

  test.each([
    ['accepted', 'Rolling checkout in production back from v2 to v1.'],
    ['succeeded', 'Rolled checkout in production back from v2 to v1.'],
    ['failed', 'Failed to roll checkout in production back from v2 to v1: look at it now.'],
  ])('says of a rollback that is %s what came of it, as the incident does', async (state, expected) => {
    const target = { service: 'checkout', environment: 'production' } as DecisionView['target'];
    const rollback = decision({
      kind: 'roll_back',
      from_version: 'v2' as Version,
      to_version: 'v1' as Version,
      target,
    });
    const effects = [{ key: `${ID}.1`, kind: 'roll-back', state, at: AT, detail: '', target: 'http', class: 'keyed' }];
    const items = [{ ...about, decisions: [{ ...rollback, id: '1' }], effects }];
    const { get } = consoleWorld(({ deps }) => ({
      incidents: Object.assign(Object.create(deps.incidents), { list: async () => ({ items, next_cursor: null }) }),
    }));
    expect(textOf(await (await get('/console/decisions', { token: 'vera' })).text())).toContain(expected);
  });

  test('finds by kind and reason, of services that the viewer may see', async () => {
    const of = (service: string, kind: DecisionView['kind'], reason: string) =>
      ({
        ...about,
        service,
        title: `${service} fails`,
        decisions: [decision({ kind, reasons: [{ code: 'suspect', text: reason }] })],
        effects: [],
      }) as unknown as IncidentView;
    const items = [of('checkout', 'none', 'no suspect'), of('cart', 'roll_back', 'deploy of v2')];
    const { get } = consoleWorld(({ deps }) => ({
      incidents: Object.assign(Object.create(deps.incidents), {
        list: async () => ({ items, next_cursor: null }),
      }),
    }));
    const titles = async (query: string, token = 'vera') =>
      [...(await (await get(`/console/decisions${query}`, { token })).text()).matchAll(/>(\w+) fails</g)].map(
        ([, name]) => name,
      );
    expect(await titles('')).toEqual(['checkout', 'cart']);
    expect(await titles('?kind=acted')).toEqual(['cart']);
    expect(await titles('?text=NO+SUSPECT')).toEqual(['checkout']);
    expect(await titles('', 'cora')).toEqual(['cart']);
  });
});

describe('the page of the audit log', () => {
  test('says that the chain is verified, or where it breaks', async () => {
    expect(textOf(await audit())).toMatch(/Verified: 41 sealed entries of the last day are unchanged/);
    expect(textOf(await audit({ chain: { ...chain, entries: 0, sealedUntil: null } }))).toMatch(
      /No entry is sealed yet/,
    );
    const broken = { ...chain, intact: false, brokenAt: 'entry 7', because: 'it was altered' };
    const markup = await audit({ chain: broken, isWhole: true });
    expect(textOf(markup)).toMatch(/Broken at entry 7: it was altered/);
    expect(markup).toContain('role="alert"');
  });

  test('names an incident by its number, and shows IDs that only programs read under details', async () => {
    const subjects = ['frz_8da67569f4b65248be3ea6cb61', 'ci'];
    const { world, get } = consoleWorld(() => ({
      audit: Object.assign(Object.create(null), {
        list: async () => ({
          items: subjects.map((subject, n) => ({ ...entry, id: `entry-${n}`, subject, text: 'text' })),
          next_cursor: null,
        }),
        check: async () => chain,
      }),
    }));
    const { id } = await world.deps.incidents.declare({
      service: 'cart' as ServiceName,
      environment: 'production' as EnvironmentName,
      title: 'as in INC-1',
      severity: 'critical',
      by: 'ada',
      trace: 'trace',
    });
    subjects.unshift(id);
    const markup = await (await get('/console/audit', { token: 'ada' })).text();
    for (const subject of [id, 'frz_8da67569f4b65248be3ea6cb61']) expect(markup).toContain(subject);
    const shown = textOf(markup.replaceAll(/<details[^]*?<\/details>/g, ''));
    expect(shown).toMatch(/text INC-1 .*text .*text ci /);
    expect(shown).not.toMatch(/frz_|01[0-9A-Z]{24}/);
  });

  test('links experiments and canaries, whose IDs look like those of incidents, to their own pages', async () => {
    const id = '01J0000000000000000000000A';
    const { get } = consoleWorld(() => ({
      audit: Object.assign(Object.create(null), {
        list: async () => ({
          items: ['experiment.ended', 'canary.started'].map((kind) => ({ ...entry, id: kind, kind, subject: id })),
          next_cursor: null,
        }),
        check: async () => chain,
      }),
    }));
    const markup = await (await get('/console/audit', { token: 'ada' })).text();
    expect(markup).toContain(`<a href="/console/experiments/${id}">experiment</a>`);
    expect(markup).toContain(`<a href="/console/canaries/${id}">canary</a>`);
    expect(markup).not.toContain(`/console/incidents/${id}`);
  });

  test('is for those who may read all of it, and the link to it as well', async () => {
    const asked: unknown[] = [];
    const entries: (AuditEntry & { sealed: boolean })[] = [
      { ...entry, kind: 'token.created' },
      { ...entry, kind: 'freeze.opened' },
    ];
    const { get } = consoleWorld(() => ({
      audit: Object.assign(Object.create(null), {
        list: async () => ({ items: entries, next_cursor: null }),
        check: async (query: unknown) => (asked.push(query), chain),
      }),
    }));
    expect((await get('/console/audit', { token: 'vera' })).status).toBe(403);
    expect(await (await get('/console/decisions', { token: 'vera' })).text()).not.toContain('"/console/audit"');
    const text = await (await get('/console/audit?text=token&check=all', { token: 'ada' })).text();
    expect(text).toContain('token.created');
    expect(text).not.toContain('freeze.opened');
    expect(text).toContain('"/console/audit"');
    expect(asked).toEqual([{}]);
  });
});
