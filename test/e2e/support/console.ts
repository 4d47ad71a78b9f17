import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../../../schemas/people/people.ts';
import { Browser, type Eyes, haveBrowser, type Page } from '../../support/browser.ts';
import { ADMIN_TOKEN, EACH_ALONE, eventually, Firebreak, INGEST_TOKEN } from '../../support/firebreak.ts';

const MARKUP = '<img src=x onerror=alert(1)>';

const place = (mode: string) => ({
  deployer: { kind: 'http' },
  autoRollback: { mode, unknownMigration: 'act', approvalTimeoutMinutes: 1440 },
});

const services = {
  checkout: { team: 'payments', environments: { production: place('approve') } },
  search: { environments: { production: place('shadow') } },
  cart: { environments: { production: place('approve') } },
  basket: { environments: { production: { canary: { traffic: { kind: 'http' } } } } },
  /** With an experiment that runs during all tests. */
  stock: { environments: { production: { experiments: { maxMinutes: 1440 } } } },
  /** Of one test alone: another one's open incident would be joined. */
  returns: { environments: { production: {} } },
};

/** Of a service that no other test uses: an objective is also a health query. */
const SLO = `apiVersion: openslo/v1
kind: SLO
metadata: { name: archive-availability }
spec:
  service: archive
  indicator:
    spec:
      ratioMetric:
        bad: { metricSource: { type: Prometheus, spec: { query: 'sum(rate(r{service="archive",code="500"}[{{.window}}]))' } } }
        total: { metricSource: { type: Prometheus, spec: { query: 'sum(rate(r{service="archive"}[{{.window}}]))' } } }
  timeWindow: [{ duration: 28d, isRolling: true }]
  budgetingMethod: Occurrences
  objectives: [{ target: 0.999 }]
`;

const NOWHERE = '/console/nowhere';

const RUNBOOK = `---
title: Drain by hand
match: { runbook: drain }
inputs:
  queue: { required: true, description: Name of the queue }
  hard: { type: boolean, default: false }
steps:
  - id: say
    uses: note
    with: { text: 'Draining \${{ inputs.queue }}' }
  - id: ask
    uses: approve
    with: { text: 'Is the queue empty?' }
    timeout: 4h
---
# Drain by hand

## What this means

1. Look at the **queue**: \`queue_depth\`.
   - Is it ${MARKUP}?

| Queue | Owner |
|---|---|
| orders | payments |
`;

const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

/** Ways to look at a page, by name: colors, and size of the screen. */
const EYES = {
  'in light': {},
  'in dark': { dark: true },
  'on a phone': { width: 390, height: 844 },
  'on a dark phone': { width: 390, height: 844, dark: true },
} satisfies Record<string, Partial<Eyes>>;

export type Look = keyof typeof EYES;

/** Returns how many rows the longest navigation has, and the current links that are out of sight. */
/** IDs that several elements have: a script, or a link to a part of the page, would find the wrong one. */
const REPEATED_IDS = `[...document.querySelectorAll('[id]')].map(({ id }) => id).filter((id, n, all) => all.indexOf(id) !== n)`;

/** Spans of time that break across lines, such as `in 23` and `min`. */
const BROKEN_TIMES = `[...document.querySelectorAll('main time:not(.clock)')]
  .filter((time) => /\\d/.test(time.textContent) && time.getClientRects().length > 1)
  .map((time) => time.textContent)`;

const NAVIGATION = `(() => {
  const navigations = [...document.querySelectorAll('.top nav')];
  const rows = navigations.map((one) => new Set([...one.children].map((link) => link.offsetTop)).size);
  const isHidden = ({ left, right }) => left < 0 || right > innerWidth;
  const current = document.querySelectorAll('.top nav [aria-current]');
  const hidden = [...current].filter((link) => isHidden(link.getBoundingClientRect())).map((link) => link.textContent);
  return { rows: Math.max(1, ...rows), hidden };
})()`;

export const LOOKS = Object.keys(EYES) as Look[];

/**
 * Declares tests that use the console in a browser, then look at each of its pages.
 *
 * @param looks how to look at each page
 * @param atNight how to look at the pages that a responder opens at night, with whatever is at hand
 */
