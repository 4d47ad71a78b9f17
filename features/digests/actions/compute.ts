import { withPorts } from '../../freeze/ports.ts';
import type { ComputeOf } from '../../manifest.ts';
import type { TEAM_DIGEST } from '../reports.ts';
import { readTeamDigest } from './team-digest.ts';

export const teamDigest: ComputeOf<typeof TEAM_DIGEST> = (deps, { team }, may) =>
  readTeamDigest(withPorts(deps), { ...(team !== null && { team }), isAllowed: may });
