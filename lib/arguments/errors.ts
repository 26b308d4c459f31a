/** Stable machine-readable reasons; the message says which argument, what was expected and what came. */
export type ErrorCode =
  | 'ERR_SHAPE'
  | 'ERR_DTYPE'
  | 'ERR_RANGE'
  | 'ERR_LABEL'
  | 'ERR_BOX'
  | 'ERR_OPTION'
  | 'ERR_BACKEND'
  | 'ERR_DEVICE'
  | 'ERR_GRADIENT'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_NATIVE'
  | 'ERR_DATA';

/** The one error class of this package. Compare `code`; messages may become clearer between versions. */
export class RetinanetOpsError extends Error {
  /** Also of errors of another realm or copy of this package, for which `instanceof` is false. */
  override readonly name = 'RetinanetOpsError';
  /** The reason, for programs. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
