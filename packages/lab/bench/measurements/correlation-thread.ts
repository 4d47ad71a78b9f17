/** Thread of `correlationInThreads`: judges one set, whose seed is `workerData`, and posts the evaluations. */
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { judgeSet } from './correlation.ts';

parentPort?.postMessage(await judgeSet(z.number().parse(workerData)), []); // empty transfer list: copied
