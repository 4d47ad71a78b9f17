import { testPollingRunbooks, testWorstRounds } from './worst-rounds.ts';

testWorstRounds(1);
testPollingRunbooks(30);
