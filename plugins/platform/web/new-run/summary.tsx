import type { Plan } from '../../../../kernel/bench/plan.ts';
import type { Check } from '../../api.ts';
import { resourceNames } from '../../vocabulary.ts';
import { useCatalogue, useModelName } from '../context.ts';
import { suggestedTitle, type Draft } from '../draft.ts';
import type { Problem } from '../fields.ts';
import { TextField } from '../form.tsx';
import { amount, duration, plural } from '../format.ts';
import { Table } from '../table.tsx';
import { Chips, stageName } from '../ui.tsx';
import type { Checks } from './checks.ts';
import type { Change } from './new-run.tsx';

/** What the form comes to, and the button that sends it. */
export function Summary({
  draft,
  change,
  plans,
  checks,
  problems,
  busy,
  show,
}: {
  draft: Draft;
  change: Change;
  plans: readonly Plan[];
  checks: Checks;
  problems: readonly Problem[];
  busy: boolean;
  show: (path: string) => void;
}) {
  const { workers } = useCatalogue();
  const name = useModelName();
  return (
    <div class="summary">
      <h2>What this comes to</h2>
      <Numbers plans={plans} checks={checks} wrong={problems.length > 0} />
      {problems.length > 0 && (
        <div class="notice error">
          <p>{problems.length === 1 ? 'One thing is missing or does not fit:' : 'Some things do not fit:'}</p>
          <ul>
            {problems.slice(0, 6).map(({ path, message }) => (
              <li key={path + message}>
                <button type="button" class="link" onClick={() => show(path)}>
                  {message}
                </button>
              </li>
            ))}
          </ul>
          {problems.length > 6 && <p>and {problems.length - 6} more</p>}
        </div>
      )}
      <TextField
        label="Title"
        path="title"
        wide
        maxLength={200}
        value={draft.title}
        placeholder={suggestedTitle(draft, name)}
        change={title => change({ title })}
      />
      <Chips
        single
        legend="Runs on"
        options={resourceNames.map(id => ({
          id,
          title: `${id === 'gpu' ? 'a GPU' : 'a processor'} (${plural(workers[id] ?? 0, 'worker')} now)`,
        }))}
        chosen={[draft.resources]}
        toggle={resources => change({ resources })}
      />
      {(workers[draft.resources] ?? 0) === 0 && (
        <p class="hint">No worker of this kind is here now: the runs wait until one comes.</p>
      )}
      <button class="primary" disabled={busy} aria-busy={busy}>
        {busy ? 'Submitting…' : 'Submit'}
      </button>
    </div>
  );
}

function Numbers({ plans, checks, wrong }: { plans: readonly Plan[]; checks: Checks; wrong: boolean }) {
  const { results, pending, error } = checks;
  const known = results.filter((result): result is Check => result !== undefined);
  const sum = (of: (check: Check) => number) => known.reduce((total, check) => total + of(check), 0);
  const complete = known.length === plans.length && plans.length > 0;
  const estimated = complete && known.every(({ estimate }) => estimate);
  const [only] = known;
  const name = useModelName();
  const stages = ['base', 'sparsify', 'prune', 'finetune', 'overhead'] as const;
  return (
    <div class="numbers" aria-busy={pending}>
      {error && <p class="problem">{error.message}</p>}
      <dl>
        <div>
          <dt>Runs</dt>
          <dd>{complete ? sum(({ runs }) => runs) : '–'}</dd>
        </div>
        <div>
          <dt>Time</dt>
          <dd>{estimated ? about(sum(({ estimate }) => estimate!.total)) : complete ? 'not known yet' : '–'}</dd>
        </div>
        {plans.length === 1 && (
          <>
            <div>
              <dt>Parameters</dt>
              <dd>{only?.model ? amount(only.model.params) : '–'}</dd>
            </div>
            <div>
              <dt>Multiply-adds</dt>
              <dd>{only?.model ? amount(only.model.macs) : '–'}</dd>
            </div>
            <div>
              <dt>Groups</dt>
              <dd>
                {only?.model
                  ? `${only.model.groups.filter(group => group.protected === null).length} of ${only.model.groups.length} can be pruned`
                  : '–'}
              </dd>
            </div>
          </>
        )}
      </dl>
      <p class="hint" role="status">
        {pending && !wrong ? 'Looking at it…' : ''}
        {plans.length > results.length && results.length > 0
          ? `The first ${results.length} of ${plans.length} plans.`
          : ''}
      </p>
      {estimated && (
        <details>
          <summary>Time by stage</summary>
          <dl>
            {stages.map(stage => (
              <div key={stage}>
                <dt>{stage === 'overhead' ? 'starting, compiling, measuring' : stageName(stage)}</dt>
                <dd>{duration(sum(({ estimate }) => estimate![stage]))}</dd>
              </div>
            ))}
          </dl>
          <p class="hint">{[...new Set(known.map(({ estimate }) => estimate!.basis))].join(' ')}</p>
        </details>
      )}
      {plans.length === 1 && only?.model && (
        <details>
          <summary>Dependency groups</summary>
          <Table
            caption="Dependency groups"
            columns={[
              {
                title: 'group',
                head: true,
                cell: ({ id, protected: reason }) => (
                  <>
                    {id}
                    {reason !== null && <small> stays whole: {reason}</small>}
                  </>
                ),
              },
              { title: 'channels', figure: true, cell: ({ units }) => units },
              {
                title: 'layers',
                cell: ({ members }) => <span title={members.join(', ')}>{members.length}</span>,
                figure: true,
              },
            ]}
            rows={only.model.groups}
          />
        </details>
      )}
      {plans.length > 1 && results.length > 0 && (
        <Table
          caption="Plans"
          columns={[
            { title: 'plan', head: true, cell: ({ plan }) => `${name(plan.model)}, ${plan.dataset}` },
            { title: 'params', figure: true, cell: ({ check }) => (check?.model ? amount(check.model.params) : '–') },
            { title: 'MACs', figure: true, cell: ({ check }) => (check?.model ? amount(check.model.macs) : '–') },
            {
              title: 'time',
              figure: true,
              cell: ({ check }) => (check?.estimate ? duration(check.estimate.total) : '–'),
            },
          ]}
          rows={results.map((check, i) => ({ plan: plans[i]!, check }))}
        />
      )}
    </div>
  );
}

const about = (seconds: number): string => (seconds < 60 ? 'less than a minute' : `about ${duration(seconds)}`);
