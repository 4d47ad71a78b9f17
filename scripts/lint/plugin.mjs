/**
 * Lint rules of this repository: import direction, and rules that keep workflows replayable. .oxlintrc.json configures
 * their scope; CONTRIBUTING.md explains them.
 */
import { definePlugin } from '@oxlint/plugins';
import { awsClientLimits } from './aws-client-limits.mjs';
import { depsInSteps } from './deps-in-steps.mjs';
import { importDirection } from './import-direction.mjs';
import { noEnvironment } from './no-environment.mjs';
import { noNestedOperations } from './no-nested-operations.mjs';
import { noOuterState } from './no-outer-state.mjs';
import { pure } from './pure.mjs';

export default definePlugin({
  meta: { name: 'firebreak' },
  rules: {
    'aws-client-limits': awsClientLimits,
    'deps-in-steps': depsInSteps,
    'import-direction': importDirection,
    'no-environment': noEnvironment,
    'no-nested-operations': noNestedOperations,
    'no-outer-state': noOuterState,
    pure,
  },
});
