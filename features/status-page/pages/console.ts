import type { ConsoleParts } from '../../../entrances/console/pages/page.ts';
import { INTERNAL_PATH } from '../decisions/pages.ts';
import { withPorts } from '../ports.ts';

/** Internal status pages, for people who are signed in. */
export const parts: ConsoleParts = {
  after: '',
  pages: [],
  downloads: [
    {
      path: `${INTERNAL_PATH}/*`,
      async read(deps, caller, { path }) {
        caller.allow('incidents:read', {});
        return (await import('./internal.ts')).internalFile(withPorts(deps), path);
      },
    },
  ],
};
