import { gauge, timeSampleOf } from '../../entrances/http/routes/metrics/exposition.ts';
import type { FeatureMetrics } from '../manifest.ts';
import { streamState } from './ports.ts';

/** What the receiver of the audit log lacks. */
export const metrics: FeatureMetrics = {
  async current(deps) {
    const { failure } = await streamState(deps);
    return [
      gauge(
        'firebreak_audit_stream_unsent_oldest_timestamp_seconds',
        'Time of the oldest entry of the audit log that its receiver did not accept, in seconds since the epoch; absent if the last request succeeded',
        timeSampleOf({}, failure?.oldest.at ?? null),
      ),
    ];
  },
};
