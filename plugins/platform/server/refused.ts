/** A request that is not done, for a reason that whoever asked may know. */
export class Refused extends Error {
  override name = 'Refused';

  constructor(
    readonly status: number,
    message: string,
    /** The part of the request that is meant; seconds after which to try again; what programs tell it by. */
    readonly more: { readonly field?: string; readonly retryAfter?: number; readonly name?: string } = {},
  ) {
    super(message);
  }
}

export const notFound = (what: string): Refused => new Refused(404, `there is no ${what}`);
