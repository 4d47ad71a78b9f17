/** Thread of `correlationBeside`: `workerData` is the seed of a set. */
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { judgeSet } from './correlation.ts';

parentPort?.postMessage(judgeSet(z.number().parse(workerData)), []); // copied, not transferred
