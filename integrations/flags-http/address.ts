/**
 * Where a flag is, by the template of the configuration.
 *
 * Names are encoded, so that none can leave its place in the address; `.` and `..` would all the same, encoded or not.
 */
export function addressOf(
  template: string,
  { flag, environment }: { flag: string; environment: string },
): { url: string } | { refused: string } {
  if (!template.includes('{flag}'))
    return { refused: `the address of the flag service, ${template}, has no {flag}, so it names no flag` };
  const bad = [flag, environment].find((name) => !isSegment(name));
  if (bad !== undefined) return { refused: `${JSON.stringify(bad)} can't stand in an address, so nothing was called` };
  return {
    url: template
      .replaceAll('{flag}', () => encodeURIComponent(flag))
      .replaceAll('{environment}', () => encodeURIComponent(environment)),
  };
}

const isSegment = (name: string): boolean => !/^\.{0,2}$/.test(name) && name.isWellFormed();
