import { useRef } from 'preact/hooks';
import { useCatalogue } from '../context.ts';
import type { Draft, MethodChoice } from '../draft.ts';
import { useProblem } from '../form.tsx';
import { plural } from '../format.ts';
import { announce, Section } from '../ui.tsx';
import type { Checks } from './checks.ts';
import { Options } from './model-and-data.tsx';
import type { Change } from './new-run.tsx';

export function Methods({
  draft,
  change,
  impossible,
}: {
  draft: Draft;
  change: Change;
  impossible: Checks['impossible'];
}) {
  const { criteria } = useCatalogue();
  const list = useRef<HTMLOListElement>(null);
  const { methods } = draft;
  const possible = criteria.filter(({ id }) => impossible.criteria[id] === undefined);
  const plain = (id: string): MethodChoice => ({ criterion: { id, texts: {} }, regularizer: null });
  const unused = possible.filter(
    ({ id }) => !methods.some(({ criterion, regularizer }) => criterion.id === id && !regularizer),
  );
  const add = (more: readonly MethodChoice[]) => {
    change({ methods: [...methods, ...more] });
    announce(`${plural(methods.length + more.length, 'method')}.`);
    requestAnimationFrame(() => [...list.current!.querySelectorAll<HTMLElement>('li:last-child select')][0]?.focus());
  };
  return (
    <Section
      title="Methods"
      about="A criterion says which channels go first. A regularizer, where there is one, trains the model before that so that some become small."
    >
      <ol class="methods" ref={list} data-path="methods" tabIndex={-1}>
        {methods.map((method, i) => (
          <Method
            key={i}
            method={method}
            at={i}
            impossible={impossible}
            change={next => change({ methods: methods.map((one, n) => (n === i ? next : one)) })}
            remove={
              methods.length > 1
                ? () => {
                    change({ methods: methods.filter((_, n) => n !== i) });
                    announce(`${method.criterion.id} is removed.`);
                    list.current!.focus();
                  }
                : undefined
            }
          />
        ))}
      </ol>
      <Problem path="methods" />
      <div class="row">
        <button type="button" onClick={() => add([plain((unused[0] ?? possible[0] ?? criteria[0]!).id)])}>
          Add a method
        </button>
        <button type="button" disabled={unused.length === 0} onClick={() => add(unused.map(({ id }) => plain(id)))}>
          Add every criterion
        </button>
      </div>
    </Section>
  );
}

function Problem({ path }: { path: string }) {
  const problem = useProblem(path);
  return problem ? <p class="problem">{problem}</p> : null;
}

function Method({
  method,
  at,
  impossible,
  change,
  remove,
}: {
  method: MethodChoice;
  at: number;
  impossible: Checks['impossible'];
  change: (method: MethodChoice) => void;
  remove: (() => void) | undefined;
}) {
  const { criteria, regularizers } = useCatalogue();
  const { criterion, regularizer } = method;
  const path = `methods.${at}`;
  const problem = useProblem(path);
  const chosen = criteria.find(({ id }) => id === criterion.id);
  const why = (id: string, reasons: Readonly<Record<string, string>>) => (reasons[id] ? ` — ${reasons[id]}` : '');
  return (
    <li>
      <div class="line">
        <label>
          <span class="unseen">Criterion of method {at + 1}</span>
          <select
            value={criterion.id}
            data-path={path}
            aria-invalid={problem !== undefined}
            onChange={event => change({ ...method, criterion: { id: event.currentTarget.value, texts: {} } })}
          >
            {!chosen && <option value={criterion.id}>{criterion.id} (not here)</option>}
            {criteria.map(({ id }) => (
              <option value={id} disabled={impossible.criteria[id] !== undefined}>
                {id}
                {why(id, impossible.criteria)}
              </option>
            ))}
          </select>
        </label>
        <span aria-hidden="true">+</span>
        <label>
          <span class="unseen">Regularizer of method {at + 1}</span>
          <select
            value={regularizer?.id ?? ''}
            onChange={event => {
              const id = event.currentTarget.value;
              change({ ...method, regularizer: id === '' ? null : { id, texts: {} } });
            }}
          >
            <option value="">no regularizer</option>
            {regularizers.map(({ id }) => (
              <option value={id} disabled={impossible.regularizers[id] !== undefined}>
                {id}
                {why(id, impossible.regularizers)}
              </option>
            ))}
          </select>
        </label>
        {remove && (
          <button type="button" class="quiet" aria-label={`Remove method ${at + 1}, ${criterion.id}`} onClick={remove}>
            Remove
          </button>
        )}
      </div>
      <p class="hint">
        {chosen?.title}
        {chosen?.paper && <span class="cited"> {chosen.paper}</span>}
      </p>
      {problem && <p class="problem">{problem}</p>}
      <Options
        plugin={chosen}
        owner={`${path}.criterion`}
        texts={criterion.texts}
        change={texts => change({ ...method, criterion: { ...criterion, texts } })}
        few={0}
      />
      {regularizer && (
        <Options
          plugin={regularizers.find(({ id }) => id === regularizer.id)}
          owner={`${path}.regularizer`}
          texts={regularizer.texts}
          change={texts => change({ ...method, regularizer: { ...regularizer, texts } })}
          few={0}
        />
      )}
    </li>
  );
}
