/**
 * Returns the URL of a flag, from the configured template.
 *
 * Encodes names so that they can't change the path. Refuses `.` and `..`, which change the path even when encoded.
 */
export function addressOf(
  template: string,
  { flag, environment }: { flag: string; environment: string },
): { url: string } | { refused: string } {
  if (!template.includes('{flag}'))
    return { refused: `the address of the flag service, ${template}, has no placeholder {flag}` };
  const bad = [flag, environment].find((name) => !isSegment(name));
  if (bad !== undefined) return { refused: `${JSON.stringify(bad)} is not allowed in a URL, so nothing was called` };
  return {
    url: template
      .replaceAll('{flag}', () => encodeURIComponent(flag))
      .replaceAll('{environment}', () => encodeURIComponent(environment)),
  };
}

const isSegment = (name: string): boolean => !/^\.{0,2}$/.test(name) && name.isWellFormed();
