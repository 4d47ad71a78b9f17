import { describe, expect, test } from 'vitest';
import { detectRollback } from '../../actions/rollbacks.ts';
import { CheckRequest } from '../../schemas/freeze-check.ts';
import { rollbackKey } from '../../../../workflows/steps/roll-back.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';

type RollbackDeps = Parameters<typeof detectRollback>[0];

const INCIDENT = '01JD0000000000000000000000' as IncidentId;

/** Dependencies without recorded deployments, and with an open incident in which Firebreak rolls back to `to`. */
const rollingBack = (to: string, state: string): RollbackDeps =>
  ({
    changes: { recent: async () => [] },
    incidents: {
      openAt: async () => ({ id: INCIDENT }),
      view: async () => ({ id: INCIDENT, decisions: [{}], effects: [{ key: rollbackKey(INCIDENT, 1), state }] }),
    },
    decisions: { get: async () => ({ to_version: to }) },
  }) as unknown as RollbackDeps;

const deploy = (version: string | null) =>
  CheckRequest.parse({ service: 'checkout', environment: 'production', version });

describe("the target version of Firebreak's own rollback", () => {
  test.each([
    ['counts as a rollback', 'v1', 'accepted', 'v1', 'rollback'],
    ['does not count after the rollback has ended', 'v1', 'succeeded', 'v1', 'deploy'],
    ['does not match another version', 'v1', 'accepted', 'v2', 'deploy'],
    ['does not match a request without a version', 'v1', 'accepted', null, 'deploy'],
  ])('%s', async (_, to, state, version, change) => {
    expect(await detectRollback(rollingBack(to, state), deploy(version))).toMatchObject({ change });
  });

  test('is not looked up if the kind of change is given', async () => {
    const asked = { ...deploy('v1'), change: 'hotfix' as const };
    expect(await detectRollback({} as RollbackDeps, asked)).toBe(asked);
  });
});
