import { toSignal } from '../../../core/domain/alerts/signal.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { WATCH_ANNOTATION, type WatchFinding, type WatchRecord } from '../../../schemas/judge/watch.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

type ReportDeps = Pick<Deps, 'config' | 'queue' | 'clock'>;

/**
 * Sends the findings of a watch as alerts of Firebreak itself. A degraded version requests a rollback, so that all guards
 * of the engine apply. Repeated alerts are recognized by their episode.
 */
export async function reportFindings(deps: ReportDeps, watch: WatchRecord): Promise<WatchRecord> {
  await send(deps, watch, watch.findings, null);
  return { ...watch, reported: watch.findings };
}

/** Ends the alerts of a watch, after another version has gone live. */
export async function endFindings(deps: ReportDeps, watch: WatchRecord): Promise<WatchRecord> {
  await send(deps, watch, watch.reported, deps.clock.now());
  return { ...watch, findings: [], reported: [] };
}

async function send(
  { config, queue, clock }: ReportDeps,
  watch: WatchRecord,
  findings: readonly WatchFinding[],
  endsAt: Timestamp | null,
): Promise<void> {
  const current = await config.current();
  const signals = findings.map((finding) => {
    const { alertname, severity, summary, description, startsAt } = alertOf(watch, finding);
    return toSignal(
      {
        source: 'watch',
        status: endsAt === null ? 'firing' : 'resolved',
        labels: new Map([
          ['alertname', alertname],
          ['service', watch.service],
          ['environment', watch.environment],
          ['severity', severity],
          ['version', watch.version],
        ]),
        annotations: new Map([
          ['summary', summary],
          ...(description === undefined ? [] : [['description', description] as const]),
          [WATCH_ANNOTATION, watch.id],
        ]),
        startsAt,
        endsAt,
        fingerprint: `${watch.id}-${finding}`,
        episodic: true,
        generatorUrl: null,
      },
      current,
      finding === 'degraded',
    );
  });
  if (signals.length === 0) return;
  // A watch has the trace of its change: the ids of both end in the same 26 digits, which, padded, are the trace id.
  const trace = watch.id.slice(-26).padStart(32, '0');
  const state = endsAt === null ? 'firing' : 'resolved';
  await queue.sendAll({ id: `${watch.id}-${state}`, at: clock.now(), trace }, signals);
}

/** `summary`: also the title of an incident, so without values of the moment. */
type WatchAlert = { alertname: string; severity: string; summary: string; description?: string; startsAt: Timestamp };

function alertOf(watch: WatchRecord, finding: WatchFinding): WatchAlert {
  const { version, reason, startup, started_at, degraded_since } = watch;
  switch (finding) {
    case 'degraded':
      return {
        alertname: 'DeployDegraded',
        severity: 'warning',
        summary: `${version} is degraded since its deploy`,
        ...(reason !== null && { description: reason }),
        startsAt: degraded_since ?? started_at,
      };
    case 'inconclusive':
      return {
        alertname: 'DeployInconclusive',
        severity: 'info',
        summary: `The watch of ${version} is inconclusive: ${reason}`,
        startsAt: started_at,
      };
    case 'slow':
      return {
        alertname: 'DeployStartSlow',
        severity: 'info',
        summary:
          startup.seconds === null
            ? `${version} did not serve within ${startup.max_seconds} s after its deploy`
            : `${version} served only ${Math.round(startup.seconds)} s after its deploy; at most ${startup.max_seconds} s are expected`,
        startsAt: started_at,
      };
  }
}
