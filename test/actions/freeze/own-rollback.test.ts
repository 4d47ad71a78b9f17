import { describe, expect, test } from 'vitest';
import { asWhatItIs } from '../../../actions/freeze/rollbacks.ts';
import { CheckRequest } from '../../../schemas/freeze/freeze-check.ts';
import { rollbackKey } from '../../../workflows/steps/roll-back.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';

type RollbackDeps = Parameters<typeof asWhatItIs>[0];

const INCIDENT = '01JD0000000000000000000000' as IncidentId;

/** Of the place nothing is recorded, and an incident is open in which Firebreak goes back to `to`. */
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

describe('what Firebreak itself rolls back to', () => {
  test.each([
    ['is a rollback', 'v1', 'accepted', 'v1', 'rollback'],
    ['is none when it is over', 'v1', 'succeeded', 'v1', 'deploy'],
    ['is no other version', 'v1', 'accepted', 'v2', 'deploy'],
    ['is not what nobody has named', 'v1', 'accepted', null, 'deploy'],
  ])('%s', async (_, to, state, version, change) => {
    expect(await asWhatItIs(rollingBack(to, state), deploy(version))).toMatchObject({ change });
  });

  test('is not looked for where somebody has said what it is', async () => {
    const asked = { ...deploy('v1'), change: 'hotfix' as const };
    expect(await asWhatItIs({} as RollbackDeps, asked)).toBe(asked);
  });
});
