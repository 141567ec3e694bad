import { setTimeout as sleep } from 'node:timers/promises';

/** Of PostgreSQL: connections, shutdowns, too few resources, transactions that others were in the way of. */
const states = /^(08|57P|53|40)/;
const codes = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** Of `fetch`. */
const fetching = /^UND_ERR_(SOCKET|(CONNECT|HEADERS|BODY)_TIMEOUT)$/;
const messages = /Connection terminated|connection error|timeout exceeded|Connection ended|client was closed/i;

interface Failure extends Error {
  readonly code?: unknown;
  /** Of S3. */
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly errors?: readonly unknown[];
  /** Of a server of ours; seconds after which to try again. */
  readonly status?: number;
  readonly retryAfter?: number | undefined;
}

/** Whether a database, a store or a server could not be reached, or broke off: the same again may succeed later. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, message, name, cause, $metadata, errors, status: own } = error as Failure;
  if (typeof code === 'string' && [states, codes, fetching].some(outages => outages.test(code))) return true;
  const status = $metadata?.httpStatusCode ?? own ?? 0;
  // 507 is no space left
  if ((status >= 500 && status !== 507) || status === 429) return true;
  return name === 'TimeoutError' || messages.test(message) || [cause, ...(errors ?? [])].some(isOutage);
}

/** Does it again, through outages, until it succeeds. Throws what is no outage, and the signal's reason. */
export async function throughOutages<T>(
  work: () => Promise<T>,
  { signal, report }: { readonly signal: AbortSignal; readonly report: (message: string) => void },
): Promise<T> {
  for (let wait = 250; ; wait = Math.min(2 * wait, 8000)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error)) throw error;
      if (wait === 250) report(`${(error as Error).message}; trying again until it is back`);
      const after = 1000 * ((error as Failure).retryAfter ?? 0);
      await sleep(Math.max(wait, after), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
