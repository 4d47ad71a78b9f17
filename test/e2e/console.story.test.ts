import { testConsole } from './support/console.ts';

testConsole(['in light'], ['in light', 'on a dark phone']);
