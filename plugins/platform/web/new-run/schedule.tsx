import type { JsonSchema } from '../../../../kernel/text/schema.ts';
import { useCatalogue } from '../context.ts';
import { isChanged, type Draft } from '../draft.ts';
import { at, none, some, unlessNull } from '../fields.ts';
import { Field, SchemaFields, useProblem } from '../form.tsx';
import { Section } from '../ui.tsx';
import type { Change } from './new-run.tsx';

const stages = [
  ['base', 'Base model', 'trained before anything is pruned'],
  ['sparsify', 'Sparsify', 'for methods with a regularizer'],
  ['finetune', 'Fine-tune', 'after pruning'],
] as const;
type Stage = (typeof stages)[number][0];

export function Schedule({ draft, change }: { draft: Draft; change: Change }) {
  const catalogue = useCatalogue();
  const changed = isChanged(draft, catalogue);
  const set = (path: string, text: string | undefined) => {
    const { [path]: _, ...rest } = draft.changes;
    change({ changes: text === undefined ? rest : { ...rest, [path]: text } });
  };
  const own = catalogue.protocols[draft.protocol.name];
  return (
    <Section
      title="Schedule"
      about="A protocol says how models are trained and what is measured. Results are comparable where it is the same."
    >
      <div class="row">
        <Field label="Protocol" path="protocol.name">
          {control => (
            <select
              {...control}
              value={changed ? '' : draft.protocol.name}
              onChange={event => {
                const protocol = catalogue.protocols[event.currentTarget.value];
                if (protocol) change({ protocol, changes: {} });
              }}
            >
              {changed && <option value="">{draft.protocol.name}, changed</option>}
              {Object.keys(catalogue.protocols).map(name => (
                <option value={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        {changed && own && (
          <button type="button" class="quiet" onClick={() => change({ protocol: own, changes: {} })}>
            Undo changes
          </button>
        )}
      </div>
      <div class="stages">
        {stages.map(([stage, title, about]) => (
          <Training key={stage} stage={stage} title={title} about={about} draft={draft} set={set} />
        ))}
      </div>
      <Rest draft={draft} set={set} />
    </Section>
  );
}

type Set = (path: string, text: string | undefined) => void;

const prominent = (stage: Stage) =>
  ['epochs', 'batch', 'optimizer.kind', 'optimizer.learningRate'].map(key => `${stage}.${key}`);
const skips = (shown: (path: string) => boolean) => (path: string) => path !== '' && !shown(path);

function Training({
  stage,
  title,
  about,
  draft,
  set,
}: {
  stage: Stage;
  title: string;
  about: string;
  draft: Draft;
  set: Set;
}) {
  const { protocol: schema } = useCatalogue();
  const own = (schema as JsonSchema).properties![stage]!;
  const start = draft.protocol[stage];
  const optional = unlessNull(own) !== undefined;
  const on = !optional || (draft.changes[stage] ?? (start === null ? none : some)) !== none;
  const main = prominent(stage);
  const props = {
    schema: unlessNull(own) ?? own,
    start: start ?? undefined,
    texts: draft.changes,
    change: set,
    path: stage,
    owner: 'protocol',
  };
  const problem = useProblem(`protocol.${stage}`);
  return (
    <fieldset class="stage">
      <legend>{title}</legend>
      <p class="hint">{about}</p>
      {optional && (
        <label class="check">
          <input
            type="checkbox"
            checked={on}
            data-path={`protocol.${stage}`}
            onChange={event => set(stage, event.currentTarget.checked ? some : none)}
          />
          {stage === 'base' ? 'Train a base model' : 'Train after pruning'}
        </label>
      )}
      {problem && <p class="problem">{problem}</p>}
      {on && (
        <>
          <div class="fields">
            <SchemaFields
              {...props}
              skip={skips(path => main.some(one => one === path || one.startsWith(`${path}.`)))}
            />
          </div>
          <details>
            <summary>
              More<span class="unseen"> of {title}</span>
            </summary>
            <div class="fields">
              <SchemaFields {...props} skip={path => main.includes(path)} />
            </div>
          </details>
        </>
      )}
    </fieldset>
  );
}

/** What is neither a training nor the name. */
function Rest({ draft, set }: { draft: Draft; set: Set }) {
  const schema = useCatalogue().protocol as JsonSchema;
  const elsewhere = new Set<string>(['name', 'version', ...stages.map(([stage]) => stage)]);
  const own = Object.entries(schema.properties ?? {}).filter(([key]) => !elsewhere.has(key));
  return (
    <details>
      <summary>Pruning steps, calibration and latency</summary>
      <div class="fields">
        {own.map(([key, part]) =>
          part.properties ? (
            <fieldset class="part" key={key}>
              <legend>{key}</legend>
              <SchemaFields
                schema={part}
                start={at(draft.protocol, key)}
                texts={draft.changes}
                change={set}
                path={key}
                owner="protocol"
              />
            </fieldset>
          ) : (
            <SchemaFields
              key={key}
              schema={part}
              start={at(draft.protocol, key)}
              texts={draft.changes}
              change={set}
              path={key}
              owner="protocol"
            />
          ),
        )}
      </div>
    </details>
  );
}
