import { useRef } from 'preact/hooks';
import type { Plan } from '../../../../kernel/bench/plan.ts';
import { useCatalogue } from '../context.ts';
import { plural } from '../format.ts';

const abouts = {
  smoke: 'shows in a minute that everything runs; its numbers mean nothing',
  laptop: 'a small cousin, all methods: hours on a processor',
  paper: 'the network and data of the paper: for a GPU, and days',
} as const;

/** The experiments of the paper, each at three sizes. */
export function Presets({ pick }: { pick: (plan: Plan, title: string) => void }) {
  const { experiments, datasets } = useCatalogue();
  const fold = useRef<HTMLDetailsElement>(null);
  if (experiments.length === 0) return null;
  const missing = ({ dataset, protocol }: Plan) => {
    if (!protocol.base) return 'begins with weights of PyTorch, which only the command line takes';
    const found = datasets.find(({ id }) => id === dataset);
    return found?.unavailable == null ? null : `${found.title} is not on this server`;
  };
  return (
    <details class="presets" ref={fold}>
      <summary>Begin with an experiment of the paper</summary>
      <dl class="hint">
        {Object.entries(abouts).map(([name, about]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{about}</dd>
          </div>
        ))}
      </dl>
      <ul>
        {experiments.map(({ id, title, profiles }) => (
          <li key={id}>
            <span class="name">{title}</span>
            {Object.entries(profiles).map(([profile, plan]) => {
              const reason = missing(plan);
              const about = reason ?? `${plan.model} on ${plan.dataset}, ${plural(prunedBy(plan), 'pruned model')}`;
              return (
                <button
                  key={profile}
                  type="button"
                  disabled={reason !== null}
                  onClick={() => {
                    pick(plan, `${title} (${profile})`);
                    fold.current!.open = false;
                    // what was pressed is hidden now
                    fold.current!.querySelector('summary')!.focus();
                  }}
                >
                  <span>{profile}</span>
                  <small>
                    {about}
                    <span class="unseen">: {title}</span>
                  </small>
                </button>
              );
            })}
          </li>
        ))}
      </ul>
    </details>
  );
}

const prunedBy = ({ methods, strategies, speedups, seeds }: Plan): number =>
  methods.length * strategies.length * speedups.length * seeds.length;
