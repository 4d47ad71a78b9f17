import type { Instance } from '../scenes/rollouts.ts';
import type { Labelling } from '../services.ts';
import type { Recording } from './series.ts';

/** Returns the recordings of an instance with the labels that monitoring adds. @param before version of the instance before it */
export function labelled(
  labelling: Labelling | undefined,
  { version, from }: Instance,
  before: string | undefined,
  recordings: readonly Recording[],
): readonly Recording[] {
  switch (labelling?.fault) {
    case undefined:
      return recordings;
    case 'late':
      return before === undefined
        ? recordings
        : recordings.flatMap((one) => relabelled(one, { until: from + labelling.seconds, version: before }));
    case 'lost':
      return from < labelling.startedSince ? recordings : recordings.map(withoutVersion);
    case 'successes':
      return labelling.versions.includes(version)
        ? recordings.map((one) => (one.labels['code'] === '500' ? withoutVersion(one) : one))
        : recordings;
  }
}

function withoutVersion(recording: Recording): Recording {
  const { version: _, ...labels } = recording.labels;
  return { ...recording, labels };
}

/** Returns a series that carries another version until a time, and one that continues it. */
function relabelled(recording: Recording, { until, version }: { until: number; version: string }): Recording[] {
  const { labels, times, values, stale } = recording;
  const first = times.findIndex((at) => at >= until);
  const end = first === -1 ? times.length : first;
  const marker = first === -1 ? [] : [times[first] ?? until];
  return [
    {
      labels: { ...labels, version },
      times: [...times.slice(0, end), ...marker],
      values: [...values.slice(0, end), ...marker.map(() => NaN)],
      stale: [...stale.slice(0, end), ...marker.map(() => 1)],
    },
    { labels, times: times.slice(end), values: values.slice(end), stale: stale.slice(end) },
  ];
}
