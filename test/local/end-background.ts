import { existsSync } from 'node:fs';
import { isMainThread, workerData } from 'node:worker_threads';

/** Loaded into all threads of the product (`node --import`). Throws in the background thread once the file FIREBREAK_END exists. */
const { FIREBREAK_END: file = '' } = process.env;

const isBackground = !isMainThread && typeof workerData === 'object' && workerData !== null && 'figures' in workerData;
if (isBackground)
  setInterval(() => {
    if (existsSync(file)) throw new Error('the test ends it');
  }, 20).unref();
