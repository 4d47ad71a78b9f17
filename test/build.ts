import { build } from '../scripts/build.ts';

/** Bundles the product before the tests start, as it runs in production. */
export const setup = (): Promise<void> => build();
