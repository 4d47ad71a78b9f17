import { beforeEach, describe, expect, test } from 'vitest';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import { keys, shardedLists } from '../../../core/stores/keys.ts';
import { blankIncident } from '../../../core/domain/incidents/new-incident.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import { clear } from '../../core/arbitraries.ts';
import { put } from '../../../platforms/store.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { textOf } from '../../support/hostile.ts';

let console: ReturnType<typeof consoleWorld>;
let number: number;

beforeEach(() => {
  console = consoleWorld();
  number = 0;
});

/** Stores an incident that opened some minutes ago. */
async function incident(more: Partial<IncidentRecord> = {}, minutesAgo = 60): Promise<IncidentRecord> {
  const { world } = console;
  const at = plusSeconds(world.clock.now(), -minutesAgo * 60 + number);
  const record: IncidentRecord = {
    ...blankIncident,
    id: mintIncidentId(at),
    number: (number += 1),
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title: `Failure ${number}`,
    severity: 'critical',
    opened_at: at,
    mitigations: 1,
    trace: 'trace',
    ...more,
  };
  await world.store.write([
    put({ ...keys.incident(record.id), ...record, ...shardedLists.incidents.attributes(record.id, record.id) }),
    put({ ...keys.incidentNumber(number), incident_id: record.id }),
    ...(record.status === 'resolved' ? [] : [put(keys.openIncident(record.id))]),
  ]);
  return record;
}

const page = async (path = '/console', sent: Parameters<typeof console.get>[1] = { token: 'ada' }): Promise<string> =>
  (await console.get(path, sent)).text();

/** Returns the text of a part of a page. */
const part = (text: string, id: string): string =>
  textOf(new RegExp(`<(section|p)[^>]* id="${id}"[^]*?</\\1>`).exec(text)?.[0] ?? '');

const numbersIn = (text: string): number[] =>
  [...text.matchAll(/href="\/console\/incidents\/INC-(\d+)"/g)].map(([, digits]) => Number(digits));

const acknowledged = () => ({
  pages: 1,
  handling: { acknowledged: { by: 'ada', at: console.world.clock.now(), page: 1 } },
});

