import type { ComponentChildren, InputHTMLAttributes } from 'preact';
import { createContext } from 'preact';
import { useContext, useId } from 'preact/hooks';
import { fieldsOf, kindsOf, textOf, type JsonSchema } from '../../../kernel/text/schema.ts';
import { at, chosenKind, join, none, some, startOf, unlessNull, type Problem, type Texts } from './fields.ts';

/** What is wrong with the form, for the fields that it is about. */
export const Problems = createContext<readonly Problem[]>([]);

/** The first thing that is wrong at a path or, with `within`, below it. */
export function useProblem(path: string, within = false): string | undefined {
  return useContext(Problems).find(problem => problem.path === path || (within && problem.path.startsWith(`${path}.`)))
    ?.message;
}

/** As in `learning rate`. */
export const words = (key: string): string => key.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();

interface ControlProps {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean;
  readonly 'data-path': string;
}

/** A label, its control, what is to be known of it and what is wrong with it. */
export function Field({
  label,
  path,
  hint,
  wide = false,
  within = false,
  children,
}: {
  label: string;
  path: string;
  hint?: ComponentChildren;
  wide?: boolean;
  within?: boolean;
  children: (props: ControlProps) => ComponentChildren;
}) {
  const id = useId();
  const problem = useProblem(path, within);
  const said = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ');
  return (
    <div class={wide ? 'field wide' : 'field'}>
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-describedby': said || undefined,
        'aria-invalid': problem !== undefined,
        'data-path': path,
      })}
      {problem && (
        <p class="problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

type TextProps = Pick<InputHTMLAttributes<HTMLInputElement>, 'placeholder' | 'inputMode' | 'maxLength'>;

export function TextField({
  label,
  path,
  hint,
  value,
  change,
  wide,
  within,
  ...rest
}: TextProps & {
  label: string;
  path: string;
  hint?: ComponentChildren;
  value: string;
  change: (value: string) => void;
  wide?: boolean;
  within?: boolean;
}) {
  return (
    <Field label={label} path={path} hint={hint} wide={wide ?? false} within={within ?? false}>
      {props => (
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          {...rest}
          {...props}
          value={value}
          onInput={event => change(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface SchemaProps {
  readonly schema: JsonSchema;
  /** What the form started with. */
  readonly start: unknown;
  readonly texts: Texts;
  readonly change: (path: string, text: string | undefined) => void;
  readonly path?: string;
  /** Paths of problems begin with this. */
  readonly owner: string;
  /** Fields that are shown elsewhere. */
  readonly skip?: (path: string) => boolean;
  readonly label?: string;
}

/** The fields of a schema. */
export function SchemaFields(props: SchemaProps) {
  const { schema, start, texts, path = '', skip, label } = props;
  if (skip?.(path)) return null;
  const there = unlessNull(schema);
  if (there) {
    const text = texts[path] ?? (start === null ? none : some);
    return (
      <>
        <label class="check">
          <input
            type="checkbox"
            checked={text !== none}
            onChange={event => props.change(path, event.currentTarget.checked ? some : none)}
          />
          {label ?? words(path)}
        </label>
        {text !== none && <SchemaFields {...props} schema={there} start={start ?? undefined} />}
      </>
    );
  }
  const kinds = kindsOf(schema);
  if (kinds.length > 0) {
    const kind = chosenKind(schema, start, texts, path);
    const variant = kinds.find(([name]) => name === kind)?.[1];
    const at = join(path, 'kind');
    return (
      <>
        {!skip?.(at) && (
          <Field label={label ?? words(last(path))} path={join(props.owner, at)} hint={schema.description}>
            {control => (
              <select {...control} value={kind} onChange={event => props.change(at, event.currentTarget.value)}>
                {kinds.map(([name]) => (
                  <option value={name}>{words(name)}</option>
                ))}
              </select>
            )}
          </Field>
        )}
        {variant && <SchemaFields {...props} schema={variant} start={startOf(kind, start) ?? { kind }} />}
      </>
    );
  }
  if (schema.properties)
    return (
      <>
        {fieldsOf(schema)
          .filter(({ schema }) => schema.const === undefined)
          .map(({ key, schema: own }) => (
            <SchemaFields
              key={key}
              {...props}
              schema={own}
              start={at(start, key)}
              path={join(path, key)}
              label={words(key)}
            />
          ))}
      </>
    );
  return <Leaf {...props} path={path} />;
}

function Leaf({ schema, start, texts, change, path, owner, label }: SchemaProps & { path: string }) {
  const name = label ?? words(last(path));
  const here = join(owner, path);
  const text = texts[path] ?? (start === undefined ? '' : textOf(start));
  const usual = schema.default === undefined ? '' : textOf(schema.default);
  const choices = schema.enum ?? (schema.type === 'boolean' ? [true, false] : undefined);
  if (choices)
    return (
      <Field label={name} path={here} hint={schema.description}>
        {control => (
          <select {...control} value={text || usual} onChange={event => change(path, event.currentTarget.value)}>
            {choices.map(value => (
              <option value={String(value)}>{value === true ? 'yes' : value === false ? 'no' : String(value)}</option>
            ))}
          </select>
        )}
      </Field>
    );
  const numeric = schema.type === 'number' || schema.type === 'integer';
  return (
    <TextField
      label={name}
      path={here}
      hint={schema.description}
      value={text}
      placeholder={usual}
      inputMode={numeric ? (schema.type === 'integer' ? 'numeric' : 'decimal') : undefined}
      change={value => change(path, value === '' && start === undefined ? undefined : value)}
    />
  );
}

const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/** How many fields a schema has at its top. */
export const countFields = (schema: JsonSchema): number => fieldsOf(schema).length;
