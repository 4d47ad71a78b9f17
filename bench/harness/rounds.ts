/**
 * Measures rounds one after another. After `seconds`, starts no further round and prints how many were measured, so that
 * other parts have time on a busy machine. Always measures the first round.
 *
 * @param what name of the rounds, in the plural
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
    console.error(`bench: the machine is busy: measured ${measured.length} of ${rounds.length} ${what}`);
  return measured;
}
