/** Error for work that did not finish before its deadline. */
export class Late extends Error {
  override readonly name = 'Late';
}

/**
 * Waits for work with a deadline. After the deadline, the work itself continues in the background.
 *
 * @throws Late
 */
export async function withDeadline<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Late(`no answer within ${milliseconds} ms`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
