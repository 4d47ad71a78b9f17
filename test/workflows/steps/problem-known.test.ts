import { afterEach, expect, test, vi } from 'vitest';
import { Config } from '../../../schemas/config/config.ts';
import { knownOfProblem } from '../../../workflows/steps/problem-known.ts';

afterEach(() => vi.restoreAllMocks());

const { services } = Config.parse({
  version: 'test',
  services: { checkout: { dependsOn: ['payments', 'search'] }, payments: {}, search: {} },
  paging: {},
});

const incident = { id: 'inc_1', service: 'checkout', environment: 'production', unmatched: null };
const reopened = { incident: { ...incident, reopened_at: '2026-11-20T12:00:00.000Z' }, decisions: [], effects: [] };

/** Reads what is known of a problem, with this state of each dependency. Time passes only with `endWait`. */
function reading(openAt: (service: string) => Promise<unknown>, story: object = reopened) {
  const wait = new AbortController();
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(wait.signal);
  const warnings: string[] = [];
  const deps = {
    incidents: { openAt: ({ service }: { service: string }) => openAt(service) },
    log: { warn: (message: string, { error }: { error: string }) => void warnings.push(`${message}: ${error}`) },
  };
  const known = knownOfProblem(deps as never, story as never, { services });
  return { known, timeout, warnings, endWait: () => wait.abort(new DOMException('too late', 'TimeoutError')) };
}

const failing = (service: string) => ({ service, status: 'open', severity: 'critical', firing: 1 });
const never = () => new Promise<never>(() => {});

test('a page has the dependencies that fail', async () => {
  const { known, warnings } = reading(async (service) => (service === 'search' ? failing(service) : undefined));
  expect(await known).toEqual({ evidence: null, failing: ['search'] });
  expect(warnings).toEqual([]);
});

test('a page waits a second for a store that never answers, and is sent without its dependencies', async () => {
  const { known, timeout, warnings, endWait } = reading(never);
  const sent = vi.fn<() => void>();
  void known.then(sent);
  await new Promise(setImmediate);
  expect(sent).not.toHaveBeenCalled();
  endWait();
  expect(await known).toEqual({ evidence: null, failing: [] });
  expect(new Set(timeout.mock.calls.flat())).toEqual(new Set([1000]));
  expect(warnings).toEqual(['Sending a page without the state of dependencies: TimeoutError: too late']);
});

test('a page is sent at once without what cannot be read', async () => {
  const { known, warnings } = reading(() => Promise.reject(new Error('damaged')));
  expect(await known).toEqual({ evidence: null, failing: [] });
  expect(warnings).toEqual(['Sending a page without the state of dependencies: Error: damaged']);
});

test('the first page of an incident reads nothing', async () => {
  const openAt = vi.fn<() => Promise<never>>(never);
  const { known, timeout } = reading(openAt, { ...reopened, incident });
  expect(await known).toEqual({ evidence: null, failing: [] });
  expect([openAt.mock.calls, timeout.mock.calls]).toEqual([[], []]);
});
