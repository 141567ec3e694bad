import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from './http.ts';
import { onSignIn, post } from './http.ts';

/** A dialog for a token, which opens where the server wants one. What is on the page stays as it is. */
export function SignIn() {
  const dialog = useRef<HTMLDialogElement>(null);
  const waiting = useRef<(() => void) | undefined>(undefined);
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    onSignIn(
      () =>
        new Promise(resolve => {
          waiting.current = resolve;
          dialog.current!.showModal();
        }),
    );
  }, []);
  const send = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await post('api/session', { token: token.trim() });
      setToken('');
      dialog.current!.close();
      waiting.current?.();
    } catch (error) {
      const { status, message } = error as ApiError;
      setProblem(status === 401 || status === 403 ? 'This token is not known here.' : message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class="sign-in" aria-labelledby="sign-in" onCancel={event => event.preventDefault()}>
      <form
        onSubmit={event => {
          event.preventDefault();
          if (!busy) void send();
        }}
      >
        <h2 id="sign-in">Sign in</h2>
        <p class="hint">
          This server asks for a token. It printed one when it started; <code>pruningbench token</code> makes others.
        </p>
        <div class="field wide">
          <label for="token">Token</label>
          <input
            id="token"
            type="password"
            autocomplete="current-password"
            required
            value={token}
            aria-invalid={problem !== undefined}
            aria-describedby={problem === undefined ? undefined : 'token-problem'}
            onInput={event => setToken(event.currentTarget.value)}
          />
          {problem && (
            <p class="problem" id="token-problem" role="alert">
              {problem}
            </p>
          )}
        </div>
        <button class="primary" disabled={busy}>
          Sign in
        </button>
      </form>
    </dialog>
  );
}
