import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { canonical } from '../../../../kernel/bench/canonical.ts';
import type { Plan } from '../../../../kernel/bench/plan.ts';
import type { RunDetail, SubmissionInfo } from '../../api.ts';
import { address } from '../address.ts';
import { useCatalogue, useModelName } from '../context.ts';
import { draftOf, fieldOf, firstDraft, plansOf, standsFor, suggestedTitle, type Draft } from '../draft.ts';
import type { Problem } from '../fields.ts';
import { Problems } from '../form.tsx';
import { post, request, type ApiError } from '../http.ts';
import { go } from '../router.ts';
import { announce, ErrorNote, View } from '../ui.tsx';
import { useChecks } from './checks.ts';
import { Methods } from './methods.tsx';
import { ModelAndData } from './model-and-data.tsx';
import { Presets } from './presets.tsx';
import { Schedule } from './schedule.tsx';
import { Summary } from './summary.tsx';
import { Targets } from './targets.tsx';

const storage = 'pruningbench.draft';

/** What was in the form before; what an earlier version of the server had in it may not fit any more. */
function kept(version: string): Draft | undefined {
  const text = sessionStorage.getItem(storage);
  if (text === null) return undefined;
  const found = JSON.parse(text) as { version: string; draft: Draft };
  return found.version === version ? found.draft : undefined;
}

/** The same for the second try of what was not changed, so that the server takes it once. */
const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('');

export type Change = (part: Partial<Draft>) => void;

export function NewRun({ query }: { query: Readonly<Record<string, string>> }) {
  const catalogue = useCatalogue();
  const modelName = useModelName();
  const [draft, setDraft] = useState<Draft>(() => kept(catalogue.version) ?? firstDraft(catalogue));
  const [failure, setFailure] = useState<Error>();
  const [refused, setRefused] = useState<readonly Problem[]>([]);
  const [note, setNote] = useState<ComponentChildren>();
  const [busy, setBusy] = useState(false);
  const key = useRef({ of: '', key: '' });
  const sending = useRef(false);
  const { plans, problems: own } = useMemo(() => plansOf(draft, catalogue), [draft, catalogue]);
  const checks = useChecks(own.length === 0 ? plans : [], draft.resources);

  const keep = (draft: Draft) => sessionStorage.setItem(storage, JSON.stringify({ version: catalogue.version, draft }));
  useEffect(() => keep(draft), [draft]);
  const change: Change = part => {
    setDraft(before => ({ ...before, ...part }));
    setRefused([]);
    setFailure(undefined);
  };

  const { run, submission, plan } = query;
  useEffect(() => {
    const source = run ? `api/runs/${run}` : submission ? `api/submissions/${submission}` : undefined;
    if (source === undefined) return;
    request<RunDetail | SubmissionInfo>(source).then(
      found => {
        const given = 'plans' in found ? found.plans : [found.plan];
        const resources = 'resources' in found ? found.resources : 'cpu';
        const copyOf = (plans: readonly Plan[]) => draftOf(plans, catalogue, { title: found.title, resources });
        const copy = copyOf(given);
        const at = Math.min(Number(plan ?? 1), given.length) || 1;
        const whole = given.length === 1 || standsFor(copy, given, catalogue);
        setDraft(whole ? copy : copyOf([given[at - 1]!]));
        setNote(
          whole ? (
            `This is a copy of “${found.title}”.`
          ) : (
            <>
              “{found.title}” has plans that differ in more than model and data set, and a form has one of these. This
              is plan {at} of {given.length}:{' '}
              {given.map((_, i) => (
                <a key={i} href={address(['new'], { submission: found.id, plan: String(i + 1) })}>
                  {i + 1}{' '}
                </a>
              ))}
            </>
          ),
        );
        history.replaceState(null, '', '#/new');
      },
      (error: Error) => setFailure(error),
    );
  }, [run, submission, plan, catalogue]);

  const problems = useMemo<Problem[]>(() => {
    // while others are asked for, the answers are those of what the form had before: the server judges what is sent
    const answers = checks.pending ? [] : checks.results;
    const checked = answers.flatMap((result, plan) =>
      (result?.problems ?? []).map(({ path, message }) => ({ path: fieldOf(path, plan, draft), message })),
    );
    const unique = new Map([...own, ...refused, ...checked].map(one => [`${one.path} ${one.message}`, one]));
    return [...unique.values()];
  }, [own, refused, checks, draft]);

  const submit = async () => {
    if (sending.current) return;
    if (problems.length > 0) {
      announce(`Not sent: ${problems[0]!.message}`);
      show(problems[0]!.path);
      return;
    }
    sending.current = true;
    setBusy(true);
    setFailure(undefined);
    try {
      const title = draft.title.trim() || suggestedTitle(draft, modelName).slice(0, 200);
      const body = { title, plans, resources: draft.resources };
      const of = canonical(body);
      if (key.current.of !== of) key.current = { of, key: newKey() };
      const taken = await post<SubmissionInfo>('api/submissions', { key: key.current.key, ...body });
      key.current = { of: '', key: '' };
      keep({ ...draft, title: '' });
      announce('Submitted.');
      go(['submissions', taken.id]);
    } catch (error) {
      const { field, message } = error as ApiError;
      const [, plan, path] = /^plans\.(\d+)\.?(.*)$/.exec(field ?? '') ?? [];
      if (plan === undefined) setFailure(error as Error);
      else setRefused([{ path: fieldOf(path!, Number(plan), draft), message }]);
      announce(`Not sent: ${message}`);
    } finally {
      sending.current = false;
      setBusy(false);
    }
  };

  return (
    <View title="New run" about="Choose what is pruned, how, and how far: every combination is a run of its own.">
      {note && (
        <p class="notice" role="status">
          {note}
        </p>
      )}
      <Presets
        pick={(plan, title) => {
          setDraft({ ...draftOf([plan], catalogue, { resources: draft.resources }), title });
          setNote(undefined);
          announce(`The form has ${title}.`);
        }}
      />
      <Problems.Provider value={problems}>
        <form
          class="new-run"
          noValidate
          onSubmit={event => {
            event.preventDefault();
            void submit();
          }}
        >
          <div class="parts">
            <ModelAndData draft={draft} change={change} />
            <Methods draft={draft} change={change} impossible={checks.impossible} />
            <Targets draft={draft} change={change} />
            <Schedule draft={draft} change={change} />
          </div>
          <aside aria-label="What this comes to">
            <Summary
              draft={draft}
              change={change}
              plans={plans}
              checks={checks}
              problems={problems}
              busy={busy}
              show={show}
            />
            {failure && <ErrorNote error={failure} />}
          </aside>
        </form>
      </Problems.Provider>
    </View>
  );
}

/** Leads to the field that a problem is about. */
function show(path: string): void {
  const parts = path.split('.');
  for (let n = parts.length; n > 0; n--) {
    const name = parts.slice(0, n).join('.');
    const found = document.querySelector<HTMLElement>(`[data-path="${CSS.escape(name)}"]`);
    if (!found) continue;
    for (let fold = found.closest('details'); fold; fold = fold.parentElement?.closest('details') ?? null)
      fold.open = true;
    found.focus();
    return;
  }
}
