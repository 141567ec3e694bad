import { render } from 'preact';
import type { CatalogueInfo, ModelInfo } from '../api.ts';
import { address } from './address.ts';
import { Compare } from './compare/compare.tsx';
import { Catalogue, Uploads } from './context.ts';
import { post, useLoad } from './http.ts';
import { Leaderboards } from './leaderboards/leaderboards.tsx';
import { NewRun } from './new-run/new-run.tsx';
import { useAddress } from './router.ts';
import { Run } from './run/run.tsx';
import { Runs } from './runs/runs.tsx';
import { Submission } from './runs/submission.tsx';
import { Submissions } from './runs/submissions.tsx';
import { Server } from './server/server.tsx';
import { SignIn } from './sign-in.tsx';
import { ErrorNote, Loading, View } from './ui.tsx';

const places = [
  ['new', 'New run'],
  ['runs', 'Runs'],
  ['compare', 'Compare'],
  ['leaderboards', 'Leaderboards'],
  ['server', 'Server'],
] as const;

function App() {
  const { path, query } = useAddress();
  const [place = 'new'] = path;
  const catalogue = useLoad<CatalogueInfo>('api/catalogue');
  const uploads = useLoad<{ models: ModelInfo[] }>(catalogue.data && 'api/models');
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={event => {
          event.preventDefault();
          document.getElementById('main')!.focus();
        }}
      >
        To the content
      </a>
      <header class="site">
        <a class="brand" href={address(['new'])}>
          PruningBench
        </a>
        <nav aria-label="Main">
          {places.map(([id, title]) => (
            <a
              key={id}
              href={address([id])}
              aria-current={id === place || (id === 'runs' && place === 'submissions') ? 'page' : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        {catalogue.error && !catalogue.data && <ErrorNote error={catalogue.error} retry={catalogue.reload} />}
        {!catalogue.data && !catalogue.error && <Loading />}
        {catalogue.data && (
          <Catalogue.Provider value={catalogue.data}>
            <Uploads.Provider value={uploads}>
              <Place path={path} query={query} />
            </Uploads.Provider>
          </Catalogue.Provider>
        )}
      </main>
      <div id="announcements" class="unseen" role="status" aria-live="polite" />
      <SignIn />
    </>
  );
}

function Place({ path: [place = 'new', id, ...rest], query }: ReturnType<typeof useAddress>) {
  if (rest.length === 0) {
    if (place === 'new' && !id) return <NewRun query={query} />;
    if (place === 'runs') return id ? <Run key={id} id={id} /> : <Runs query={query} />;
    if (place === 'submissions') return id ? <Submission key={id} id={id} /> : <Submissions />;
    if (place === 'compare' && !id) return <Compare query={query} />;
    if (place === 'leaderboards' && !id) return <Leaderboards query={query} />;
    if (place === 'server' && !id) return <Server />;
  }
  return (
    <View title="Nothing here">
      <p>
        There is no such page. <a href={address(['runs'])}>All runs</a> are in a list.
      </p>
    </View>
  );
}

/** The address that `serve` prints may end with a token, which is not to stay in it. */
async function signInByAddress(): Promise<void> {
  const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (token === undefined) return;
  history.replaceState(null, '', address([]));
  // where it is refused, the next request asks for another
  await post('api/session', { token: decodeURIComponent(token) }).catch(() => undefined);
}

await signInByAddress();
render(<App />, document.body);
