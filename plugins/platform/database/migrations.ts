/** What changes the tables, in order. One that was released is never changed. */
export const migrations: readonly string[] = [
  `
  create table pruningbench.submissions (
    id text primary key,
    key text unique,
    title text not null,
    plans jsonb not null,
    created timestamptz not null default now()
  );

  create table pruningbench.runs (
    id text primary key,
    kind text not null check (kind in ('base', 'sparsified', 'pruned')),
    key text not null,
    submission text not null references pruningbench.submissions,
    position int not null,
    resources text not null check (resources in ('cpu', 'gpu')),
    spec jsonb not null,
    needs text references pruningbench.runs,
    state text not null check (state in ('waiting', 'queued', 'running', 'done', 'failed', 'cancelled')),
    reason text,
    attempt int not null default 0,
    tries int not null default 0,
    heard int not null default 0,
    worker text,
    ticket uuid,
    cancelling boolean not null default false,
    progress jsonb,
    result jsonb,
    -- what lists and leaderboards have of a result, which is large
    summary jsonb generated always as (
      case when jsonb_typeof(result) = 'object'
        then result #- '{groups}' #- '{base,history}' #- '{sparsified}' #- '{pruned,history}' end
    ) stored,
    created timestamptz not null default now(),
    queued timestamptz,
    started timestamptz,
    finished timestamptz
  );
  -- a base model or a sparsified one is trained once for all that begin with it
  create unique index runs_shared on pruningbench.runs (key)
    where kind <> 'pruned' and state not in ('failed', 'cancelled');
  create index runs_needs on pruningbench.runs (needs) where state = 'waiting';
  create index runs_state on pruningbench.runs (state, created desc, submission, position);
  create index runs_list on pruningbench.runs (created desc, submission, position);
  create index runs_submission on pruningbench.runs (submission, position);

  create table pruningbench.events (
    seq bigint generated always as identity primary key,
    run text not null references pruningbench.runs,
    attempt int not null,
    at timestamptz not null default now(),
    kind text not null check (kind in ('state', 'epoch', 'log')),
    data jsonb not null
  );
  create index events_run on pruningbench.events (run, seq);

  create table pruningbench.artifacts (
    run text not null references pruningbench.runs,
    name text not null,
    attempt int not null,
    bytes bigint not null,
    sha256 text not null,
    created timestamptz not null default now(),
    primary key (run, name)
  );

  create table pruningbench.models (
    id text primary key,
    name text not null,
    sha256 text not null unique,
    bytes bigint not null,
    summary jsonb not null,
    created timestamptz not null default now()
  );

  create table pruningbench.workers (
    id text primary key,
    resources text not null,
    about jsonb not null,
    seen timestamptz not null default now(),
    stopped timestamptz
  );

  create table pruningbench.tokens (
    id text primary key,
    name text not null,
    hash text not null unique,
    scopes text[] not null,
    created timestamptz not null default now(),
    used timestamptz,
    revoked timestamptz
  );
  `,
];
