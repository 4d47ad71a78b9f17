/**
 * Returns, for each set of conditions, the index of the first earlier one that everything which meets it meets as well: it has no
 * conditions that this one lacks. Each set is compared only with those that share their rarest condition with it.
 */
export function firstCovering(
  all: readonly (readonly string[])[],
  canCover: (index: number) => boolean = () => true,
): (number | undefined)[] {
  const counts = new Map<string, number>();
  for (const condition of all.flat()) counts.set(condition, (counts.get(condition) ?? 0) + 1);
  const byRarest = new Map<string | undefined, number[]>();
  return all.map((conditions, index) => {
    const own = new Set<string | undefined>(conditions);
    const covering = [undefined, ...own]
      .map((condition) => byRarest.get(condition)?.find((earlier) => all[earlier]?.every((one) => own.has(one))))
      .filter((earlier) => earlier !== undefined);
    const [rarest] = conditions.toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0));
    if (covering.length === 0 && canCover(index)) {
      const others = byRarest.get(rarest);
      if (others === undefined) byRarest.set(rarest, [index]);
      else others.push(index);
    }
    return covering.length === 0 ? undefined : Math.min(...covering);
  });
}
