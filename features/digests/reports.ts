import { reportKind } from '../../core/domain/ports/reports.ts';
import type { TeamDigest } from './digest.ts';

/** The digest of the last seven days. `team` null: of all services. */
export const TEAM_DIGEST = reportKind<{ team: string | null }, TeamDigest>('digests.team');
