import { problemText } from '../../../../core/domain/lint/problem.ts';
import type { Variables } from '../../../../core/domain/runbooks/variables.ts';
import { readRunbook } from '../../../../local/config/runbook-files.ts';
import type { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

/** Parses a runbook with this front matter; `title` and `match` have defaults. */
export function runbook(head: string, file = 'a.md'): Runbook {
  const title = /^title:/m.test(head) ? '' : 'title: Test\n';
  const match = /^match(ers)?:/m.test(head) ? '' : 'match: {}\n';
  const read = readRunbook(file, `---\n${title}${match}${head}\n---\n\n# For people\n`);
  if (Array.isArray(read)) throw new Error(read.map(problemText).join('\n'));
  return read;
}

/** Builds the variables of a new incident. */
export const variables = (given: Partial<Variables> = {}): Variables => ({
  incident: {
    id: '01K0000000000000000000000A',
    name: 'INC-42',
    service: 'checkout',
    environment: 'production',
    severity: 'critical',
    title: 'checkout fails',
    status: 'open',
    firing: 1,
    opened_at: timestamp(Date.UTC(2026, 10, 20, 3)),
  },
  labels: new Map(),
  annotations: new Map(),
  inputs: {},
  service: { team: 'payments', tier: 1 },
  steps: {},
  suspect: null,
  decision: null,
  ...given,
});
