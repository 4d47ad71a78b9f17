/** Values that a template of a link can contain, as `${{ NAME }}`, beside `labels.NAME` of the alerts. */
const VALUES = ['service', 'environment', 'team', 'severity', 'incident'] as const;

/** The start and the end of the time range, in the units that vendors read. */
const TIMES = ['from', 'to'].flatMap((end) => ['iso', 's', 'ms', 'us'].map((unit) => `${end}.${unit}`));

const LABEL = /^labels\.[^\s{}]+$/;

/** Part of a template: text of its author, or the name of a value. */
export type TemplatePart = { text: string } | { value: string };

/** Splits a template at its placeholders. A `${{` without an end is text. */
export function templateParts(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let at = 0;
  for (const { index, 0: whole, 1: name = '' } of template.matchAll(/\$\{\{([^{}]*)\}\}/g)) {
    if (index > at) parts.push({ text: template.slice(at, index) });
    parts.push({ value: name.trim() });
    at = index + whole.length;
  }
  if (at < template.length) parts.push({ text: template.slice(at) });
  return parts;
}

export const isTime = (name: string): boolean => TIMES.includes(name);

/** Returns what is wrong with the names of the placeholders, with how to correct it. Empty: nothing. */
export function placeholderProblems(template: string): string[] {
  const problems = templateParts(template).flatMap((part) =>
    !('value' in part) ||
    (VALUES as readonly string[]).includes(part.value) ||
    isTime(part.value) ||
    LABEL.test(part.value)
      ? []
      : [
          `unknown placeholder \${{ ${part.value} }}; use ${VALUES.join(', ')}, labels.NAME for a label of the alert, or a time: ${TIMES.join(', ')}`,
        ],
  );
  const open = templateParts(template).some((part) => 'text' in part && part.text.includes('${{'));
  return open ? [...problems, 'a placeholder is not closed; write ${{ service }}'] : problems;
}
