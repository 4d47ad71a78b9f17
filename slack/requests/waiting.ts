import type { SlackDeps } from '../../domain/slack/ports.ts';
import type { ReaderOf } from './reader.ts';
import type { Knowledge } from './reading.ts';

/** Dependencies and cached data for responses while Slack waits. */
export type Waiting = { deps: SlackDeps; known: Knowledge; readerOf: ReaderOf; trace: string };
