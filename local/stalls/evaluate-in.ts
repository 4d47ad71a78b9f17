import { Session } from 'node:inspector';
import type { ThreadName } from './protocol.ts';

/** The answer of `Runtime.evaluate`. */
type Evaluated = { result?: { value?: unknown } };

/**
 * Evaluates an expression in a thread that is busy. The inspector interrupts JavaScript and regular expressions, but not
 * other native code such as `JSON.parse`: the answer then comes after it. Opens no port, and is connected only meanwhile,
 * because code runs more slowly while a debugger is connected.
 *
 * @param then gets the text, or what came instead of it
 */
export function evaluateIn(
  thread: ThreadName,
  expression: string,
  then: (text: string | undefined, reply: unknown) => void,
): void {
  const session = new Session();
  const answered = (error: Error | null, reply: unknown): void => {
    session.disconnect();
    const value = (reply as Evaluated | undefined)?.result?.value;
    then(typeof value === 'string' ? value : undefined, error ?? reply);
  };
  session.connectToMainThread();
  const evaluation = { expression, returnByValue: true };
  if (thread === 'main') session.post('Runtime.evaluate', evaluation, answered);
  else throughMainThread(session, thread, evaluation, answered);
}

/** Evaluates in a worker. The agent that reaches workers runs in the main thread, which is interrupted for that, too. */
function throughMainThread(
  session: Session,
  name: string,
  evaluation: { expression: string; returnByValue: boolean },
  answered: (error: Error | null, reply: unknown) => void,
): void {
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    if (!workerInfo.title.endsWith(` ${name}`)) return;
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: evaluation });
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    const { id, result } = JSON.parse(params.message) as { id?: number; result?: Evaluated };
    if (id === 1) session.post('NodeWorker.disable', () => answered(null, result));
  });
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
}