describe('the page Now', () => {
  test('separates what needs a person, what is in progress, and what is handled', async () => {
    await incident({ pages: 1, paged: 1, title: 'Paged' });
    await incident({ ...acknowledged(), title: 'Acknowledged' });
    await incident({ status: 'mitigated', verification: 'passed', title: 'Mitigated' });
    const at = console.world.clock.now();
    await incident({ status: 'resolved', resolved_at: at, resolved_by: 'ada', title: 'Resolved', pages: 1, paged: 1 });
    const text = await page();
    expect(text).toContain('<title>(1) Now · Firebreak</title>');
    expect(part(text, 'needs')).toMatch(/Needs you 1 Nobody has acknowledged it 1 .*Paged/s);
    expect(part(text, 'in-progress')).toMatch(/In progress 1 .*Acknowledged.*acknowledged by ada/s);
    expect(part(text, 'handled')).toMatch(/Handled 2 .*Mitigated.*Resolved.*1 opened and closed in the last 24 hours/s);
    expect(part(text, 'day')).toMatch(/4 incidents opened, automation acted in none, 2 pages sent/);
  });

  test('says of an incident that closed without a proof of recovery that it closed', async () => {
    const over = { status: 'resolved', resolved_at: console.world.clock.now() } as const;
    await incident({ ...over, resolved_by: 'firebreak:quiet', closed_as: 'unverified' });
    const handled = part(await page(), 'handled');
    expect(handled).toMatch(/closed, not verified\s+closed under a minute ago/);
    expect(handled).toContain('1 opened and closed in the last 24 hours');
  });

  test('says of an incident that a person reopened that nothing else did', async () => {
    const at = console.world.clock.now();
    await incident({
      reopened_at: at,
      reopened_by: 'person:ada',
      new_onset: { at, recovered_at: at, seq: 1, judged: 1 },
    });
    expect(textOf(await page())).toContain('open: reopened by a person');
  });

  test('collapses equal reasons, and links to all of them', async () => {
    for (let n = 0; n < 12; n += 1) await incident({ pages: 1 });
    const text = await page();
    expect(numbersIn(text)).toEqual([12, 11, 10]);
    const all = /href="([^"]+)">All 12</.exec(text)?.[1] ?? expect.unreachable();
    expect(all).toBe('/console/incidents?attention=unacknowledged');
    expect(new Set(numbersIn(await page(all))).size).toBe(12);
    expect(numbersIn(await page('/console/incidents?attention=handled'))).toEqual([]);
    const resolved = await page('/console/incidents?state=resolved&attention=handled');
    expect(resolved).toMatch(
      /Only open incidents need something\.\s+<a href="\/console\/incidents\?attention=handled"/,
    );
  });

  test('counts a group by its members, and links to them', async () => {
    const group = await incident({
      pages: 1,
      group_reason: { because: 'many', name: '', text: 'many services fail at once' },
    });
    for (let n = 0; n < 4; n += 1) await incident({ parent_id: group.id, pages: 1 });
    const text = await page();
    expect(part(text, 'needs')).not.toMatch(/alerts? fires?/); // its members can be declared by hand
    expect(part(text, 'needs')).toMatch(/Needs you 4 .*4 open incidents in this group.*many services fail at once/s);
    expect(text).toContain('href="/console/incidents?group=INC-1"');
    expect(numbersIn(await page('/console/incidents?group=INC-1'))).toEqual([1, 5, 4, 3, 2]); // it names the group
    expect(numbersIn(await page('/console/incidents?attention=unacknowledged'))).toEqual([5, 4, 3, 2, 1]);
    expect(numbersIn(await page('/console/incidents?group=INC-99'))).toEqual([]);
  });

  test('leads to a list that names its group, and to the list of all', async () => {
    const { id } = await incident({ group_reason: { because: 'many', name: '', text: 'many services fail at once' } });
    await incident({ parent_id: id });
    const list = (group: string) => page(`/console/incidents?severity=critical&group=${group}`);
    for (const group of ['INC-1', id])
      expect(textOf(await list(group))).toMatch(/Newest first 1 of 2 Only members of the group INC-1\s?\. Show all/);
    for (const group of ['INC-2', 'INC-99', 'x'])
      expect(textOf(await list(group))).toContain(`Newest first 0 of 2 There is no group “${group}”. Show all`);
    expect(await list('INC-1')).toContain('href="/console/incidents?severity=critical"');
  });

  test('shows a question that waits, as the list and the icon of each page do', async () => {
    const { id } = await incident({ ...acknowledged() });
    const question = {
      serviceEnvironment: { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName },
    };
    await console.world.deps.decisions.ask(id, 1, {
      ...question,
      text: 'Is the queue empty',
      reasons: [],
      people: null,
      approvals: 1,
      inputs: {} as never,
    });
    await console.world.deps.decisions.await(id, 1, 'callback');
    const text = await page();
    expect(part(text, 'needs')).toMatch(
      /Waits for approval 1 .*Needs approval: Is the queue empty\? Approve or reject\. Answer/s,
    );
    expect(part(text, 'needs').match(/Is the queue empty/g)).toHaveLength(1);
    for (const path of ['/console', '/console/incidents', '/console/incidents?state=resolved', '/console/services'])
      expect(await page(path)).toContain('/assets/icon-asks.');
    expect(await page('/console/services', { token: 'cora' })).not.toContain('/assets/icon-asks.');
    expect(part(await page('/console/incidents'), 'incidents')).toContain('needs approval');
    await console.world.deps.decisions.expire(id, 1);
    for (const path of ['/console', '/console/services']) expect(await page(path)).not.toContain('/assets/icon-asks.');
    expect(part(await page('/console/incidents'), 'incidents')).not.toContain('needs approval');
    expect(part(await page(), 'in-progress')).toContain('Failure 1');
  });

  test('does not say that no change is the cause above the rollback that it suggests', async () => {
    const { world } = console;
    const { id } = await incident({ pages: 1 });
    const inputs = clear({ policy: { mode: 'suggest' } });
    await world.deps.decisions.keep(id, 1, decide(inputs), inputs);
    const cause = async () => /Cause (.*) Automation (.*)$/.exec(part(await page(), 'needs'))?.slice(1);
    await world.store.editIncident(id, { suspects: [] });
    expect(await cause()).toEqual([
      'no known change is a probable cause',
      expect.stringMatching(/^Consider whether to roll checkout in production back /),
    ]);
  });

  test('counts and shows only what the viewer may see', async () => {
    await incident({ pages: 1 });
    await incident({ pages: 1, service: 'cart' as ServiceName });
    expect(part(await page('/console', { token: 'cora' }), 'needs')).toMatch(/Needs you 1 .*cart/s);
  });
});

