/** Returns what a person did, with the note that they gave. @example 'Approved the rollback: go' */
export const withNote = (act: string, note: string): string => (note === '' ? act : `${act}: ${note}`);
