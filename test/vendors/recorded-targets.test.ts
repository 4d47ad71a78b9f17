import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import * as z from 'zod';
import { standInsAt } from '../../core/domain/catalogue/vendors.ts';
import type { RollbackGates } from '../../core/domain/ports/rollback.ts';
import { emptyConfig } from '../../schemas/config/config.ts';
import { EnvironmentName, IncidentId, ServiceName, Version } from '../../schemas/config/names.ts';
import { DeployerConfig, DEPLOYERS, targetOf } from '../../schemas/rollback/targets.ts';
import { githubAccess } from '../../vendors/github/access.ts';
import { deployerFor } from '../../vendors/rollback-targets.ts';
import { SetClock } from '../support/fake-deps.ts';
import { type Received, vendorThat } from './server.ts';
import { conforms, type TargetWorld } from './target-conformance.ts';

/*
 * Every deployer against the exchanges in its vendor's folder, `vendors/<vendor>/exchanges/<kind>.json`: what the vendor's
 * API answers in each state of the target, as its documentation says. A request that is not there gets the status 404.
 */

const Reply = z.strictObject({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
});
type Reply = z.infer<typeof Reply>;

const State = z.enum(['before', 'running', 'done', 'failed', 'superseded', 'busy', 'drifted']);
type State = z.infer<typeof State>;

const Exchange = z.strictObject({
  request: z.strictObject({
    method: z.string(),
    /** With the query. */
    path: z.string(),
    /** The headers that select the operation, if the path does not. */
    headers: z.record(z.string(), z.string()).default({}),
    body: z.unknown().optional(),
  }),
  response: Reply,
  /** The state that the request leads to. Only the call that rolls back has one. */
  leadsTo: z.enum(['running', 'done']).optional(),
});
type Exchange = z.infer<typeof Exchange>;

const Exchanges = z.strictObject({
  /** Where the vendor documents its API. */
  documented: z.string(),
  /** As in `services.yaml`. `{url}` is the address of the vendor. */
  deployer: z.looseObject({ kind: z.string() }),
  /** The time at which the exchanges take place. */
  at: z.iso.datetime(),
  rollback: z.strictObject({
    service: ServiceName,
    environment: EnvironmentName,
    incident: IncidentId,
    reason: z.string(),
    key: z.string(),
    from: Version,
    to: Version,
    fromCommit: z.string().nullable(),
    toCommit: z.string().nullable(),
  }),
  /** What runs in the state `superseded`, as the deployer reports it. */
  current: z.string(),
  /** What the call that rolls back gets instead of its response. */
  faults: z.strictObject({ refused: Reply, throttled: Reply, server_error: Reply }),
  /**
   * `before`: `from` runs. `running`: the rollback was accepted. `done`: `to` runs. `failed`: the rollback has failed.
   * `superseded`: someone has deployed another version. `busy`: another operation is in progress. `drifted`: the result
   * of the rollback was changed.
   */
  states: z
    .partialRecord(State, z.array(Exchange))
    .refine(({ before, done, superseded }) => before && done && superseded, 'needs before, done, and superseded'),
});
type Exchanges = z.infer<typeof Exchanges>;

const VENDORS = join(import.meta.dirname, '../../vendors');
const files = globSync('*/exchanges/*.json', { cwd: VENDORS });
const read = (file: string): unknown => JSON.parse(readFileSync(join(VENDORS, file), 'utf8'));

test('every kind of deployer has its exchanges', () => {
  expect(files.map((file) => basename(file, '.json')).toSorted()).toEqual(Object.keys(DEPLOYERS).toSorted());
});

beforeEach(() => {
  // The SDK of AWS signs also what a stand-in receives.
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test-secret');
  onTestFinished(() => void vi.unstubAllEnvs());
});

describe.each(files.map((file) => [basename(file, '.json'), file] as const))('the exchanges of %s', (kind, file) => {
  const open = () => worldOf(Exchanges.parse(read(file)));

  conforms(open);

  test('every request is one that the vendor documents', async () => {
    const { deployer, request, settle, unknown } = await open();
    const begun = await deployer.rollBack(request);
    await settle();
    if (begun.kind === 'in_progress' && begun.handle !== null) await deployer.status(begun.handle, request);
    await deployer.rollBack(request);
    await deployer.checkDrift?.(request);
    expect(unknown).toEqual([]);
  });

  test('looks at the target before it rolls back, or leaves that to a vendor who honors keys', async () => {
    const { deployer, request, received, isRollback } = await open();
    await deployer.rollBack(request);
    const [first] = received;
    if (first === undefined) return expect.unreachable();
    if (deployer.effectClass !== 'keyed') return expect(isRollback(first)).toBe(false);
    expect(isRollback(first)).toBe(true);
    expect(Object.values(first.headers)).toContain(request.key);
  });

  test('waits as long as the vendor says', async (context) => {
    const { deployer, request, trouble, faults } = await open();
    const seconds = faults.throttled.headers['retry-after'];
    if (seconds === undefined) return context.skip(); // AWS does not say
    await trouble('throttled');
    expect(await deployer.rollBack(request)).toMatchObject({ kind: 'later', afterSeconds: Number(seconds) });
  });

  test('has one attempt per call', async () => {
    for (const trouble of ['refused', 'throttled', 'server_error', 'lost_answer'] as const) {
      const world = await open();
      await world.trouble(trouble);
      await world.deployer.rollBack(world.request);
      expect([trouble, world.received.filter(world.isRollback).length]).toEqual([trouble, 1]);
    }
  });

  test(`is of the kind ${kind}`, () => {
    expect(Exchanges.parse(read(file)).deployer.kind).toBe(kind);
  });
});

