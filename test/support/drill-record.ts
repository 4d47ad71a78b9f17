import { DrillRecord } from '../../schemas/automation/drill.ts';

/** Returns a drill of checkout in staging that has not begun. */
export const drillRecord = (more: object = {}): DrillRecord =>
  DrillRecord.parse({
    id: '0'.repeat(26),
    service: 'checkout',
    environment: 'staging',
    from_version: 'v2',
    to_version: 'v1',
    from_commit: null,
    to_commit: null,
    target: 'cd',
    resource: 'cd',
    asks_hold: false,
    asked_by: 'ada',
    started_at: '2026-11-20T12:00:00.000Z',
    ended_at: null,
    phase: 'back',
    outcome: null,
    reason: null,
    rollback_s: null,
    duration_s: null,
    steps: [],
    begun: false,
    handle: null,
    attempts: 0,
    run: 1,
    execution: null,
    rev: 0,
    ...more,
  });
