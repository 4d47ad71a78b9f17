import { inputInProgress } from '../../core/actions/input-in-progress.ts';
import { answerAbout } from './answer.ts';
import { DESCRIBE, THREADS, type ThreadName } from './protocol.ts';
import { BEAT_EVERY_MS } from './stall.ts';

const STACK_FRAMES = 20;

/**
 * Lets the heart of this thread beat, so that a stall of it is noticed.
 *
 * @returns what ends that; the thread is not watched then
 */
export function startBeating(beats: Int32Array, thread: ThreadName): () => void {
  const place = THREADS.indexOf(thread);
  const beat = () => void Atomics.add(beats, place, 1);
  beat();
  const timer = setInterval(beat, BEAT_EVERY_MS).unref();
  Object.assign(globalThis, { [DESCRIBE]: describe });
  return () => {
    clearInterval(timer);
    Atomics.store(beats, place, 0);
  };
}

/** Describes the code that was in progress when the worker interrupted it. */
function describe(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  const [, , , ...frames] = stack.split('\n'); // without the message, this function, and the worker's expression
  const root = new URL('../..', import.meta.url).href;
  return answerAbout(
    inputInProgress(),
    frames.map((frame) => frame.trim().replace(/^at /, '').replace(root, '')),
  );
}