type RecordedWorld = TargetWorld & {
  faults: Exchanges['faults'];
  received: Received[];
  /** Requests that the exchanges don't contain. */
  unknown: string[];
  isRollback(request: Received): boolean;
};

async function worldOf({ deployer: entry, at, rollback, current, faults, states }: Exchanges): Promise<RecordedWorld> {
  let state: State = 'before';
  let next: Parameters<TargetWorld['trouble']>[0] | undefined;
  let held: (() => void) | undefined;
  let begun = 0;
  const unknown: string[] = [];

  const isRollback = (request: Received): boolean =>
    states.before?.some((one) => one.leadsTo !== undefined && isSame(one, request)) ?? false;

  const replyOf = ({ response, leadsTo }: Exchange): Reply | 'lost' => {
    if (leadsTo === undefined) return response;
    const trouble = next;
    next = undefined;
    const take = (): void => {
      begun += 1;
      state = leadsTo;
    };
    switch (trouble) {
      case 'refused':
      case 'throttled':
      case 'server_error':
        return faults[trouble];
      case 'late_effect':
        held = take;
        return 'lost';
      case 'lost_answer':
        take();
        return 'lost';
      case undefined:
        take();
        return response;
    }
  };

  const { url, received } = await vendorThat((request) => {
    const exchange = states[state]?.find((one) => isSame(one, request));
    if (exchange === undefined) {
      const description = `${state}: ${request.method} ${request.path} ${request.body}`;
      unknown.push(description);
      return { status: 404, body: JSON.stringify({ message: `not among the exchanges: ${description}` }) };
    }
    const reply = replyOf(exchange);
    if (reply === 'lost') return { cut: 200 };
    const { status, headers, body } = reply;
    return { status, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  });

  const config = DeployerConfig.parse(JSON.parse(JSON.stringify(entry).replaceAll('{url}', url)));
  const { connection } = targetOf(config.kind);
  const secrets = { get: async (name: string) => settings[name] };
  const settings = Object.fromEntries([
    [connection.url, url],
    ...connection.credentials.slice(0, 1).flatMap((names) => names.map((name) => [name, `the ${name}`])),
  ]) as Record<string, string>;
  const clock = new SetClock(at);
  const deployer = await deployerFor(config, {
    serviceEnvironment: rollback,
    secrets,
    clock,
    config: { current: async () => emptyConfig, problems: async () => [] },
    rollbackGates: noGates,
    github: githubAccess({ secrets, clock }),
    standIns: standInsAt([]),
  });
  if (deployer === undefined) throw new Error(`the deployer ${config.kind} is off`);

  const versionIn = (): string => {
    if (state === 'before') return rollback.from;
    return state === 'done' ? rollback.to : current;
  };
  return {
    deployer,
    request: rollback,
    faults,
    received,
    unknown,
    isRollback,
    trouble: async (trouble) => void (next = trouble),
    async settle(how) {
      held?.();
      held = undefined;
      if (state === 'running') state = how === 'failing' ? 'failed' : 'done';
    },
    running: async () => versionIn(),
    begun: async () => begun,
    async ship() {
      state = 'superseded';
      return current;
    },
    ...(states.busy && { occupy: async () => void (state = 'busy') }),
    ...(states.drifted && { drift: async () => void (state = 'drifted') }),
    // Only a vendor who honors keys rolls back without a look, and then it is the one who knows the versions.
    ...(deployer.effectClass === 'keyed' && { takesAnyVersion: true as const }),
  };
}

function isSame({ request }: Exchange, { method, path, headers, body }: Received): boolean {
  if (request.method !== method || request.path !== path) return false;
  if (Object.entries(request.headers).some(([name, value]) => headers[name] !== value)) return false;
  return request.body === undefined || isDeepStrictEqual(request.body, body === '' ? undefined : JSON.parse(body));
}

/** No rollback waits for a webhook of the target. */
const noGates: RollbackGates = {
  store: async () => undefined,
  get: async () => undefined,
  recordMismatch: async () => undefined,
  clear: async () => undefined,
};
