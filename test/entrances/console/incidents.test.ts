import { beforeEach, describe, expect, test } from 'vitest';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import { IdempotencyTable } from '../../../core/stores/idempotency.ts';
import { keys, shardedLists } from '../../../core/stores/keys.ts';
import { Table } from '../../../core/stores/table.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { put } from '../../../platforms/store.ts';
import { blankIncident } from '../../../core/domain/incidents/new-incident.ts';
import { hasActed } from '../../../entrances/console/pages/incidents/list-filter.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { expectHarmless, HOSTILE, textOf } from '../../support/hostile.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

let console: ReturnType<typeof consoleWorld>;
let number: number;

beforeEach(() => {
  console = consoleWorld(({ store, clock }) => ({ idempotency: new IdempotencyTable(new Table(store), clock) }));
  number = 0;
  console.world.config = Config.parse({
    ...emptyConfig,
    services: {
      checkout: { team: 'payments', environments: { production: {}, staging: {} } },
      search: { team: 'discovery', environments: { production: {} } },
      cart: { environments: {} },
    },
  });
});

/** Stores an incident that opened some seconds ago. */
async function incident(secondsAgo: number, more: Partial<IncidentRecord> = {}): Promise<IncidentRecord> {
  const { world } = console;
  const at = plusSeconds(world.clock.now(), -secondsAgo);
  const record: IncidentRecord = {
    ...blankIncident,
    id: mintIncidentId(at),
    number: (number += 1),
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title: `Failure ${number}`,
    severity: 'critical',
    opened_at: at,
    trace: 'trace',
    ...more,
  };
  await world.store.write([
    put({ ...keys.incident(record.id), ...record, ...shardedLists.incidents.attributes(record.id, record.id) }),
    ...(record.status === 'resolved' ? [] : [put(keys.openIncident(record.id))]),
  ]);
  return record;
}

const resolved = { status: 'resolved', resolved_by: 'ada' } as const;
const suspect = (version: string) => ({
  suspects: [
    {
      change_id: `chg_${'0'.repeat(26)}` as ChangeId,
      version: version as Version,
      confidence: 0.9,
      reasons: ['it began'],
    },
  ],
});

const page = async (query = '', token = 'vera'): Promise<string> =>
  (await console.get(`/console/incidents${query}`, { token })).text();

const numbersIn = (text: string): number[] =>
  [...text.matchAll(/href="\/console\/incidents\/INC-(\d+)"/g)].map(([, digits]) => Number(digits));

const listed = async (query = '', token = 'vera'): Promise<number[]> => numbersIn(await page(query, token));

