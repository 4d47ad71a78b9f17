import { beforeEach, describe, expect, test } from 'vitest';
import { check } from '../../actions/check.ts';
import type { CheckDeps } from '../../actions/inputs.ts';
import type { BudgetState, ErrorBudgets } from '../../../../core/domain/ports/error-budgets.ts';
import { type Extension, noExtensions, readBudgets } from '../../../../core/domain/ports/extensions.ts';
import type { FreezeDecision } from '../../types.ts';
import { emptyConfig, ServicesFile } from '../../../../schemas/config/config.ts';
import { CheckRequest } from '../../schemas/freeze-check.ts';
import { FreezeFile } from '../../schemas/freeze-policy.ts';
import { at, freeze, NOON, status } from '../decisions/builders.ts';
import { objective } from '../../../../test/support/objective.ts';

const { services } = ServicesFile.parse({ services: { checkout: { environments: { production: {} } } } });

let decisions: FreezeDecision[];
beforeEach(() => (decisions = []));

/** Returns the answer to a check with these error budgets. */
function answer(
  extension: Partial<Extension<Pick<ErrorBudgets, 'read'>>>,
  { slos = [objective()], freezes = [] as object[] } = {},
) {
  const deps = {
    clock: { now: () => NOON },
    config: {
      current: async () => ({
        ...emptyConfig,
        version: 'c1',
        services,
        slos,
        freeze: FreezeFile.parse({ defaults: { stale: { deploys: 'deny' } } }),
      }),
    },
    changes: { recent: async () => [], live: async () => [] },
    incidents: { openAt: async () => undefined },
    freezeState: { read: async () => ({ own: freezes, dependencies: [], pins: [] }) },
    extensions: { ...noExtensions, errorBudgets: [{ isConfigured: () => false, ...extension }] },
    freezeDecisions: {
      keep: async (decision: FreezeDecision) => ({ id: decision.id, first: decisions.push(decision) > 0 }),
    },
    signer: { sign: async () => null },
  } as unknown as CheckDeps;
  const request = CheckRequest.parse({ service: 'checkout', environment: 'production', version: 'v2' });
  return check(deps, { request, by: 'ci', consume: false, identityToken: null });
}

const reporting = (state: Partial<BudgetState>) => ({
  load: async () => ({ read: async () => ({ statuses: [[]], evaluatedAt: NOON, ...state }) }),
});

describe('a freeze check', () => {
  test('decides by what a feature reports, also if the configuration no longer uses the feature', async () => {
    const spent = reporting({ statuses: [[status({ spent: 0.8 })]] });
    const low = await answer(spent, { slos: [objective({ service: 'cart' })] });
    expect(low).toMatchObject({ verdict: 'warn', reasons: [{ code: 'budget_low' }] });
  });

  test('loads no feature if no objective is configured', async () => {
    const load = () => Promise.reject(new Error('loaded'));
    expect(await answer({ load }, { slos: [] })).toMatchObject({ verdict: 'allow', stale: false, data_age_s: null });
  });

  test.each([
    ['it cannot read the error budgets', { load: async () => ({ read: () => Promise.reject(new Error('unread')) }) }],
    ['the code of the feature cannot be loaded', { load: () => Promise.reject(new Error('unread')) }],
  ])('has no answer, and records none, if %s', async (_, extension) => {
    await expect(answer(extension)).rejects.toThrow('unread');
    expect(decisions).toEqual([]);
  });

  test('refuses by policy if nothing is reported of a configured objective', async () => {
    expect(await answer(reporting({}))).toMatchObject({ allowed: false, stale: true });
    const missing = await answer({ load: async () => ({ read: (all) => readBudgets([], all) }) });
    expect(missing).toMatchObject({ allowed: false, stale: true, reasons: [{ code: 'stale_data' }] });
  });

  test('refuses by a recorded freeze, whatever features report', async () => {
    const frozen = freeze('budget');
    expect(await answer(reporting({}), { slos: [], freezes: [frozen] })).toMatchObject({
      allowed: false,
      reasons: [{ code: 'budget_spent' }],
    });
  });
});

test('of several features, the statuses are joined, and the oldest evaluation counts', async () => {
  const of = (state: BudgetState) => ({ read: async () => state }) as unknown as ErrorBudgets;
  const one = of({ statuses: [[status()], []], evaluatedAt: NOON });
  const older = of({ statuses: [[status()], [status()]], evaluatedAt: at(-1) });
  const never = of({ statuses: [[], []], evaluatedAt: null });
  const scopes = [objective(), objective({ service: 'cart' })];
  const { statuses, evaluatedAt } = await readBudgets([one, older], scopes);
  expect([statuses.map((all) => all.length), evaluatedAt]).toEqual([[2, 1], at(-1)]);
  expect((await readBudgets([one, never], scopes)).evaluatedAt).toBeNull();
  expect(await readBudgets([], scopes)).toEqual({ statuses: [[], []], evaluatedAt: null });
});
