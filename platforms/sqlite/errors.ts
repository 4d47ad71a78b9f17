/** SQLite's numbers of errors, without what extends them. */
export const SQLITE = {
  busy: 5,
  noMemory: 7,
  readOnly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  noDatabase: 26,
} as const;

/** Thrown by reads and transactions that find a damaged page. Those that need other pages succeed. */
export class DatabaseDamaged extends Error {
  override readonly name = 'DatabaseDamaged';
  readonly errcode: number;

  constructor(message: string, errcode: number, options?: ErrorOptions) {
    super(message, options);
    this.errcode = errcode;
  }
}

/** Returns whether SQLite's number of an error means damage. */
export const isDamage = (code: number | undefined): code is number =>
  code === SQLITE.corrupt || code === SQLITE.noDatabase;

/** Returns SQLite's number of an error, as in `SQLITE`. Undefined: the error is not SQLite's. */
export const sqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