describe('the list of incidents', () => {
  test('says how incidents come about if there is none', async () => {
    expect(await page()).toContain('No incident is open.');
    expect(await page('?state=all')).toContain('There is none. An incident opens when');
  });

  test('shows open, resolved, or all incidents, newest first', async () => {
    await incident(3 * HOUR, resolved);
    await incident(2 * HOUR);
    await incident(HOUR, { status: 'mitigated' });
    expect(await listed()).toEqual([3, 2]);
    expect(await listed('?state=resolved')).toEqual([1]);
    expect(await listed('?state=all')).toEqual([3, 2, 1]);
    expect(await listed('?state=unknown')).toEqual([3, 2]);
    for (const [query, count] of [
      ['', 2],
      ['?state=all', 3],
      ['?text=mitigated', '0 of 2'],
      ['?state=resolved&text=mitigated', 0],
    ] as const)
      expect(textOf(await page(query))).toContain(`Newest first ${count} `);
  });

  test('says how many of the open ones match, if summaries tell it, also if they are on several pages', async () => {
    for (let n = 0; n < 35; n += 1) await incident(2 * HOUR, { severity: 'warning' });
    await incident(HOUR, { ...suspect('v7') });
    const heading = async (query: string) => /Newest first ?([\w ]*\d)? /.exec(textOf(await page(query)))?.[1];
    expect(await heading('')).toBe('36');
    expect(await heading('?severity=warning')).toBe('35 of 36');
    expect(await heading('?severity=warning&days=1')).toBe('35 of 36');
    expect(await heading('?severity=critical')).toBe('1 of 36');
    expect(await heading('?cause=change')).toBe('1 of 36');
    expect(await heading('?cause=unknown')).toBeUndefined();
    expect(await heading('?severity=warning&state=all')).toBeUndefined();
  });

  test('searches number, title, service, environment, and version, with all words', async () => {
    await incident(3 * HOUR, { title: 'Orders are slow', ...suspect('v42') });
    await incident(2 * HOUR, { service: 'search' as ServiceName, title: 'Errors', ...suspect('v7') });
    for (const [text, numbers] of [
      ['slow', [1]],
      ['SEARCH errors', [2]],
      ['v42', [1]],
      ['inc-2', [2]],
      ['production', [2, 1]],
      ['search slow', []],
    ] as const)
      expect(await listed(`?text=${encodeURIComponent(text)}`)).toEqual(numbers);
    expect(await page('?text=nothing')).toContain('No incident matches.');
  });

  test('filters by team, severity, time, cause, and whether automation acted', async () => {
    const verifying = { verifying: { number: 1 } };
    await incident(10 * DAY, { severity: 'warning', ...verifying });
    await incident(2 * HOUR, { service: 'search' as ServiceName, ...suspect('v7'), ...verifying });
    await incident(HOUR, {
      service: 'several' as ServiceName,
      group_reason: { because: 'shared_dependency', name: 'database', text: 'both need it' },
    });
    const requested = { by: 'ada', at: console.world.clock.now(), from: null, to: null };
    await incident(HOUR / 2, { ...verifying, last_requests: { rollback: requested } });
    for (const [query, numbers] of [
      ['team=payments', [4, 1]],
      ['team=discovery', [2]],
      ['severity=warning', [1]],
      ['days=1', [4, 3, 2]],
      ['days=30', [4, 3, 2, 1]],
      ['cause=change', [2]],
      ['cause=unknown', [4, 1]],
      ['cause=dependency', [3]],
      ['cause=many', []],
      ['automation=acted', [2, 1]],
      ['automation=none', [4, 3]],
      ['automation=acted&days=1', [2]],
      ['team=payments&severity=critical&state=all', [4]],
    ] as const)
      expect([query, await listed(`?${query}`)]).toEqual([query, numbers]);
  });

  test('searches and filters all problems of an incident', async () => {
    const earlier = { at: console.world.clock.now(), judged: 1, verification: 'passed' } as const;
    const over = { earlier_problems: [{ ...earlier, title: 'Orders are slow', ...suspect('v41') }] };
    await incident(3 * HOUR, { ...resolved, ...over, title: 'Errors', ...suspect('v42') });
    await incident(2 * HOUR, { ...resolved, ...over, title: 'Errors' });
    for (const [query, numbers] of [
      ['text=v41', [2, 1]],
      ['text=orders slow', [2, 1]],
      ['text=errors v42', [1]],
      ['cause=change', [2, 1]],
      ['cause=unknown', []],
    ] as const)
      expect([query, await listed(`?state=resolved&${query}`)]).toEqual([query, numbers]);
  });

  test('does not count what a person deployed as an act of automation', () => {
    const byHand = { number: 1, change: `chg_${'1'.repeat(26)}` as ChangeId };
    expect([{ number: 1 }, byHand].map((verifying) => hasActed({ verifying }))).toEqual([true, false]);
  });

  test('keeps the selection in its links and its form', async () => {
    await incident(HOUR);
    const text = await page('?state=all&severity=critical&text=Failure&days=7');
    expect(text).toContain(
      'href="/console/incidents?state=resolved&amp;text=Failure&amp;severity=critical&amp;days=7"',
    );
    expect(text).toContain('<input type="hidden" name="state" value="all" />');
    expect(text).toMatch(/<option value="7" selected\s*>/);
    expect(text).toMatch(/name="text"\s+value="Failure"/);
  });

  test('has pages, also of a filtered list, without leaving one out', async () => {
    for (let n = 0; n < 120; n += 1)
      await incident((200 - n) * 60, { ...resolved, severity: n % 2 === 0 ? 'critical' : 'warning' });
    for (const [query, count] of [
      ['state=all', 120],
      ['state=resolved&severity=warning', 60],
    ] as const) {
      const found: number[] = [];
      for (let next: string | undefined = `?${query}`; next !== undefined;) {
        const text = await page(next);
        expect(numbersIn(text).length).toBeLessThanOrEqual(50);
        found.push(...numbersIn(text));
        next = /href="\/console\/incidents(\?[^"]*)">Older incidents/.exec(text)?.[1]?.replaceAll('&amp;', '&');
      }
      expect(found).toHaveLength(count);
      expect(found).toEqual([...new Set(found)].toSorted((a, b) => b - a));
    }
  });

  test('a search looks through a bounded number of incidents, and then leads on', async () => {
    await incident(30 * DAY, { ...resolved, title: 'The needle' });
    for (let n = 0; n < 2100; n += 1) await incident((3000 - n) * 60, resolved);
    const first = await page('?state=all&text=needle');
    expect(first).toContain('No incident matches in this part of the list.');
    const older = /href="\/console\/incidents(\?[^"]*)">Older incidents/.exec(first)?.[1]?.replaceAll('&amp;', '&');
    expect(await listed(older)).toEqual([1]);
    // A limit of time ends the list without looking at what is older.
    expect(await page('?state=all&text=needle&days=1')).not.toContain('Older incidents');
  });

  test('shows only what the viewer may see', async () => {
    await incident(HOUR);
    await incident(HOUR, { service: 'cart' as ServiceName });
    expect(await listed('?state=all', 'cora')).toEqual([2]);
  });

  test('links an incident that was stored before numbers existed by its ID, and shows hostile texts as text', async () => {
    const { number: _, ...old } = await incident(HOUR, { title: HOSTILE, service: HOSTILE as ServiceName });
    await console.world.store.write([
      put({ ...keys.incident(old.id), ...old, ...shardedLists.incidents.attributes(old.id, old.id) }),
    ]);
    const text = await page();
    expect(text).toContain(`href="/console/incidents/${old.id}"`);
    expectHarmless(/<main[^]*<\/main>/.exec(text)?.[0] ?? '', 2);
  });
});

