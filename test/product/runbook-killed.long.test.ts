import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';

const CONSOLE = { authorization: `Bearer ${ADMIN_TOKEN}`, accept: 'text/html' };

const drained: string[] = [];
const server = createServer((request, response) => {
  drained.push(String(request.headers['idempotency-key']));
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
});

let firebreak: Firebreak;
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  firebreak = await Firebreak.start({
    unshown: true,
    timeScale: 100, // the approval does not expire while a slow machine starts the product four times
    services: { hand: { environments: { production: { autoRollback: { mode: 'act' } } } } },
    configFiles: EACH_ALONE,
    runbooks: {
      'drain.md': `---
title: Drain the queue
match: { runbook: nobody-names-it }
services: [hand]
steps:
  - id: drain
    uses: http
    with: { method: POST, url: "${origin}/drain" }
    irreversible: true
    approval: { timeout: 40h }
    timeout: 10m
---
Drain.
`,
    },
  });
});
afterAll(async () => {
  await firebreak?.remove();
  server.closeAllConnections();
  server.close();
});

const page = async (path: string): Promise<string> =>
  (await fetch(`${firebreak.url}${path}`, { headers: CONSOLE })).text();

/** Returns the fields of the form below the plan. */
async function planned(): Promise<Record<string, string>> {
  const plan = await page('/console/runbooks/drain?service=hand&environment=production');
  const fields = [...plan.slice(plan.indexOf('/actions/start')).matchAll(/name="([\w.]+)" value="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]));
}

async function startInConsole(fields: Record<string, string>): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${firebreak.url}/console/runbooks/drain/actions/start`, {
    method: 'POST',
    headers: { ...CONSOLE, origin: firebreak.url },
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, text: await answer.text() };
}

async function killed(): Promise<void> {
  await firebreak.kill9();
  await firebreak.start();
}

const waits = (path: string) =>
  eventually(async () => (await page(path)).includes('waits for approval'), 'the run that waits for approval');

test('a run that a person started in the console waits for its approval across kill -9, and acts once', async () => {
  const form = await planned();
  const started = await startInConsole(form);
  const [, path = ''] = /href="(\/console\/runbooks\/runs\/[\w-]+)">Show the run/.exec(started.text) ?? [];
  expect([started.status, path]).toEqual([200, expect.stringMatching(/./)]);
  await waits(path);

  await killed();
  await waits(path);
  expect(drained).toEqual([]);
  const again = await startInConsole(form);
  // The same form is the same run.
  expect([again.status, again.text]).toEqual([200, expect.stringContaining(`href="${path}">Show the run`)]);

  const { body } = await firebreak.get('/v1/incidents');
  expect(body.items).toHaveLength(1);
  const id = String(body.items[0].id);
  const incident = await page(`/console/incidents/${id}`);
  expect(incident.match(new RegExp(`href="${path}"`, 'g'))).toHaveLength(1);
  expect(incident).toContain('Drain the queue');

  await killed();
  const digest = await eventually(async () => {
    const { decisions } = (await firebreak.get(`/v1/incidents/${id}`)).body as {
      decisions: { state: string; digest: string }[];
    };
    const waiting = decisions.filter(({ state }) => state === 'waiting');
    expect(waiting.length).toBeLessThanOrEqual(1);
    return waiting[0]?.digest;
  }, 'the question');
  const approve = () => firebreak.post(`/v1/incidents/${id}/actions/approve`, { digest });
  expect((await approve()).status).toBeLessThan(300);
  await eventually(async () => /badge effect-succeeded">\s*finished/.test(await page(path)), 'the end of the run');
  expect(drained).toHaveLength(1);

  await killed();
  expect(await page(path)).toContain('finished');
  expect((await page('/console/runbooks')).split(path)).toHaveLength(2);
  expect(drained).toHaveLength(1);
});
