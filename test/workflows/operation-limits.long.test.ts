import { testPollingRunbooks, testWorstRounds } from './worst-rounds.ts';

// 30 hand-overs in all.
testWorstRounds(6);
testPollingRunbooks(100);
