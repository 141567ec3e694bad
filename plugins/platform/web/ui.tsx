import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { splitMethod } from '../../../kernel/text/schema.ts';
import type { RunInfo } from '../api.ts';
import type { RunState } from '../vocabulary.ts';
import { address } from './address.ts';
import { duration, percent } from './format.ts';
import type { ApiError } from './http.ts';

/** Says something to those who listen to the page instead of seeing it. */
export function announce(text: string): void {
  const place = document.getElementById('announcements');
  if (place) place.textContent = text;
}

/** A view of the page: its heading has the focus when somebody comes to it. */
export function View({
  title,
  about,
  actions,
  children,
}: {
  title: string;
  about?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · PruningBench`;
  }, [title]);
  useEffect(() => {
    scrollTo(0, 0);
    // not on the first load, where the browser says what page it is
    if (document.activeElement !== document.body || visited) heading.current?.focus();
    visited = true;
  }, []);
  return (
    <>
      <header class="view">
        <div>
          <h1 tabIndex={-1} ref={heading}>
            {title}
          </h1>
          {about && <div class="about">{about}</div>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}
let visited = false;

export function Section({
  title,
  about,
  children,
}: {
  title: string;
  about?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section>
      <h2>{title}</h2>
      {about && <p class="hint">{about}</p>}
      {children}
    </section>
  );
}

export const State = ({ state }: { state: RunState }) => <span class={`state ${state}`}>{state}</span>;

const stages: Readonly<Record<string, string>> = {
  base: 'base model',
  sparsify: 'sparsifying',
  prune: 'pruning',
  finetune: 'fine-tuning',
  measure: 'measuring',
};
export const stageName = (stage: string): string => stages[stage] ?? stage;

export const ended = ({ state }: Pick<RunInfo, 'state'>): boolean =>
  state === 'done' || state === 'failed' || state === 'cancelled';

/** What a run does now, or why it does nothing. */
export function Standing({ run }: { run: RunInfo }) {
  const { state, progress, ahead, reason } = run;
  if (state === 'running' && progress) {
    const { stage, fraction, epoch, epochs, secondsLeft } = progress;
    const parts = [
      stageName(stage),
      epoch !== undefined && epochs !== undefined && `epoch ${epoch} of ${epochs}`,
      secondsLeft !== undefined && `${duration(secondsLeft)} left`,
      reason,
    ].filter(Boolean);
    return (
      <span class="standing">
        <progress value={fraction} max={1} aria-label={`${stageName(stage)} ${percent(fraction, 0)}`} />
        <span>{parts.join(', ')}</span>
      </span>
    );
  }
  if (state === 'running') return <Linked text={reason ?? 'begins'} />;
  const where =
    state === 'queued' && ahead !== null ? (ahead === 0 ? 'next in the queue' : `${ahead} ahead in the queue`) : '';
  const why = reason ?? (state === 'waiting' ? 'waits for the model that it begins with' : '');
  return <Linked text={[where, why].filter(Boolean).join('; ')} />;
}

/** A text with links to the runs that it names. */
export const Linked = ({ text }: { text: string }) => (
  <>
    {text
      .split(/\brun ([0-9a-f]{12})\b/)
      .map((part, i) => (i % 2 === 0 ? part : <a href={runLink(part)}>run {part}</a>))}
  </>
);

/** What a run makes, in a few words. */
export const runName = ({ kind, method, speedup }: Pick<RunInfo, 'kind' | 'method' | 'speedup'>): string => {
  if (kind === 'base') return 'base model';
  if (kind === 'sparsified') return `${splitMethod(method)[1]}: sparsified model`;
  return `${method}, ${speedup}x`;
};

export const runLink = (id: string): string => address(['runs', id]);

export function ErrorNote({ error, retry }: { error: ApiError | Error; retry?: () => void }) {
  return (
    <div class="notice error" role="alert">
      <p>{error.message}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export const Loading = () => (
  <p class="hint loading" role="status">
    Loading…
  </p>
);

/** A link to a file of the server. */
export const Download = ({ href, name, children }: { href: string; name?: string; children: ComponentChildren }) => (
  <a class="button" href={href} download={name ?? ''}>
    {children}
  </a>
);

/** A choice among several that can all be taken. */
export function Chips<T extends string>({
  legend,
  options,
  chosen,
  toggle,
  single = false,
  wide = false,
  hint,
  problem,
}: {
  legend: string;
  options: readonly {
    readonly id: T;
    readonly title: string;
    readonly reason?: string | undefined;
    readonly note?: string;
  }[];
  chosen: readonly T[];
  toggle: (id: T) => void;
  /** Radio buttons. */
  single?: boolean;
  /** One below the other. */
  wide?: boolean;
  hint?: string;
  problem?: string | undefined;
}) {
  const name = useId();
  return (
    <fieldset class={wide ? 'chips wide' : 'chips'}>
      <legend>{legend}</legend>
      {hint && <p class="hint">{hint}</p>}
      <div>
        {options.map(({ id, title, reason, note }) => (
          <label key={id} class={reason === undefined ? 'chip' : 'chip off'}>
            <input
              type={single ? 'radio' : 'checkbox'}
              name={name}
              checked={chosen.includes(id)}
              disabled={reason !== undefined && !chosen.includes(id)}
              onChange={() => toggle(id)}
            />
            <span>{title}</span>
            {(reason ?? note) !== undefined && <small>{reason ?? note}</small>}
          </label>
        ))}
      </div>
      {problem && <p class="problem">{problem}</p>}
    </fieldset>
  );
}
