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

/** Sources of inputs that a receiver had accepted before they could not be processed. */
const QUEUES: readonly string[] = ['queue', 'people'];

/** Returns whether inputs of a source were read from a queue of Firebreak, so that nobody waits for an answer. */
export const isFromQueue = (source: string): boolean => QUEUES.includes(source);

/** Says what the sender of an input in quarantine was answered. */
export const answerText = ({ source, status }: { source: string; status: number | null }): string =>
  isFromQueue(source) ? 'accepted, but not processed' : status === null ? 'not answered' : `answered with ${status}`;
