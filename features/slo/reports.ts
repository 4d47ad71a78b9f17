import { reportKind } from '../../core/domain/ports/reports.ts';
import type { SloView } from './schemas/slo-view.ts';

/** Objectives by their IDs, with their history, the same for all who may see them. */
export const SLO_VIEWS = reportKind<readonly string[], SloView[]>('slo.views');
