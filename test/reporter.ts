import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with one line for scripts, as the very last output: `12 passed, 0 failed, 1 skipped` (`skipped` only if
 * there are any). Counts are test cases. A file or suite that fails outside of its tests, an unhandled error, and a
 * test that did not finish count as one failure each. The exit code is 1 if anything failed or no test ran.
 */
export default class LastLine implements Reporter {
  readonly #count = { passed: 0, failed: 0, skipped: 0 };

  onInit(): void {
    process.once('exit', () => this.#print()); // at exit, because no other output can follow
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    for (const module of modules) this.#add(module);
    this.#count.failed += unhandled.length;
  }

  #add(module: TestModule): void {
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      this.#count[state === 'pending' ? 'failed' : state] += 1;
    }
    const holders = [module, ...module.children.allSuites()];
    this.#count.failed += holders.filter((holder) => holder.errors().length > 0).length;
  }

  #print(): void {
    const { passed, failed, skipped } = this.#count;
    if (failed > 0 || passed === 0) process.exitCode ||= 1;
    process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
}
