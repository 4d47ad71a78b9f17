/**
 * Measures one after the other. On a busy machine fewer are measured, and that is told: none begins when `seconds` have
 * passed, so that the other parts have their time. The first always is.
 *
 * @param what of which there are fewer, in the plural
 */
export async function whileTimeLasts<Round, Measured>(
  what: string,
  seconds: number,
  rounds: readonly Round[],
  measure: (round: Round, number: number) => Promise<Measured>,
): Promise<Measured[]> {
  const end = performance.now() + seconds * 1000;
  const measured: Measured[] = [];
  for (const [number, round] of rounds.entries()) {
    if (number > 0 && performance.now() > end) break;
    measured.push(await measure(round, number));
  }
  if (measured.length < rounds.length)
    console.error(`bench: the machine is busy, so there were ${measured.length} of ${rounds.length} ${what}`);
  return measured;
}