describe('the first steps', () => {
  const steps = async (sent?: Parameters<typeof console.get>[1]): Promise<string[]> =>
    [...part(await page('/console', sent), 'first-run').matchAll(/([✓○]) ([^:]+):/g)].map(
      ([, mark, title]) => `${mark} ${title}`,
    );

  test('tick themselves', async () => {
    expect(await steps()).toEqual([
      '○ Alerts arrive',
      '○ A deploy is recorded',
      '○ The rollback of a service is proved',
      '○ A page was tested',
    ]);
    const place = { service: 'checkout', environment: 'production' };
    await console.world.deps.changes.record(NewChange.parse({ ...place, version: 'v1' }));
    await incident({ signal_count: 1, ...acknowledged(), status: 'resolved' });
    expect(await steps()).toEqual([
      '✓ Alerts arrive',
      '✓ A deploy is recorded',
      '○ The rollback of a service is proved',
      '✓ A page was tested',
    ]);
  });

  test('stay done however many incidents follow, and are not done by a group of declared ones', async () => {
    const group_reason = { because: 'many', name: '', text: 'many services fail at once' } as const;
    await incident({ group_reason, signal_count: 30 });
    expect(await steps()).toContain('○ Alerts arrive');
    await incident({ signal_count: 1, ...acknowledged(), status: 'resolved' });
    for (let n = 0; n < 30; n += 1) await incident({ by_hand: true, signal_count: 0 });
    expect(await steps()).toEqual(expect.arrayContaining(['✓ Alerts arrive', '✓ A page was tested']));
  });

  test('include the example where the sandbox runs, for a browser on the same machine', async () => {
    console = consoleWorld(() => ({ standIns: { none: false, at: () => true } }));
    expect(await page()).not.toContain('/sandbox');
    const here = await page('/console', { token: 'ada', host: '127.0.0.1:8080' });
    expect(part(here, 'first-run')).toContain('○ Automation has acted');
    expect(here.match(/href="\/sandbox"/g)).toHaveLength(2);
  });

  test('disappear when all are done, or when a person hides them in this browser', async () => {
    const login = await console.post('/login', { token: 'ada' });
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const form_key = /name="form_key" value="([0-9a-f]+)"/.exec(await page('/console', { cookie }))?.[1] ?? '';
    const hidden = await console.post('/console/actions/hide-first-run', { form_key }, { cookie });
    expect([hidden.status, hidden.headers.get('location')]).toEqual([303, '/console']);
    const also = hidden.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    expect(await steps({ cookie: `${cookie}; ${also}` })).toEqual([]);
    expect(await steps({ cookie })).not.toEqual([]);
  });
});

describe('the documentation', () => {
  test('is part of the console, with links between its pages', async () => {
    expect(await page()).toContain('href="/console/docs/index">Docs</a>');
    const index = await page('/console/docs/index');
    const addresses = new Set([...index.matchAll(/href="(\/console\/docs\/[^"]+)"/g)].map(([, href = '']) => href));
    expect(addresses.size).toBeGreaterThan(50);
    for (const address of addresses)
      expect([address, (await console.get(address, { token: 'vera' })).status]).toEqual([address, 200]);
  });

  test.each(['../package', 'how-to.nothing', '..%2f..%2fpackage', 'how-to..aws'])('has no page %s', async (name) => {
    expect((await console.get(`/console/docs/${name}`, { token: 'vera' })).status).toBe(404);
  });
});
