import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { ADMIN_TOKEN, Firebreak } from '../../../test/support/firebreak.ts';

/*
 * The conformance suite of the protocol's authors, for each revision that the server speaks. It knows no credentials, so a
 * proxy adds them.
 */

const SUITE = join(import.meta.dirname, '../../../node_modules/@modelcontextprotocol/conformance/dist/index.js');

/** Scenarios about what the server doesn't offer, by the beginning of their names, with the reason. */
const NOT_OFFERED: Record<string, string> = {
  'prompts-': 'no prompts',
  'completion-': 'no prompts and no resource templates, so nothing to complete',
  'resources-': 'no resources',
  'sep-2164-resource-not-found': 'no resources',
  'server-sse-': 'no sessions and no streams',
  'logging-': 'no log messages to clients',
  'elicitation-': 'no questions to the person at the client: people answer in Slack or in the console',
  'input-required-result-': 'as for elicitation',
  'tasks-': 'no tasks (extension): each tool answers at once',
  'sep-2640-': 'no skills (extension)',
  'tools-call-': 'needs tools that only a test server has; story.test.ts and tools.test.ts call each of ours',
  'json-schema-2020-12': 'needs a tool that only a test server has',
  'http-custom-header-': 'no tool copies an argument to a header',
};

/** Checks in other scenarios that the suite reports as failed because it cannot make them, with the reason. */
const NOT_TESTABLE: Record<string, string> = {
  'sep-2575-server-rejects-undeclared-capability': 'needs the tool test_missing_capability',
  'sep-2575-missing-capability-http-400': 'needs the tool test_missing_capability',
  'sep-2575-http-server-no-independent-requests-on-stream': 'needs the tool test_streaming_elicitation',
  'sep-2575-server-no-log-without-loglevel': 'needs the tool test_logging_tool',
  'sep-2549-prompts-list-caching-hints': 'no prompts',
  'sep-2549-resources-list-caching-hints': 'no resources',
  'sep-2549-resources-templates-list-caching-hints': 'no resources',
};

const Checks = z.array(z.object({ id: z.string(), status: z.string(), errorMessage: z.string().optional() }));

let firebreak: Firebreak;
let proxy: Server;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-mcp-'));
  firebreak = await Firebreak.start({ unshown: true, services: { checkout: { environments: { production: {} } } } });
  const { port } = new URL(firebreak.url);
  proxy = createServer((from, to) => {
    const headers = { ...from.headers, authorization: `Bearer ${ADMIN_TOKEN}` };
    const { method, url: path } = from;
    const forwarded = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(to);
    });
    forwarded.once('error', () => to.destroy());
    from.pipe(forwarded);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await firebreak.remove();
  await rm(folder, { recursive: true });
});

/** Runs all scenarios of a revision. Returns the checks of each that is about what the server offers. */
async function run(revision: string): Promise<Map<string, z.output<typeof Checks>>> {
  const { port } = proxy.address() as AddressInfo;
  const output = join(folder, revision);
  const args = ['--url', `http://127.0.0.1:${port}/mcp`, '--suite', 'all', '--spec-version', revision, '-o', output];
  // It exits with 1, because scenarios for features that the server does not offer fail.
  await promisify(execFile)(process.execPath, [SUITE, 'server', ...args], { maxBuffer: 2 ** 26 }).catch(
    () => undefined,
  );
  const results = new Map<string, z.output<typeof Checks>>();
  for (const name of await readdir(output)) {
    const scenario = /^server-(.*)-\d{4}-\d\d-\d\dT/.exec(name)?.[1] ?? name;
    if (Object.keys(NOT_OFFERED).some((beginning) => scenario.startsWith(beginning))) continue;
    results.set(scenario, Checks.parse(JSON.parse(await readFile(join(output, name, 'checks.json'), 'utf8'))));
  }
  return results;
}

describe('the conformance suite', () => {
  test.each<[revision: string, scenarios: string[]]>([
    ['2025-06-18', ['ping', 'server-initialize', 'server-session-lifecycle', 'tools-list']],
    ['2025-11-25', ['dns-rebinding-protection', 'ping', 'server-initialize', 'server-session-lifecycle', 'tools-list']],
    ['2026-07-28', ['caching', 'dns-rebinding-protection', 'http-header-validation', 'server-stateless', 'tools-list']],
  ])('of revision %s passes', async (revision, scenarios) => {
    const results = await run(revision);
    expect([...results.keys()].toSorted()).toEqual(scenarios);
    const failed = [...results].flatMap(([scenario, checks]) =>
      checks
        .filter(({ id, status }) => (status === 'FAILURE' || status === 'WARNING') && !Object.hasOwn(NOT_TESTABLE, id))
        .map(({ id, errorMessage = '' }) => `${scenario}: ${id}: ${errorMessage}`),
    );
    expect(failed).toEqual([]);
    expect([...results.values()].flat().filter(({ status }) => status === 'SUCCESS').length).toBeGreaterThan(5);
  });
});
