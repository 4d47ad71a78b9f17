import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ErrorBudgets } from '../../../../core/domain/ports/error-budgets.ts';
import { noExtensions } from '../../../../core/domain/ports/extensions.ts';
import { evaluate, type EvaluateDeps } from '../../actions/evaluate.ts';
import { type Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { FreezeFile } from '../../schemas/freeze-policy.ts';
import { AuditLogTable } from '../../../../core/stores/audit/audit-log.ts';
import { EvaluationLeaseTable } from '../../stores/evaluation-lease.ts';
import { FreezeTable } from '../../stores/freezes.ts';
import { freeze } from '../freezes-support.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { sealSecrets, silent } from '../../../../test/support/fake-deps.ts';

let stores: TableStores;
let freezes: FreezeTable;
let config: Config;

beforeAll(async () => {
  stores = await openTable();
  const { table, blobs, clock } = stores;
  freezes = new FreezeTable(table, clock, new AuditLogTable(table, blobs, clock, silent, sealSecrets));
});
afterAll(() => stores.close());
beforeEach(() => (config = { ...emptyConfig, version: 'test' }));

const evaluating = () => ({ id: 'one', busy: false });

/** Returns dependencies with these error budgets. */
const depsWith = (...sources: Partial<ErrorBudgets>[]): EvaluateDeps => ({
  clock: stores.clock,
  config: { current: async () => config, problems: async () => [] },
  evaluationLease: new EvaluationLeaseTable(stores.table, stores.clock),
  extensions: {
    ...noExtensions,
    errorBudgets: sources.map((source) => ({ isConfigured: () => true, load: async () => source as ErrorBudgets })),
  },
  freezes,
  incidents: stores.incidents,
  log: silent,
});

const inForce = async (): Promise<string[]> => (await freezes.current()).map(({ cause }) => cause).toSorted();

test('freezes do not change if the error budgets cannot be evaluated, and the next evaluation is not blocked', async () => {
  await freezes.open(freeze('frz_spent', stores.clock.now()));
  const failing: Partial<ErrorBudgets> = { evaluate: () => Promise.reject(new Error('no evaluation')) };
  await expect(evaluate(depsWith(failing), evaluating())).rejects.toThrow('no evaluation');
  expect(await inForce()).toEqual(['budget']);
  const completed: string[] = [];
  const empty: Partial<ErrorBudgets> = {
    evaluate: async (_, at) => ({ objectives: [], evaluated: 2, complete: async () => void completed.push(at) }),
  };
  expect(await evaluate(depsWith(empty), { id: 'other', busy: false })).toMatchObject({ evaluated: 2, ended: 1 });
  expect(completed).toEqual([stores.clock.now()]);
});

test('without features, freezes of the calendar open, and those of budgets end', async () => {
  await freezes.open(freeze('frz_before', stores.clock.now()));
  const calendar = [
    { name: 'sale', reason: 'the sale', from: '2026-01-01 00:00', until: '2099-01-01 00:00', timeZone: 'UTC' },
  ];
  config = { ...config, freeze: FreezeFile.parse({ calendar }) };
  expect(await evaluate(depsWith(), evaluating())).toEqual({ evaluated: 0, opened: 1, ended: 1 });
  expect(await inForce()).toEqual(['calendar']);
});

test('without a published configuration, nothing is evaluated', async () => {
  config = emptyConfig;
  const notCalled: Partial<ErrorBudgets> = { evaluate: () => Promise.reject(new Error('called')) };
  expect(await evaluate(depsWith(notCalled), evaluating())).toEqual({ evaluated: 0, opened: 0, ended: 0 });
});
