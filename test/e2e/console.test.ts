import { LOOKS, testConsole } from './support/console.ts';

testConsole(LOOKS, LOOKS);
