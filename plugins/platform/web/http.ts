import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

/** An answer that is not 2xx, or none. */
export class ApiError extends Error {
  override name = 'ApiError';
  /** 0 where there was no answer. */
  readonly status: number;
  /** The part of the request that is meant, as in `plans.0.speedups`. */
  readonly field: string | undefined;

  constructor(message: string, status: number, field?: string) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

type SignIn = () => Promise<void>;
let signIn: SignIn | undefined;
let signingIn: Promise<void> | undefined;

/** Who asks for a token: requests that need one wait for it. */
export const onSignIn = (ask: SignIn): void => {
  signIn = ask;
};

/** Waits until somebody has signed in. */
export function signedIn(): Promise<void> {
  if (!signIn) throw new ApiError('not signed in', 401);
  return (signingIn ??= signIn().finally(() => (signingIn = undefined)));
}

/** What the server says, as JSON. `path` is that of the API without its first slash. Throws `ApiError`. */
export async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await answered(path, init);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const requestText = async (path: string, init: RequestInit = {}): Promise<string> =>
  (await answered(path, init)).text();

export const post = <T>(path: string, body?: unknown, init: RequestInit = {}): Promise<T> =>
  request<T>(path, {
    method: 'POST',
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    ...init,
  });

async function answered(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    if ((cause as Error).name === 'AbortError') throw cause;
    throw new ApiError('The server does not answer. What you entered is still here.', 0);
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== 'api/session') {
    await signedIn();
    return answered(path, init);
  }
  const said = (await response.json().catch(() => ({}))) as { error?: string; field?: string };
  const wait = response.headers.get('retry-after');
  const message = said.error ?? `The server answered ${response.status}.`;
  throw new ApiError(wait ? `${message} Try again in ${wait} s.` : message, response.status, said.field);
}

export interface Loaded<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  /** Asks again; what is there stays until the answer comes. */
  reload(): void;
  set(change: (data: T | undefined) => T | undefined): void;
}

/** What the server says at a path; nothing is asked while that is undefined. */
export function useLoad<T>(path: string | undefined): Loaded<T> {
  const [state, setState] = useState<{ path?: string | undefined; data?: T | undefined; error?: ApiError | undefined }>(
    {},
  );
  const [count, setCount] = useState(0);
  const last = useRef(0);
  useEffect(() => {
    if (path === undefined) return;
    const mine = ++last.current;
    const controller = new AbortController();
    request<T>(path, { signal: controller.signal }).then(
      data => mine === last.current && setState({ path, data }),
      (error: ApiError) => {
        if (mine === last.current && error.name !== 'AbortError')
          setState(before => ({ path, data: before.path === path ? before.data : undefined, error }));
      },
    );
    return () => controller.abort();
  }, [path, count]);
  const here = state.path === path ? state : {};
  return {
    data: here.data,
    error: here.error,
    reload: useCallback(() => setCount(n => n + 1), []),
    set: useCallback(change => setState(before => ({ ...before, data: change(before.data) })), []),
  };
}
