export type Quota = { entries: number; bytes: number };

const MIB = 1024 * 1024;

/** What is kept on a day (UTC) of all that comes from outside. What is kept stays; what comes after that is refused. */
export const QUARANTINE_A_DAY: Quota = { entries: 2000, bytes: 256 * MIB };

/** And of one sender, so that one with a wrong template leaves room for the others. */
export const QUARANTINE_A_SENDER_A_DAY: Quota = { entries: 500, bytes: 64 * MIB };

/** It was not kept: there is no room for more of this sender, or of all, today. */
export class QuarantineFull extends Error {
  override readonly name = 'QuarantineFull';
  readonly source: string;

  constructor(source: string, sender: string | null) {
    super(
      `as much as is kept of a day could not be read already${sender === null ? '' : `, in all or from ${sender}`}`,
    );
    this.source = source;
  }
}
