import { useState } from 'preact/hooks';
import type { z } from 'zod';
import type { newToken, sessionSchema, tokensSchema, workersSchema } from '../../api.ts';
import { scopes, type Scope } from '../../vocabulary.ts';
import { useCatalogue } from '../context.ts';
import { ago } from '../format.ts';
import type { ApiError } from '../http.ts';
import { post, request, useLoad } from '../http.ts';
import { Table } from '../table.tsx';
import { announce, Chips, ErrorNote, Loading, runLink, Section, View } from '../ui.tsx';

/** Who works for this server, and who may come. */
export function Server() {
  const { version } = useCatalogue();
  const session = useLoad<z.infer<typeof sessionSchema>>('api/session');
  const workers = useLoad<z.infer<typeof workersSchema>>('api/workers');
  const everything = session.data?.scopes.length === scopes.length;
  const signOut = async () => {
    await request('api/session', { method: 'DELETE' });
    location.reload();
  };
  return (
    <View
      title="Server"
      about={
        <>
          PruningBench {version}. Everything that this page does can be done over HTTP: see{' '}
          <a href="api/openapi.json">the OpenAPI document</a>.
        </>
      }
      actions={
        session.data?.required && (
          <button type="button" onClick={() => void signOut()}>
            Sign out
          </button>
        )
      }
    >
      <Section title="Workers">
        {workers.error && <ErrorNote error={workers.error} retry={workers.reload} />}
        {!workers.data && !workers.error && <Loading />}
        {workers.data?.workers.length === 0 && (
          <p class="hint">
            There is none now: runs wait until one comes. The command `pruningbench worker` starts one.
          </p>
        )}
        {workers.data && workers.data.workers.length > 0 && (
          <Table
            caption="Workers"
            rows={workers.data.workers}
            keyOf={({ id }) => id}
            columns={[
              { title: 'host', head: true, cell: ({ host }) => host },
              { title: 'resources', cell: ({ resources }) => resources },
              { title: 'backend', cell: ({ backend }) => backend },
              { title: 'version', cell: ({ version }) => version },
              { title: 'seen', cell: ({ seen }) => <time dateTime={seen}>{ago(seen)}</time> },
              { title: 'runs', cell: ({ run }) => (run ? <a href={runLink(run)}>run {run}</a> : 'nothing') },
            ]}
          />
        )}
      </Section>
      {everything && <Tokens />}
    </View>
  );
}

const scopeNames: Readonly<Record<Scope, string>> = {
  read: 'look',
  submit: 'submit, upload, cancel',
  work: 'be a worker',
};

function Tokens() {
  const { data, error, reload } = useLoad<z.infer<typeof tokensSchema>>('api/tokens');
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Scope[]>(['read', 'submit']);
  const [made, setMade] = useState<z.infer<typeof newToken>>();
  const [failure, setFailure] = useState<ApiError>();
  const act = async (work: () => Promise<unknown>) => {
    setFailure(undefined);
    try {
      await work();
      reload();
    } catch (error) {
      setFailure(error as ApiError);
    }
  };
  const create = () =>
    act(async () => {
      setMade(await post<z.infer<typeof newToken>>('api/tokens', { name, scopes: chosen }));
      setName('');
      announce('The token is made. It is shown this once.');
    });
  return (
    <Section title="Tokens" about="Who has one may do what it says, from programs and from other machines.">
      {error && <ErrorNote error={error} retry={reload} />}
      {failure && <ErrorNote error={failure} />}
      {made && (
        <div class="notice">
          <p>
            The token “{made.name}”, shown this once: <code>{made.token}</code>
          </p>
        </div>
      )}
      {data && data.tokens.length > 0 && (
        <Table
          caption="Tokens"
          rows={data.tokens}
          keyOf={({ id }) => id}
          columns={[
            { title: 'name', head: true, cell: ({ name }) => name },
            { title: 'may', cell: ({ scopes }) => scopes.map(scope => scopeNames[scope]).join('; ') },
            { title: 'made', cell: ({ created }) => ago(created) },
            { title: 'used', cell: ({ used }) => (used ? ago(used) : 'never') },
            {
              title: 'revoke',
              cell: ({ id, name, revoked }) =>
                revoked ? (
                  `revoked ${ago(revoked)}`
                ) : (
                  <button
                    type="button"
                    class="quiet"
                    aria-label={`Revoke ${name}`}
                    onClick={() => void act(() => request(`api/tokens/${id}`, { method: 'DELETE' }))}
                  >
                    Revoke
                  </button>
                ),
            },
          ]}
        />
      )}
      <form
        class="token"
        onSubmit={event => {
          event.preventDefault();
          void create();
        }}
      >
        <div class="field">
          <label for="token-name">Name of a new token</label>
          <input
            id="token-name"
            required
            maxLength={100}
            value={name}
            onInput={event => setName(event.currentTarget.value)}
          />
        </div>
        <Chips
          legend="It may"
          options={scopes.map(id => ({ id, title: scopeNames[id] }))}
          chosen={chosen}
          toggle={scope =>
            setChosen(before => (before.includes(scope) ? before.filter(one => one !== scope) : [...before, scope]))
          }
        />
        <button disabled={chosen.length === 0}>Make a token</button>
      </form>
    </Section>
  );
}
