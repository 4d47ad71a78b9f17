/**
 * An SQS error response. AWS gives each error two names: `shape` becomes the body's `__type`, and `code` the header
 * `x-amzn-query-error`, from which the SDK clients set `error.Code`.
 */
export class SqsError extends Error {
  override readonly name = 'SqsError';
  readonly shape: string;
  readonly code: string;

  constructor(shape: string, code: string, message: string) {
    super(message);
    this.shape = shape;
    this.code = code;
  }
}

export const missingParameter = (name: string): SqsError =>
  new SqsError(
    'MissingRequiredParameterException',
    'MissingParameter',
    `The request must contain the parameter ${name}.`,
  );

export const invalidParameter = (message: string): SqsError =>
  new SqsError('InvalidParameterValueException', 'InvalidParameterValue', message);

/** Returns the error for a value out of range, with the usual message. */
export const invalidValue = (value: unknown, parameter: string, reason: string): SqsError =>
  invalidParameter(`Value ${String(value)} for parameter ${parameter} is invalid. Reason: ${reason}`);

export const unknownAttribute = (name: string): SqsError => invalidAttributeName(`Unknown Attribute ${name}.`);

export const invalidAttributeName = (message: string): SqsError =>
  new SqsError('InvalidAttributeName', 'InvalidAttributeName', message);

export const invalidAttributeValue = (name: string, reason?: string): SqsError =>
  new SqsError(
    'InvalidAttributeValue',
    'InvalidAttributeValue',
    `Invalid value for the parameter ${name}.${reason === undefined ? '' : ` Reason: ${reason}`}`,
  );

export const queueDoesNotExist = (): SqsError =>
  new SqsError('QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue', 'The specified queue does not exist.');

export const queueNameExists = (attribute: string): SqsError =>
  new SqsError(
    'QueueNameExists',
    'QueueAlreadyExists',
    `A queue already exists with the same name and a different value for attribute ${attribute}`,
  );

export const receiptHandleIsInvalid = (handle: string): SqsError =>
  new SqsError(
    'ReceiptHandleIsInvalid',
    'ReceiptHandleIsInvalid',
    `The input receipt handle "${handle}" is not a valid receipt handle.`,
  );

export const invalidMessageContents = (): SqsError =>
  new SqsError(
    'InvalidMessageContents',
    'InvalidMessageContents',
    'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | ' +
      '#x10000 to #x10FFFF',
  );

const batchError = (shape: string, message: string): SqsError =>
  new SqsError(shape, `AWS.SimpleQueueService.${shape}`, message);

export const emptyBatchRequest = (): SqsError =>
  batchError('EmptyBatchRequest', 'There should be at least one entry in the request.');

export const tooManyEntries = (max: number, sent: number): SqsError =>
  batchError(
    'TooManyEntriesInBatchRequest',
    `Maximum number of entries per request are ${max}. You have sent ${sent}.`,
  );

export const batchEntryIdsNotDistinct = (id: string): SqsError =>
  batchError('BatchEntryIdsNotDistinct', `Id ${id} repeated.`);

export const invalidBatchEntryId = (): SqsError =>
  batchError(
    'InvalidBatchEntryId',
    'A batch entry id can only contain alphanumeric characters, hyphens and underscores. ' +
      'It can be at most 80 letters long.',
  );

export const batchRequestTooLong = (maxBytes: number, sentBytes: number): SqsError =>
  batchError(
    'BatchRequestTooLong',
    `Batch requests cannot be longer than ${maxBytes} bytes. You have sent ${sentBytes} bytes.`,
  );

export const unknownOperation = (operation: string): SqsError =>
  new SqsError('UnknownOperationException', 'InvalidAction', `The operation ${operation} is not emulated here.`);

export const unreadableRequest = (reason: string): SqsError =>
  new SqsError('SerializationException', 'MalformedInput', `The request cannot be parsed: ${reason}`);
