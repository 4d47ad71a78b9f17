import { setTimeout as sleep } from 'node:timers/promises';
import type { VendorResponse } from '../../domain/messages/channels.ts';
import { exportStatuspage, type StatuspageExport } from '../../integrations/statuspage/export.ts';
import { type Timestamp, timestamp } from '../../schemas/time/time.ts';

export type { StatuspageExport } from '../../integrations/statuspage/export.ts';

/** Slightly below Statuspage's limit of one call per second. */
const PAUSE_MS = 1100;

/** Reads components and subscribers of a page at Statuspage. */
export const readStatuspage = ({
  url,
  key,
  page,
}: {
  url: string;
  key: string;
  page: string;
}): Promise<VendorResponse<StatuspageExport>> =>
  exportStatuspage(
    {
      apiUrl: async () => url,
      apiKey: async () => key,
      pageId: async () => page,
      clock: { now: (): Timestamp => timestamp(Date.now()) },
    },
    () => sleep(PAUSE_MS),
  );
