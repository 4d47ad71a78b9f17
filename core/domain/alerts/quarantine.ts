export type Quota = { entries: number; bytes: number };

const MIB = 1024 * 1024;

/** Daily quota (UTC) of the quarantine for all external input. Stored entries are kept; further ones are refused. */
export const QUARANTINE_DAILY_QUOTA: Quota = { entries: 2000, bytes: 256 * MIB };

/** Daily quota of one sender, so that a wrong template leaves room for other senders. */
export const QUARANTINE_DAILY_SENDER_QUOTA: Quota = { entries: 500, bytes: 64 * MIB };

/** Thrown if the daily quota of the sender, or of all senders, is used up. */
export class QuarantineFull extends Error {
  override readonly name = 'QuarantineFull';
  readonly source: string;

  constructor(source: string, sender: string | null) {
    super(`the daily quota of the quarantine is used up${sender === null ? '' : `, in total or for ${sender}`}`);
    this.source = source;
  }
}
