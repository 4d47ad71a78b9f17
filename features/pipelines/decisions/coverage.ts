/**
 * Returns the share of covered lines in a report of Cobertura (XML) or lcov, 0 to 1. Undefined: it is neither, or has no
 * lines.
 *
 * @see https://github.com/cobertura/web/blob/master/htdocs/xml/coverage-04.dtd
 * @see https://man.archlinux.org/man/geninfo.1#TRACEFILE_FORMAT
 */
export function coverageIn(text: string): number | undefined {
  const root = /<coverage\s[^>]*>/.exec(text)?.[0];
  if (root !== undefined) {
    const attribute = (name: string) => Number(new RegExp(String.raw`\s${name}=["']([\d.eE+-]+)["']`).exec(root)?.[1]);
    const [covered, valid, rate] = [attribute('lines-covered'), attribute('lines-valid'), attribute('line-rate')];
    return share(covered, valid) ?? share(rate, 1);
  }
  // Sums of lcov's records: LH is the number of covered lines, LF of all lines.
  const sum = (tag: string) =>
    [...text.matchAll(new RegExp(String.raw`^${tag}:(\d+)\s*$`, 'gm'))].reduce(
      (total, [, count]) => total + Number(count),
      0,
    );
  return /^end_of_record\s*$/m.test(text) ? share(sum('LH'), sum('LF')) : undefined;
}

const share = (covered: number, all: number): number | undefined =>
  all > 0 && covered >= 0 && covered <= all ? covered / all : undefined;
