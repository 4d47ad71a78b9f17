import type { SloStatus } from '../../schemas/slo/slo-status.ts';

/** Describes the corrections of a status, as in `load_test "Rehearsal" (ada)`. Empty: none applies. */
export function correctionsInWords({ corrected }: Pick<SloStatus, 'corrected'>): string {
  if (corrected == null) return '';
  const named = corrected.corrections.map(
    ({ category, reason, created_by: by }) => `${category} ${JSON.stringify(reason)} (${by})`,
  );
  const more = corrected.count - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
