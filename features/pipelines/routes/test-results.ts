import * as z from 'zod';
import { recordTestResults, serviceOfTests } from '../actions/record-test-results.ts';
import { contentRefusal } from '../../../core/domain/refusal.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { FLAKY_NAMED_MAX, type TestCase } from '../decisions/flaky-tests.ts';
import type { Deps } from '../ports.ts';
import { junitCases, JUnitError } from '../vendors/junit.ts';
import { TestResultsQuery } from '../test-results.ts';
import { type Api, answers, createRoute, endpoint, problems } from '../../../entrances/http/endpoint.ts';
import { textIn } from '../../../entrances/http/middleware/i-json.ts';
import { readDecompressed } from '../../../entrances/http/middleware/decompressed-body.ts';

const TestResults = z
  .object({
    service: z.string(),
    suite: z.string(),
    passed: z.number(),
    failed: z.number(),
    skipped: z.number(),
    flaky_count: z.number().meta({ description: 'Tests that this file shows to be flaky, and that were not known' }),
    flaky: z
      .array(z.object({ classname: z.string(), name: z.string() }))
      .meta({ description: `At most ${FLAKY_NAMED_MAX} of them` }),
  })
  .meta({ id: 'TestResults' });

/** Registers the route for test results. */
export function testResultRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'pipelines:write',
    createRoute({
      method: 'post',
      path: '/v1/pipelines/tests',
      tags: ['pipelines'],
      summary: 'Upload test results of a commit as JUnit XML, also with Content-Encoding: gzip',
      request: {
        query: TestResultsQuery,
        body: { required: true, content: { 'application/xml': { schema: z.string() } } },
      },
      responses: {
        201: answers('Recorded', TestResults),
        200: answers('Already recorded', TestResults),
        400: problems('The body cannot be decompressed, or is not UTF-8'),
        413: problems('Larger than 4 MiB, or than 24 MiB when decompressed'),
        422: problems('Not accepted as JUnit XML, or the query is invalid'),
      },
    }),
    async (c) => {
      const query = c.req.valid('query');
      const service = await serviceOfTests(deps, query);
      c.var.allow({ service });
      const file = await readDecompressed(c);
      const { counts, flaky, flakyCount, created } = await recordTestResults(deps, service, query, {
        cases: await casesIn(file),
        hash: sha256(file),
      });
      return c.json({ service, suite: query.suite, ...counts, flaky_count: flakyCount, flaky }, created ? 201 : 200);
    },
  );
}

/** @throws Refusal 400 if the file is not UTF-8, 422 if it is not accepted as JUnit XML */
async function casesIn(file: Uint8Array): Promise<TestCase[]> {
  try {
    return await junitCases(textIn(file, 'not-utf-8'));
  } catch (error) {
    if (error instanceof JUnitError) throw contentRefusal(422, 'not-junit', error.message);
    throw error;
  }
}