describe('declaring an incident', () => {
  const signedIn = async (token = 'grace') => {
    const login = await console.post('/login', { token });
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const shown = await (await console.get('/console/declare', { cookie })).text();
    const form_key = /name="form_key" value="([0-9a-f]+)"/.exec(shown)?.[1] ?? '';
    const send = (fields: Record<string, string>) =>
      console.post('/console/declare/actions/declare', { form_key, ...fields }, { cookie });
    return { shown, send };
  };

  test('opens it and leads to it, once for the form of a page', async () => {
    const { shown, send } = await signedIn();
    expect(shown).toMatch(/<option value="checkout" ?>/);
    const fields = { title: 'Customers cannot pay', service: 'checkout', environment: '', severity: 'warning' };
    const answers = [await send(fields), await send(fields)];
    expect(answers.map(({ status, headers }) => [status, headers.get('location')])).toEqual([
      [303, '/console/incidents/INC-1'],
      [303, '/console/incidents/INC-1'],
    ]);
    const id = (await console.world.deps.incidents.withNumber(1)) as IncidentId;
    expect(await console.world.deps.incidents.view(id)).toMatchObject({
      service: 'checkout',
      environment: 'production',
      severity: 'warning',
      title: 'Customers cannot pay',
    });
    const { items } = await console.world.deps.incidents.timeline(id, { limit: 50 });
    expect(items.filter(({ kind }) => kind === 'incident.declared')).toEqual([]);

    const again = await (await signedIn()).send({ ...fields, title: 'Cards fail' });
    const answered = await again.text();
    expect([again.status, textOf(answered).replaceAll(/\s+/g, ' ')]).toEqual([
      200,
      expect.stringContaining('An incident is already open there: INC-1 Customers cannot pay. Your report was added'),
    ]);
    expect(answered).toContain('<a href="/console/incidents/INC-1">');
  });

  test('needs no service; a wrong one keeps the input and says why', async () => {
    const { send } = await signedIn();
    const refused = await send({ title: 'It fails', service: 'chekout', environment: '', severity: 'critical' });
    expect(refused.status).toBe(422);
    const text = await refused.text();
    expect(text).toContain('did you mean');
    expect(text).toMatch(/name="title"\s+value="It fails"/);
    expect((await send({ title: '', service: '', environment: '', severity: 'critical' })).status).toBe(422);
    const wrong = await send({ title: 'It fails', service: 'search', environment: 'moon', severity: 'critical' });
    expect(await wrong.text()).toContain('search has only these environments: production');
    expect((await send({ title: 'It fails', service: '', environment: '', severity: 'critical' })).status).toBe(303);
    expect(await console.world.deps.incidents.open()).toMatchObject([{ service: 'unmatched', title: 'It fails' }]);
  });

  test('is offered only with permission', async () => {
    expect(await page('', 'grace')).toContain('href="/console/declare"');
    expect(await page('', 'vera')).not.toContain('href="/console/declare"');
    expect((await console.get('/console/declare', { token: 'vera' })).status).toBe(403);
  });
});
