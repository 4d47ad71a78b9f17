import type { NegativeKind } from '../case.ts';
import { coincidence } from './coincidence.ts';
import { clockSkew, fixShipped, twoDeploys } from './entangled.ts';
import { dependencyFailure, noisyAlert, slowLeak, thirdParty, trafficSpike } from './outside.ts';
import type { Scene } from './scene.ts';

export const negativeScenes: Record<NegativeKind, Scene> = {
  dependency_failure: dependencyFailure,
  coincidence,
  slow_leak: slowLeak,
  traffic_spike: trafficSpike,
  third_party: thirdParty,
  noisy_alert: noisyAlert,
  clock_skew: clockSkew,
  two_deploys: twoDeploys,
  fix_shipped: fixShipped,
};