export function testConsole(looks: readonly Look[], atNight: readonly Look[]): void {
  describe.runIf(haveBrowser())('the console in a browser', () => {
    let firebreak: Firebreak;
    let browser: Browser;
    let page: Page;
    let id: string;
    let asked: string;
    let inputPath: string;
    let planPath: string;
    let runPath: string;
    let postmortemPath: string;
    let canaryId: string;
    let experimentId: string;
    const metrics = createServer((_, response) => void response.end(JSON.stringify({ value: 0.001 })));

    const open = (path: string, eyes: Partial<Eyes> = {}) =>
      browser.open(`${firebreak.url}${path}`, { width: 1400, height: 1000, ...eyes });

    /** Waits until a part of the page has this text. */
    const reads = (selector: string, pattern: RegExp, where: Page = page): Promise<string> =>
      eventually(async () => {
        const text = await where.text(selector);
        if (text === undefined || !pattern.test(text)) throw new Error(`${selector} reads: ${text}`);
        return text;
      }, `${selector} reads like ${pattern}`);

    const signIn = async (token: string, where: Page): Promise<void> => {
      await reads('h1', /Sign in/, where);
      await eventually(async () => {
        await where.evaluate('document.querySelector("#token").select()');
        await where.type(token);
        return where.evaluate<boolean>(
          `document.readyState === 'complete' && document.querySelector('#token').value === ${JSON.stringify(token)}`,
        );
      }, 'the token in its field');
      await where.press('Enter');
      await reads('.person summary', /./, where);
    };

    const deploy = (service: string, version: string, minutes: number) =>
      firebreak.post('/v1/deployments', {
        service,
        environment: 'production',
        version,
        started_at: minutesAgo(minutes),
        finished_at: minutesAgo(minutes - 1),
        author: MARKUP,
        has_migration: false,
      });

    const alert = async (service: string, title: string): Promise<void> => {
      const { status } = await firebreak.post('/v1/alerts/generic', {
        service,
        environment: 'production',
        severity: 'critical',
        status: 'firing',
        title,
        dedup_key: title,
        labels: { action: 'auto-rollback' },
      });
      expect(status).toBe(202);
    };

    const token = async (name: string, actions: readonly string[]): Promise<string> =>
      (await firebreak.post('/v1/tokens', { name, actions })).body.token;

    /** Starts an experiment that explains an alert. */
    const experiment = async (): Promise<string> => {
      const { status, body } = await firebreak.post('/v1/experiments', {
        name: `lose a pod ${MARKUP}`,
        scope: [{ service: 'stock', environment: 'production' }],
        hypothesis: 'Stock survives the loss of one pod',
        checks: [{ name: 'errors', metric: 'errors', min: 0, max: 0.02, abort_above: 0.2 }],
        status: 'running',
        duration_seconds: 24 * 3600,
        interval_seconds: 60,
      });
      expect(status).toBe(202);
      await eventually(
        async () => (await firebreak.get(`/v1/experiments/${body.id}`)).body.status === 'running',
        'the running experiment',
      );
      await alert('stock', `Stock lacks a pod ${MARKUP}`);
      await eventually(
        async () => (await firebreak.get(`/v1/experiments/${body.id}`)).body.alerts.length === 1,
        'the expected alert',
      );
      return body.id;
    };

    beforeAll(async () => {
      metrics.listen(0, '127.0.0.1');
      await once(metrics, 'listening');
      const { port } = metrics.address() as AddressInfo;
      const judge = { metrics: [{ name: 'errors', kind: 'http', url: `http://127.0.0.1:${port}/`, value: '/value' }] };
      const { production } = services.stock.environments;
      const stock = { environments: { production: { ...production, judge } } };
      [firebreak, browser] = await Promise.all([
        Firebreak.start({
          services: { ...services, stock },
          timeScale: 60,
          configFiles: { ...EACH_ALONE, 'slos/archive.yaml': SLO },
          runbooks: { 'drain.md': RUNBOOK },
          env: { FIREBREAK_PUBLIC_URL: 'https://firebreak.test' },
        }),
        Browser.start(),
      ]);
      const canary = { service: 'basket', environment: 'production', version: 'v2', stable_version: 'v1' };
      canaryId = (await firebreak.post('/v1/canaries', canary)).body.id;
      experimentId = await experiment();
      await deploy('checkout', 'v17', 300);
      await deploy('checkout', 'v18', 8);
      page = await open('/');
      await signIn(ADMIN_TOKEN, page);
    });

    afterAll(async () => {
      await browser?.stop();
      await firebreak?.remove();
      metrics.close();
      metrics.closeAllConnections();
    });

    test('the first page is empty after the login, and live', async () => {
      expect(await page.evaluate('location.pathname')).toBe('/console');
      await reads('#needs', /No incident is open/);
      await reads('#live', /^Live$/);
      await reads('#automation', /Automation is on, with the mode of each service\.\s+Change\s+approve 2\s+shadow 1/);
    });

    test('an incident appears by itself, with its probable cause and what automation does', async () => {
      await alert('checkout', 'checkout answers with errors');
      await reads('#needs', /checkout production\s*·?\s*checkout answers with errors/);
      await reads('#needs', /Needs approval: Roll checkout in production back from v18 to v17\?/);
      await reads('#needs', /Probable cause\s+v18\s+confidence\s+\d+ %/);
      await eventually(
        () => page.evaluate<boolean>(`document.title === '(1) Now · Firebreak'`),
        'the title counts incidents',
      );
    });

    test('a click on it leads to what it needs', async () => {
      await page.click('#needs .question a');
      await reads('#questions', /Roll checkout in production back from v18 to v17\?/);
      id = await page.evaluate<string>('location.pathname.split("/").at(-1)');
      await reads('#suspects', /v18\s+confidence\s+\d+ %/);
      // Stays open on the pages after this one. An update between press and release takes a click away.
      await eventually(async () => {
        if (await page.evaluate<boolean>(`document.querySelector('#more-details').open`)) return true;
        await page.click('#more-details > summary');
        return false;
      }, 'the details are open');
      await reads(
        '#decisions',
        /Roll checkout in production back from v18 to v17\? Approve or reject by[^]*Probable cause: v18[^]*Asks because /,
      );
      await reads('#effects', /page\s+pagerduty[^]*done[^]*PagerDuty answered 202/);
      await reads('#timeline', /Opened: checkout answers with errors/);
    });

    test('what a responder does first needs no scrolling on a laptop, also beside a question', async () => {
      const laptop = await open(`/console/incidents/${id}`, { width: 1366, height: 768 });
      await reads('#questions', /Roll checkout in production back/, laptop);
      const below = `['#do-acknowledge', '#do-take-command', '[id^="approve-"]'].filter(
        (one) => document.querySelector(one).getBoundingClientRect().bottom > innerHeight)`;
      expect(await laptop.evaluate(below)).toEqual([]);
      await laptop.close();
    });

    test('on a phone, the question and what is being done come before the other actions', async () => {
      const phone = await open(`/console/incidents/${id}`, { width: 390, height: 844 });
      await reads('#questions', /Roll checkout in production back/, phone);
      const order = `['questions', 'doing', 'people', 'actions', 'alerts'].toSorted((a, b) =>
        document.getElementById(a).getBoundingClientRect().top - document.getElementById(b).getBoundingClientRect().top)`;
      expect(await phone.evaluate(order)).toEqual(['questions', 'doing', 'people', 'actions', 'alerts']);
      await phone.close();
    });

    test('a viewer sees the same without buttons, and no update says more', async () => {
      const other = await Browser.start();
      try {
        const secret = await token('vera', ROLES.viewer.actions);
        const theirs = await other.open(`${firebreak.url}/console/incidents/${id}`, { width: 1400, height: 1000 });
        await signIn(secret, theirs);
        expect(await theirs.evaluate('location.pathname')).toBe(`/console/incidents/${id}`);
        await reads('#questions', /You don't have permission to answer/, theirs);
        await reads('#live', /^Live$/, theirs);
        expect(await theirs.evaluate('document.querySelectorAll("main form[method=post]").length')).toBe(0);
        expect(theirs.problems).toEqual([]);
      } finally {
        await other.stop();
      }
    });

    test('text that a person writes survives updates', async () => {
      await page.click('#open-note');
      await page.click('#note-text');
      await page.type(`Looked at ${MARKUP}`);
      await firebreak.post(`/v1/incidents/${id}/timeline`, { text: 'from elsewhere' });
      await reads('#timeline', /from elsewhere/);
      expect(await page.evaluate('document.querySelector("#note-text").value')).toBe(`Looked at ${MARKUP}`);
      await page.click('#do-note');
      await reads('.notice', /Note added/);
      await reads('#timeline', /Looked at <img src=x onerror=alert\(1\)>/);
      expect(await page.evaluate('location.search')).toBe('');
    });

    test('an approval by button rolls back, which the page shows without a reload', async () => {
      await page.click('[id^="approve-"]');
      await reads('.notice', /Approved/);
      await reads('#effects', /Rollback[^]*done[^]*Rolled back to v17/);
      await reads('#decisions', /approved by admin/);
      await reads('#summary', /mitigated/);
      expect((await firebreak.get(`/v1/incidents/${id}`)).body.decisions).toMatchObject([{ state: 'approved' }]);
    });

    test('what others do changes the actions of an open page', async () => {
      const declared = (
        await firebreak.post('/v1/incidents', {
          service: 'gifts',
          environment: 'production',
          severity: 'warning',
          title: 'Gifts',
        })
      ).body.id as string;
      const other = await open(`/console/incidents/${declared}`);
      await reads('#summary', /Acknowledge\b/, other);
      await reads('#live', /^Live/, other);
      await firebreak.post(`/v1/incidents/${declared}/actions/acknowledge`, {});
      await reads('#summary', /^(?!.*Acknowledge\b)/s, other);
      await firebreak.post(`/v1/incidents/${declared}/actions/resolve`, {});
      await reads('#actions', /Reopen/, other);
      await other.close();
    });

    test('without JavaScript, everything can be read, filtered, and done', async () => {
      await alert('search', `search is slow ${MARKUP}`);
      // Before its page, a new incident is in progress, and a page without scripts does not update.
      const still = await eventually(async () => {
        const opened = await open('/console', { scripts: false });
        if (/search is slow <img/.test(await reads('#needs', /./, opened))) return opened;
        await opened.close();
        return undefined;
      }, 'the new incident, which needs a person');
      expect(await still.text('#live')).toBe('');
      await still.click('#needs h4 a');
      await reads('h1', /search is slow <img/, still);
      await reads('#timeline', /Opened/, still);
      await still.click('.filters a:nth-child(4)');
      await eventually(() => still.evaluate<boolean>(`location.search === '?kind=pages'`), 'the filter');
      await eventually(
        async () => /^(?!.*Opened)/s.test((await still.text('#timeline')) ?? 'Opened'),
        'other entries only',
      );
      await still.click('#do-acknowledge');
      await reads('.notice', /Acknowledged/, still);
      await still.close();
    });

    test('a link in a message leads a person with a phone to the question, and nobody approves by opening it', async () => {
      await deploy('cart', 'v4', 300);
      await deploy('cart', 'v5', 8);
      await alert('cart', 'cart answers with errors');
      asked = await eventually(async () => {
        const bodies = (await firebreak.calls('slack')).map(({ body }) =>
          new URLSearchParams(String(body)).get('blocks'),
        );
        const shown = bodies.filter((blocks) => blocks?.includes('cart')).join('\n');
        const found = [...shown.matchAll(/https:\/\/firebreak\.test(\/console\/approve\/[\w.-]+)/g)].map(
          ([, one]) => one,
        );
        return found.at(-1) ?? Promise.reject(new Error('Slack shows no link to the question'));
      }, 'the summary in Slack with the link');
      const phone = await Browser.start();
      try {
        const eyes = { width: 390, height: 844 };
        for (const method of ['GET', 'HEAD'])
          await fetch(firebreak.url + asked, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
        const theirs = await phone.open(firebreak.url + asked, eyes);
        await signIn(await token('ann', ROLES.approver.actions), theirs);
        await reads('h1', /Roll cart in production back from v5 to v4\?/, theirs);
        await reads('#question', /v5\s+→\s+v4[^]*The question ends in/, theirs);
        await reads('#evidence', /v5\s+confidence\s+\d+ %/, theirs);
        await theirs.click('[id^="approve-"]');
        await reads('.notice', /Approved/, theirs);
        await reads('#question', /This question is closed: approved by ann[^]*Done: Rolled back to v4/, theirs);
        expect(theirs.problems).toEqual([]);
      } finally {
        await phone.stop();
      }
    });

    test('an input that was refused is found in the inbox, and replayed by a button', async () => {
      const refused = await fetch(`${firebreak.url}/v1/alerts/generic`, {
        method: 'POST',
        headers: { authorization: `Bearer ${INGEST_TOKEN}`, 'content-type': 'text/plain' },
        body: JSON.stringify({
          service: 'ledger',
          environment: 'production',
          severity: 'critical',
          status: 'firing',
          title: MARKUP,
          dedup_key: 'ledger',
        }),
      });
      expect(refused.status).toBe(415);
      const other = await open('/console/inbox');
      await reads('#quarantine', /generic\s*waiting[^]*content type is text\/plain/, other);
      await other.click('#quarantine h3 a');
      await reads('#body', /"title": "<img src=x onerror=alert\(1\)>"/, other);
      await other.click('[id^="replay-"]');
      await reads('.notice', /Replayed: 1 accepted/, other);
      await reads('#input', /Replayed\s+\S.* ago/, other);
      await eventually(
        async () => (await firebreak.get('/v1/incidents?service=unmatched')).body.items.length === 1,
        'the incident of the replayed alert',
      );
      inputPath = await other.evaluate<string>('location.pathname');
      await other.close();
      const inbox = await open('/console/inbox');
      await reads('#unmatched', /ledger\s+production[^]*Add the service ledger to services\.yaml/, inbox);
      await inbox.close();
    });

    test('a runbook is started by hand: first its plan, then its run, step by step', async () => {
      const other = await open('/console/runbooks');
      await reads('#runbooks', /Drain by hand/, other);
      await other.click('#runbooks a');
      await reads('#text', /What this means[^]*Is it <img src=x onerror=alert\(1\)>\?/, other);
      await other.click('#service');
      await other.type('search');
      await other.click('#input-queue');
      await other.type('orders');
      await other.click('#do-plan');
      await reads('#plan', /In search production[^]*Draining orders[^]*Asks a person for approval/, other);
      planPath = await other.evaluate<string>('location.pathname + location.search');
      await other.click('#do-start');
      await reads('.notice', /Started\./, other);
      await other.click('.notice a');
      await reads('#steps', /say[^]*done[^]*ask[^]*waits for approval/, other);
      await reads('#summary', /A step waits for approval[^]*by admin[^]*queue: orders/, other);
      runPath = await other.evaluate<string>('location.pathname');
      expect(other.problems).toEqual([]);
      await other.close();
    });

    test('the palette finds an incident, and leads to it with the keyboard alone', async () => {
      const other = await open('/console/services');
      await reads('#live', /^Live$/, other);
      const types = (key: string, more = '') =>
        other.evaluate(
          `document.body.dispatchEvent(new KeyboardEvent('keydown', { key: ${JSON.stringify(key)}, bubbles: true, ${more} }))`,
        );
      await types('k', 'ctrlKey: true');
      await reads('#palette .results', /Declare an incident/, other);
      const { number } = (await firebreak.get(`/v1/incidents/${id}`)).body;
      await other.type(`inc-${number}`);
      await reads('#palette .results', new RegExp(`^incident\\s+INC-${number} [^]*$`), other);
      await other.press('Enter');
      await reads('h1', new RegExp(`^INC-${number} `), other);
      expect(await other.evaluate('location.pathname')).toBe(`/console/incidents/INC-${number}`);
      await reads('#live', /^Live$/, other);
      await types('g');
      await types('s');
      await reads('h1', /^Services$/, other);
      await types('?');
      await reads('#help', /Ctrl\s*K\s+Find[^]*g\s*i\s+Incidents/, other);
      expect(other.problems).toEqual([]);
      await other.close();
    });

    test('times are shown in the time zone of the browser on demand, and the icon says that a question waits', async () => {
      const other = await open(`/console/incidents/${id}`);
      await reads('#live', /^Live$/, other);
      const first = `document.querySelector('#summary time.clock')`;
      expect(await other.evaluate(`${first}.title`)).toMatch(/^[\d-]+ [\d:]+ UTC\n[\d-]+ [\d:]+ \S+$/);
      expect(await other.text('#zone')).toBe('All times are UTC.');
      await other.click('#show-times');
      await reads('#zone', /^Times are in \S+\.$/, other);
      const local = await other.evaluate<string>(`${first}.textContent`);
      expect(await other.evaluate(`${first}.title.split('\\n')[1].includes(${JSON.stringify(local)})`)).toBe(true);
      await other.click('#show-times');
      await reads('#zone', /^All times are UTC\.$/, other);
      const icon = `document.querySelector('link[rel=icon]').getAttribute('href')`;
      const { items } = (await firebreak.get('/v1/incidents')).body;
      const waits = items.some(
        ({ status, automation_paused: isPaused, decisions }: any) =>
          status !== 'resolved' && !isPaused && decisions.some(({ state }: any) => state === 'waiting'),
      );
      expect(await other.evaluate(icon)).toMatch(waits ? /icon-asks/ : /icon\./);
      await other.close();
    });

    test('all of it can be reached with the keyboard alone', async () => {
      const other = await open(`/console/incidents/${id}`);
      await reads('#timeline', /Opened/, other);
      const reached: string[] = [];
      for (let n = 0; n < 40; n += 1) {
        await other.press('Tab');
        reached.push(
          await other.evaluate(`(({ activeElement: it }) => it.id || it.textContent.trim() || it.name)(document)`),
        );
      }
      expect(reached[0]).toBe('Skip to the content');
      for (const stop of ['Now', 'admin', 'open-severity', 'open-note', 'open-resolve', 'text', 'Filter', 'People'])
        expect(reached).toContain(stop);
      await other.close();
    });

    test('the settings show what the last check of the connections has found', async () => {
      const { vendors } = (await firebreak.get('/v1/connections')).body as {
        vendors: { name: string; detail: string }[];
      };
      const other = await open('/console/settings');
      const [{ name, detail } = expect.unreachable()] = vendors;
      const finding = `${RegExp.escape(name)}[^]*${RegExp.escape(detail)}`;
      await reads('#connections', /Checked .* ago by admin: .*\d+ to check/, other);
      await other.click('#more-findings > summary');
      await reads('#connections', new RegExp(finding), other);
      await other.close();
    });

    test('the post-mortem of a resolved incident has its action items', async () => {
      const title = `Returns are slow ${MARKUP}`;
      const body = { service: 'returns', environment: 'production', severity: 'warning', title };
      const declared = (await firebreak.post('/v1/incidents', body)).body.id as string;
      await firebreak.resolve(declared);
      postmortemPath = `/console/incidents/${declared}/postmortem`;
      const other = await open(postmortemPath);
      await reads('#state', /State\s*not started/, other);
      await other.click('#do-draft');
      await reads('.notice', /The post-mortem is a draft/, other);
      await reads('#text', /Returns are slow <img src=x onerror=alert\(1\)>/, other);
      expect(await other.evaluate('document.querySelectorAll("img, [onerror]").length')).toBe(0);
      await other.close();
    });

    test('an experiment shows its measurements, and the alert that it explains has no incident', async () => {
      const other = await open(`/console/experiments/${experimentId}`);
      await reads('#alerts', /Stock lacks a pod[^]*critical[^]*stock production[^]*kept quiet[^]*none/, other);
      await reads('#numbers', /errors\s+0 to 0.02[^]*during\s+\d+\s+0\s+0\s+0.001/, other);
      await other.close();
      const inbox = await open('/console/inbox');
      await reads('#expected', /Stock lacks a pod[^]*all alerts of the scope are expected/, inbox);
      await inbox.click('#expected a[href^="/console/experiments/"]');
      await reads('h1', /^lose a pod <img src=x onerror=alert\(1\)>$/, inbox);
      expect(await inbox.evaluate('document.querySelectorAll("img, [onerror]").length')).toBe(0);
      await inbox.close();
    });

    const paths: [name: string, path: () => string, atNight?: true][] = [
      ['the login', () => '/login', true],
      ['Now', () => '/console', true],
      ['an incident', () => `/console/incidents/${id}`, true],
      ['Incidents', () => '/console/incidents?state=all'],
      ['Automation', () => '/console/automation'],
      ['finding', () => '/console/find?text=checkout'],
      ['Post-mortems', () => '/console/postmortems'],
      ['declaring an incident', () => '/console/declare'],
      ['Services', () => '/console/services'],
      ['a service', () => '/console/services/checkout'],
      ['SLOs', () => '/console/slos'],
      ['an SLO', () => '/console/slos/archive-availability'],
      ['Canaries', () => '/console/canaries'],
      ['a canary', () => `/console/canaries/${canaryId}`],
      ['Experiments', () => '/console/experiments'],
      ['an experiment', () => `/console/experiments/${experimentId}`],
      ['Freezes', () => '/console/freezes'],
      ['Delivery', () => '/console/delivery?figure=time_to_restore'],
      ['Pipelines', () => '/console/delivery/pipelines'],
      ['the pipelines of a service', () => '/console/delivery/pipelines?service=checkout'],
      ['Runbooks', () => '/console/runbooks'],
      ['a runbook with its plan', () => planPath],
      ['a run', () => runPath],
      ['the weekly digest', () => '/console/digest'],
      ['Action items', () => '/console/action-items'],
      ['a post-mortem', () => postmortemPath],
      ['Decisions', () => '/console/decisions'],
      ['the inbox', () => '/console/inbox'],
      ['a quarantined input', () => inputPath],
      ['the audit log', () => '/console/audit'],
      ['Settings', () => '/console/settings'],
      ['a question', () => asked, true],
      ['the list of the documentation', () => '/console/docs/index'],
      ['a page of the documentation', () => '/console/docs/explanation.engine'],
      ['the status page', () => '/status'],
      ['a page that does not exist', () => NOWHERE],
    ];
    test.each(
      paths.flatMap(([name, path, isAtNight]) => (isAtNight ? atNight : looks).map((how) => ({ name, path, how }))),
    )('$name has no barrier $how, and nothing overflows', async ({ path, how }) => {
      const other = await open(path(), EYES[how]);
      await reads('h1', path() === NOWHERE ? /Not found/ : /^(?!Not found)./, other);
      await hasNoBarrier(other);
    });

    test.each(
      [
        {
          name: 'the confirmation of a freeze of everything',
          reason: 'all hands',
          shows: ['h1', /^Freeze deploys of .*\?$/],
        },
        { name: 'a refused form', reason: ' ', shows: ['.notice', /./] },
      ].flatMap((one) => looks.map((how) => ({ ...one, how }))),
    )('$name has no barrier $how, and nothing overflows', async ({ reason, shows: [selector, text], how }) => {
      const other = await open('/console/freezes', EYES[how]);
      await other.evaluate(`{
        const form = document.querySelector('form[action$="/actions/declare"]');
        form.elements.scope.value = 'all';
        form.elements.reason.value = ${JSON.stringify(reason)};
        form.submit();
      }`);
      await reads(selector as string, text as RegExp, other);
      await hasNoBarrier(other);
    });

    /** Checks what is on a page, with its details closed and open, and closes it. */
    async function hasNoBarrier(other: Page): Promise<void> {
      await other.evaluate(`${axe.source}; undefined`);
      const barriers = (rules: string) =>
        other.evaluate<string[]>(`axe
        .run(document, { runOnly: ${rules} })
        .then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => nodes.map(({ html }) => impact + ' ' + id + ': ' + html)))`);
      expect(await barriers(`{ type: 'rule', values: ['target-size'] }`), 'with closed details').toEqual([]);
      await other.evaluate(`document.querySelectorAll('main details').forEach((one) => (one.open = true))`);
      expect(await barriers(`['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']`)).toEqual([]);
      expect(await other.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      expect(await other.evaluate(BROKEN_TIMES)).toEqual([]);
      expect(await other.evaluate(REPEATED_IDS)).toEqual([]);
      expect(await other.evaluate(NAVIGATION)).toEqual({ rows: 1, hidden: [] });
      expect(other.problems.filter((text) => !/404|422/.test(text))).toEqual([]);
      await other.close();
    }

    test('signing out everywhere ends the session of every page', async () => {
      const other = await open('/console');
      await reads('#live', /^Live$/, other);
      await page.click('#person summary');
      await page.click('[name="everywhere"]');
      await reads('h1', /Sign in/);
      await reads('#live', /Updates stopped/, other);
      expect(page.problems.filter((text) => !/401/.test(text))).toEqual([]);
    });

    test('markup in a text never becomes markup', async () => {
      expect(await page.evaluate('document.querySelectorAll("img, [onerror]").length')).toBe(0);
      expect((await firebreak.get('/console')).status).toBe(200);
    });
  });
}
