import { type Secrets, secretIn } from '../secrets.ts';

/** Reads secrets of the process at each call, such as from its environment: a changed one is seen at once. */
export const environmentSecrets = (read: (name: string) => string | undefined): Secrets => ({
  get: async (name) => secretIn(read(name)),
});
