import type { Clock } from '../../core/domain/ports/system.ts';
import { timestamp } from '../../schemas/time/time.ts';

export const systemClock: Clock = { now: () => timestamp(Date.now()) };
