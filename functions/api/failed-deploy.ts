import { randomUUID } from 'node:crypto';
import type { Deps } from '../../domain/ports.ts';
import type { Change } from '../../schemas/change.ts';
import { enqueue } from './alerts.ts';

/** A failed deploy counts as a signal of its service: it takes the way of every other one. */
export async function reportFailedDeploy(deps: Deps, change: Change, trace: string): Promise<void> {
  const { id, service, environment, version, kind, url } = change;
  const at = change.finished_at ?? change.started_at;
  await enqueue(
    deps,
    { id: randomUUID(), at: deps.clock.now(), trace },
    [
      {
        source: 'deployment',
        status: 'firing',
        labels: new Map([
          ['alertname', 'DeploymentFailed'],
          ['service', service],
          ['environment', environment],
          ['severity', 'warning'],
          ['version', version],
        ]),
        annotations: new Map([['summary', `The ${kind} of ${version} failed`]]),
        startsAt: at,
        endsAt: null,
        fingerprint: id,
        episodic: true,
        generatorUrl: url,
      },
    ],
    false,
  );
}
