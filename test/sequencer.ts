import { readFileSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What a file names that starts a product of its own, or several. */
const STARTS_A_PRODUCT = /support\/(firebreak|scenario)|\/(guarded|each)\.ts/;

/** Files that start a product take longest, and their size does not tell: they begin first, so that none is waited for at the end. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const all = await super.sort(files);
    const starts = new Set(all.filter(({ moduleId }) => STARTS_A_PRODUCT.test(readFileSync(moduleId, 'utf8'))));
    return [...starts, ...all.filter((file) => !starts.has(file))];
  }
}
