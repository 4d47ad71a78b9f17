import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:process';

/** The release this project is tested with; its data file is not promised to be readable by an older one. */
const DYNOXIDE_VERSION = '1.2.1';

/**
 * Path of the program that plays DynamoDB: `configured` (the value of `FIREBREAK_DYNOXIDE_BIN`), else the npm package
 * of this platform.
 *
 * @throws Error that names the fix when there is none, or when `configured` cannot be executed
 */
export function findDynoxide(configured: string | undefined): string {
  if (configured !== undefined) return executable(configured);
  const name = `@dynoxide/${platform}-${arch}`;
  try {
    return executable(createRequire(import.meta.url).resolve(`${name}/dynoxide`));
  } catch (cause) {
    throw new Error(
      `No DynamoDB for ${platform}-${arch}. Install its package (npm install --no-save ${name}@${DYNOXIDE_VERSION}), ` +
        'or set FIREBREAK_DYNOXIDE_BIN to a dynoxide program, or AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB that runs.',
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
