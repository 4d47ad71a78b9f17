import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:process';

/** The tested release. Older releases may not be able to read its data file. */
const DYNOXIDE_VERSION = '1.2.1';

/**
 * Returns the path of the program that emulates DynamoDB: `configured` (the value of `FIREBREAK_DYNOXIDE_BIN`),
 * otherwise the npm package for this platform.
 *
 * @throws Error with instructions if there is no program, or if `configured` can't be executed
 */
export function findDynoxide(configured: string | undefined): string {
  if (configured !== undefined) return executable(configured);
  const name = `@dynoxide/${platform}-${arch}`;
  try {
    return executable(createRequire(import.meta.url).resolve(`${name}/dynoxide`));
  } catch (cause) {
    throw new Error(
      `No DynamoDB for ${platform}-${arch}. Install its package (npm install --no-save ${name}@${DYNOXIDE_VERSION}), ` +
        'or set FIREBREAK_DYNOXIDE_BIN to a dynoxide program, or AWS_ENDPOINT_URL_DYNAMODB to a running DynamoDB.',
      { cause },
    );
  }
}

function executable(path: string): string {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (cause) {
    throw new Error(`${path} cannot be executed. Set FIREBREAK_DYNOXIDE_BIN to a dynoxide program, or unset it.`, {
      cause,
    });
  }
}
