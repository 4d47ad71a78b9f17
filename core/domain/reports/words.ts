/** Formats a number with its noun: `1 task`, `2 tasks`. */
export const counted = (count: number, singular: string, plural = `${singular}s`): string =>
  `${count} ${count === 1 ? singular : plural}`;

/** Formats a share, 0 to 1, in percent. */
export const share = (value: number | null): string =>
  value === null ? 'no data' : `${Number((value * 100).toFixed(1))} %`;

/** Shows a duration with up to two units. */
export function duration(seconds: number | null): string {
  if (seconds === null) return 'no data';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 24) return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
