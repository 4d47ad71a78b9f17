/**
 * Result of one request to a vendor. `later`: certainly not done. `unclear`: may have been done, or may still be: check
 * before repeating. `refused`: fails until someone changes something; `code` is the vendor's error code.
 */
export type VendorResponse<T> =
  | { kind: 'done'; value: T }
  | { kind: 'later'; detail: string; afterSeconds: number | null }
  | { kind: 'unclear'; detail: string }
  | { kind: 'refused'; code: string; detail: string }
  | { kind: 'off'; detail: string };
