import { loadedOnce } from '../../core/domain/concurrency.ts';
import type { ErrorBudgets } from '../../core/domain/ports/error-budgets.ts';
import type { Evaluator } from './evaluation/evaluator.ts';
import type { Deps } from './ports.ts';

export type BudgetDeps = Pick<
  Deps,
  | 'clock'
  | 'freezes'
  | 'freezeState'
  | 'log'
  | 'metricQueries'
  | 'sloAlerts'
  | 'sloCorrections'
  | 'sloDays'
  | 'sloStatuses'
>;

/**
 * Reports the error budgets of objectives to the core. A freeze check needs only the statuses, so the code of the rest is
 * loaded with its first use. Counts are kept in memory between evaluations.
 */
export function errorBudgets(deps: BudgetDeps, newEvaluator = () => createEvaluator(deps)): ErrorBudgets {
  const created = loadedOnce(newEvaluator);
  return {
    read: (serviceEnvironments) => deps.sloStatuses.read(serviceEnvironments),
    all: () => deps.sloStatuses.all(),
    spent: async (config, serviceEnvironment, period) =>
      (await import('./actions/spent-budgets.ts')).spentBudgets(deps, config, serviceEnvironment, period),
    freezeByAlerts: async (config, signals) =>
      (await import('./actions/burn-alerts.ts')).freezeByAlerts(deps, config, signals),
    async evaluate(config, at, wasElsewhere) {
      const evaluator = await created();
      if (wasElsewhere) evaluator.forget();
      const { evaluateObjectives } = await import('./evaluation/evaluate.ts');
      return evaluateObjectives(deps, evaluator, config, at);
    },
  };
}

const createEvaluator = async (deps: BudgetDeps): Promise<Evaluator> =>
  new (await import('./evaluation/evaluator.ts')).Evaluator(deps);
