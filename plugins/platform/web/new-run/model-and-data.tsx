import { useRef, useState } from 'preact/hooks';
import type { JsonSchema } from '../../../../kernel/text/schema.ts';
import type { ModelInfo } from '../../api.ts';
import { upload, useCatalogue, useUploads } from '../context.ts';
import { firstDraft, type Choice, type Draft } from '../draft.ts';
import type { Texts } from '../fields.ts';
import { countFields, SchemaFields, useProblem } from '../form.tsx';
import { amount, bytes } from '../format.ts';
import { request, type ApiError } from '../http.ts';
import { announce, Chips, Section } from '../ui.tsx';
import type { Change } from './new-run.tsx';

export function ModelAndData({ draft, change }: { draft: Draft; change: Change }) {
  const uploads = useUploads();
  const catalogue = useCatalogue();
  const { tasks, models, datasets } = catalogue;
  const titleOf = (task: string) => (tasks.find(({ id }) => id === task)?.title ?? task).toLowerCase();
  const elsewhere = (task: string) => (task === draft.task ? undefined : `for ${titleOf(task)}`);
  const toggled = (list: readonly Choice[], id: string): readonly Choice[] =>
    list.some(one => one.id === id) ? list.filter(one => one.id !== id) : [...list, { id, texts: {} }];
  const uploaded = uploads.data?.models ?? [];
  return (
    <Section title="Model and data">
      <Chips
        single
        legend="Track"
        options={tasks.map(({ id, title }) => ({ id, title }))}
        chosen={[draft.task]}
        toggle={task => {
          if (task === draft.task) return;
          const { models, datasets, protocol } = firstDraft(catalogue, task);
          change({ task, models, datasets, protocol, changes: {} });
        }}
      />
      <Chips
        legend="Model"
        hint="Several models are several plans."
        options={[
          ...models.map(({ id, title, task }) => ({ id, title, reason: elsewhere(task) })),
          ...uploaded.map(({ id, name }) => ({ id: upload(id), title: name })),
        ]}
        chosen={draft.models.map(({ id }) => id)}
        toggle={id => change({ models: toggled(draft.models, id) })}
        problem={useProblem('models')}
      />
      {draft.models.map((model, i) => (
        <Options
          key={model.id}
          plugin={models.find(({ id }) => id === model.id)}
          owner={`models.${i}`}
          texts={model.texts}
          change={texts => change({ models: draft.models.map(one => (one === model ? { ...one, texts } : one)) })}
        />
      ))}
      {draft.models
        .filter(({ id }) => id.startsWith(upload('')))
        .map(({ id }) => (
          <UploadedModel
            key={id}
            model={uploaded.find(one => upload(one.id) === id)}
            loaded={uploads.data !== undefined}
          />
        ))}
      <Upload
        done={model => {
          uploads.reload();
          change({
            models: [...draft.models.filter(({ id }) => id !== upload(model.id)), { id: upload(model.id), texts: {} }],
          });
        }}
      />
      <Chips
        legend="Data set"
        options={datasets.map(({ id, title, task, unavailable }) => ({
          id,
          title,
          reason: elsewhere(task) ?? unavailable ?? undefined,
        }))}
        chosen={draft.datasets.map(({ id }) => id)}
        toggle={id => change({ datasets: toggled(draft.datasets, id) })}
        problem={useProblem('datasets')}
      />
      {draft.datasets.map((dataset, i) => (
        <Options
          key={dataset.id}
          plugin={datasets.find(({ id }) => id === dataset.id)}
          owner={`datasets.${i}`}
          texts={dataset.texts}
          change={texts => change({ datasets: draft.datasets.map(one => (one === dataset ? { ...one, texts } : one)) })}
        />
      ))}
    </Section>
  );
}

interface Plugin {
  readonly id: string;
  readonly title: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Options of a plugin that is chosen; folded where they are many. */
export function Options({
  plugin,
  name = plugin?.title ?? '',
  owner,
  texts,
  change,
  few = 4,
}: {
  plugin: Plugin | undefined;
  name?: string;
  owner: string;
  texts: Texts;
  change: (texts: Texts) => void;
  few?: number;
}) {
  const problem = useProblem(owner, true);
  if (!plugin || countFields(plugin.options) === 0) return problem ? <p class="problem">{problem}</p> : null;
  const changed = Object.values(texts).filter(text => text !== '').length;
  const fields = (
    <div class="fields">
      <SchemaFields
        schema={plugin.options as JsonSchema}
        start={undefined}
        texts={texts}
        owner={owner}
        change={(path, text) => {
          const { [path]: _, ...rest } = texts;
          change(text === undefined ? rest : { ...rest, [path]: text });
        }}
      />
    </div>
  );
  if (countFields(plugin.options) <= few)
    return (
      <fieldset class="options">
        <legend>Options of {name}</legend>
        {fields}
      </fieldset>
    );
  return (
    <details class="options" open={problem !== undefined || undefined}>
      <summary>
        Options of {name}
        {changed > 0 ? ` (${changed} changed)` : ''}
      </summary>
      {fields}
    </details>
  );
}

function UploadedModel({ model, loaded }: { model: ModelInfo | undefined; loaded: boolean }) {
  if (!model) return loaded ? <p class="problem">An uploaded model is no longer here: choose another.</p> : null;
  const { name, summary, bytes: size } = model;
  const shapes = (list: number[][]) => list.map(shape => shape.join(' × ')).join(', ');
  return (
    <p class="hint">
      {name}: {bytes(size)}, reads {shapes(summary.inputs)}, gives {shapes(summary.outputs)}, {amount(summary.params)}{' '}
      parameters, {amount(summary.macs)} multiply-adds, {summary.groups} groups. Its weights are its own: with a
      training of the base model they are trained on.
    </p>
  );
}

function Upload({ done }: { done: (model: ModelInfo) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [state, setState] = useState<{ busy?: string; problem?: string }>({});
  const send = async (file: File) => {
    setState({ busy: file.name });
    try {
      const model = await request<ModelInfo>(`api/models?name=${encodeURIComponent(file.name)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: file,
      });
      setState({});
      announce(`${file.name} is uploaded and chosen.`);
      done(model);
    } catch (error) {
      setState({ problem: `${file.name}: ${(error as ApiError).message}` });
    } finally {
      input.current!.value = '';
    }
  };
  return (
    <div class="upload">
      <label class="button">
        Upload an ONNX file
        <input
          ref={input}
          class="unseen"
          type="file"
          accept=".onnx"
          data-path="upload"
          disabled={state.busy !== undefined}
          onChange={event => {
            const [file] = event.currentTarget.files ?? [];
            if (file) void send(file);
          }}
        />
      </label>
      <span role="status">{state.busy && `${state.busy} is being uploaded and read…`}</span>
      {state.problem && (
        <p class="problem" role="alert">
          {state.problem}
        </p>
      )}
    </div>
  );
}
