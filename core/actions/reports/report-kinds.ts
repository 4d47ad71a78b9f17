import { reportKind } from '../../domain/ports/reports.ts';
import type { ShadowReport } from '../../../schemas/automation/shadow-report.ts';
import type { AlertReview } from './alert-review.ts';
import type { ShadowReportRequest } from './shadow-report.ts';

/** What became of the alerts that the reader may see. */
export const ALERT_REVIEW = reportKind<null, AlertReview>('alert-review');

/** What automation would have done in incidents that the reader may see. */
export const SHADOW = reportKind<Omit<ShadowReportRequest, 'isVisible'>, ShadowReport>('shadow');
