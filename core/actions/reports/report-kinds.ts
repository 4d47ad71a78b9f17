import { reportKind } from '../../domain/ports/reports.ts';
import type { ShadowReport } from '../../../schemas/automation/shadow-report.ts';
import type { Connections } from '../../../schemas/config/connections.ts';
import type { AlertReview } from './alert-review.ts';
import type { ShadowReportRequest } from './shadow-report.ts';

/** What became of the alerts that the reader may see. */
export const ALERT_REVIEW = reportKind<null, AlertReview>('alert-review');

/** What automation would have done in incidents that the reader may see. */
export const SHADOW = reportKind<Omit<ShadowReportRequest, 'isVisible'>, ShadowReport>('shadow');

/** The check of all connections. Only for readers who may see everything. */
export const CONNECTIONS = reportKind<null, Connections>('connections', 'never');
