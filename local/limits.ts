import type { Limits } from '../aws/clients/client.ts';

/**
 * For clients of the emulations. A call waits as long as a function may run or a queue may be polled, and a busy
 * machine is not an outage.
 */
export const EMULATION_LIMITS: Limits = { connectMs: 30_000, attemptMs: 90_000, callMs: 300_000 };
