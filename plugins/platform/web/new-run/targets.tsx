import { useCatalogue } from '../context.ts';
import type { Draft } from '../draft.ts';
import { TextField, useProblem } from '../form.tsx';
import { Chips, Section } from '../ui.tsx';
import { Options } from './model-and-data.tsx';
import type { Change } from './new-run.tsx';

export function Targets({ draft, change }: { draft: Draft; change: Change }) {
  const { strategies } = useCatalogue();
  return (
    <Section title="How far">
      <Chips
        legend="Strategy"
        hint="How many channels each group loses."
        wide
        options={strategies.map(({ id, title }) => ({ id, title: id, note: title }))}
        chosen={draft.strategies.map(({ id }) => id)}
        toggle={id =>
          change({
            strategies: draft.strategies.some(one => one.id === id)
              ? draft.strategies.filter(one => one.id !== id)
              : [...draft.strategies, { id, texts: {} }],
          })
        }
        problem={useProblem('strategies')}
      />
      {draft.strategies.map((strategy, i) => (
        <Options
          key={strategy.id}
          plugin={strategies.find(({ id }) => id === strategy.id)}
          name={strategy.id}
          owner={`strategies.${i}`}
          texts={strategy.texts}
          change={texts =>
            change({ strategies: draft.strategies.map(one => (one === strategy ? { ...one, texts } : one)) })
          }
        />
      ))}
      <div class="fields">
        <TextField
          label="Speed-ups"
          path="speedups"
          hint="how many times fewer multiply-adds; several are several runs"
          value={draft.speedups}
          change={speedups => change({ speedups })}
        />
        <TextField
          label="Seeds"
          path="seeds"
          hint="everything is run once for each"
          value={draft.seeds}
          change={seeds => change({ seeds })}
        />
        <TextField
          label="Round to"
          path="roundTo"
          inputMode="numeric"
          hint="groups keep a multiple of so many channels"
          value={draft.roundTo}
          change={roundTo => change({ roundTo })}
        />
      </div>
    </Section>
  );
}
