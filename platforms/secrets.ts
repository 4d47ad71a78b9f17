/** Secrets by name, such as `PAGERDUTY_ROUTING_KEY`. A changed value is seen within a minute. */
export interface Secrets {
  /**
   * @returns undefined if it is not set
   * @throws SecretsUnreadable if it cannot be read, and no earlier value is known
   */
  get(name: string): Promise<string | undefined>;
}

/** Thrown if neither the current nor an earlier value of a secret is known, or the process may not read it. */
export class SecretsUnreadable extends Error {
  override readonly name = 'SecretsUnreadable';
}

/** SSM cannot store empty values. Two quotation marks stand for a value that is empty on purpose. */
const EMPTY = '""';

/** Returns the secret that a stored value stands for. */
export const secretIn = (stored: string | undefined): string | undefined => (stored === EMPTY ? '' : stored);
